"""What the user of an import chooses. Nothing here has an effect unless it is said; the defaults guess nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any

_NAME = re.compile(r"[a-z_0-9]+(\.[a-z_0-9]+)?")


class OptionError(ValueError):
    """An option that makes no sense, in words for who gave it."""


class Mode(StrEnum):
    """What happens to rows whose key is in the database already, or whose person is."""

    INSERT = "insert"  # new rows are inserted; a known key with other content is an error
    UPSERT = "upsert"  # as insert, but a known key with other content is updated
    REPLACE_PERSON = "replace-person"  # all rows of each person in the files are replaced by those of the files


class Duplicates(StrEnum):
    """What happens to rows of one run that have the same key."""

    REFUSE = "refuse"  # every row but the first is an error
    FIRST = "first"  # the first row is kept
    IDENTICAL = "identical"  # the first is kept where all are the same; rows that differ are errors


class DateOrder(StrEnum):
    """How dates are written that are not YYYY-MM-DD or YYYYMMDD."""

    ISO = "iso"  # there are none
    DAY_FIRST = "day-first"  # DD/MM/YYYY is read too


class Encoding(StrEnum):
    """The encoding of text files. One that is not UTF-8 is recognised, but only read as Latin-1 when said."""

    UTF_8 = "utf-8"
    LATIN_1 = "latin-1"


class Quoting(StrEnum):
    """Whether quotation marks stand around values, or are part of them."""

    AUTO = "auto"  # around values; but in tab separated files, as Athena writes them, only if the header has them too
    QUOTED = "quoted"
    UNQUOTED = "unquoted"


class LongText(StrEnum):
    """What happens to a text that is longer than its column."""

    REJECT = "reject"
    TRUNCATE = "truncate"


class UnknownColumns(StrEnum):
    """What happens to columns that CDM 5.4 does not have."""

    REFUSE = "refuse"
    IGNORE = "ignore"  # listed in the report, not loaded


class Indexes(StrEnum):
    """PostgreSQL only: whether the indexes of a table that is empty before the run are built after its rows."""

    AUTO = "auto"  # built after, where the table is empty
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """All options of a run. Column names are `column` (in every table) or `table.column`, in lower case.

    `aliases` says which table a file holds, by the file's name as given (`DEVICES_EXPOSURE.csv`: `device_exposure`).
    `null_tokens` are texts that mean "none", for each column. `headerless` are the tables whose files have no header
    and all columns of CDM 5.4 in its order. `thresholds` are percentages by check code, `code:table` or
    `code:table.column`; the most exact one counts. `earliest` and `latest` bound plausible dates; None for `latest`
    is tomorrow.
    """

    mode: Mode = Mode.INSERT
    duplicates: Duplicates = Duplicates.REFUSE
    aliases: Mapping[str, str] = field(default_factory=dict)
    null_tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zero_as_null: frozenset[str] = frozenset()
    headerless: frozenset[str] = frozenset()
    date_order: DateOrder = DateOrder.ISO
    encoding: Encoding = Encoding.UTF_8
    quoting: Quoting = Quoting.AUTO
    long_text: LongText = LongText.REJECT
    unknown_columns: UnknownColumns = UnknownColumns.REFUSE
    indexes: Indexes = Indexes.AUTO
    thresholds: Mapping[str, float] = field(default_factory=dict)
    earliest: date = date(1950, 1, 1)
    latest: date | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        for name in (*self.zero_as_null, *self.null_tokens):
            if _NAME.fullmatch(name) is None:
                raise OptionError(f"{name!r} is not a column; write column or table.column, in lower case.")
        for code, threshold in self.thresholds.items():
            if not 0 <= threshold <= 100:
                raise OptionError(f"The threshold of {code} is {threshold}; it is a percentage from 0 to 100.")
        if self.threads < 1:
            raise OptionError("There must be at least one thread.")
        object.__setattr__(self, "aliases", MappingProxyType(dict(self.aliases)))
        object.__setattr__(self, "null_tokens", MappingProxyType({k: tuple(v) for k, v in self.null_tokens.items()}))
        object.__setattr__(self, "thresholds", MappingProxyType(dict(self.thresholds)))

    def tokens_of(self, table: str, column: str) -> frozenset[str]:
        """The texts that mean "none" in this column, `0` among them where that was said."""
        tokens = {*self.null_tokens.get(column, ()), *self.null_tokens.get(f"{table}.{column}", ())}
        if {column, f"{table}.{column}"} & self.zero_as_null:
            tokens.add("0")
        return frozenset(tokens)

    def threshold_of(self, code: str, table: str, column: str | None, default: float) -> float:
        """The percentage of wrong rows that is tolerated."""
        keys = [f"{code}:{table}.{column}"] if column else []
        for key in (*keys, f"{code}:{table}", code):
            if key in self.thresholds:
                return self.thresholds[key]
        return default

    def to_json(self) -> dict[str, Any]:
        """What differs from the defaults, as values that json.dumps takes."""
        plain = ImportOptions()
        return {
            each.name: _plain(getattr(self, each.name))
            for each in fields(self)
            if getattr(self, each.name) != getattr(plain, each.name)
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ImportOptions:
        """The inverse of `to_json`. Raises OptionError for what no option takes."""
        known = {each.name for each in fields(cls)}
        if unknown := set(data) - known:
            raise OptionError(f"There is no option {', '.join(sorted(unknown))}.")
        values = dict(data)
        try:
            for name, kind in _ENUMS.items():
                if name in values:
                    values[name] = kind(values[name])
            for name in ("zero_as_null", "headerless"):
                if name in values:
                    values[name] = frozenset(values[name])
            for name in ("earliest", "latest"):
                if values.get(name):
                    values[name] = date.fromisoformat(values[name])
        except ValueError as error:
            raise OptionError(str(error)) from error
        return cls(**values)


_ENUMS: Mapping[str, type[StrEnum]] = {
    "mode": Mode,
    "duplicates": Duplicates,
    "date_order": DateOrder,
    "encoding": Encoding,
    "quoting": Quoting,
    "long_text": LongText,
    "unknown_columns": UnknownColumns,
    "indexes": Indexes,
}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value
