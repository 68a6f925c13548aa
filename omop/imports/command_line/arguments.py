"""The arguments of `import_omop` as ImportOptions. Whatever is wrong is said in words, with what was meant perhaps."""

from __future__ import annotations

import difflib
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from omop.imports.gate.catalogue import CATALOGUE, Level
from omop.imports.options import (
    DateOrder,
    Duplicates,
    Encoding,
    ImportOptions,
    Indexes,
    LongText,
    Mode,
    OptionError,
    Quoting,
    UnknownColumns,
)
from omop.imports.schema import schemas

_CHOICES: tuple[tuple[str, str, type[StrEnum], str], ...] = (
    (
        "--mode",
        "mode",
        Mode,
        "insert new rows only (the default); upsert: change rows whose key is there with other content; "
        "replace-person: replace all rows of the persons in the files",
    ),
    (
        "--duplicates",
        "duplicates",
        Duplicates,
        "rows of one key in the files: refuse (the default), keep the first, or keep one where all are identical",
    ),
    ("--dates", "date_order", DateOrder, "day-first reads DD/MM/YYYY too; iso (the default) does not"),
    ("--encoding", "encoding", Encoding, "of text files; latin-1 only where they are"),
    (
        "--quoting",
        "quoting",
        Quoting,
        "auto (the default): values may be in quotation marks, in files with tabs only where the header is",
    ),
    ("--long-text", "long_text", LongText, "a text longer than its column: reject its row (the default) or cut it"),
    ("--unknown-columns", "unknown_columns", UnknownColumns, "columns that CDM 5.4 does not have"),
    ("--indexes", "indexes", Indexes, "PostgreSQL: auto (the default) builds those of an empty table after its rows"),
)


def add_option_arguments(parser: ArgumentParser) -> None:
    """Add what becomes ImportOptions; `options_of` reads it back."""
    for flag, name, choices, text in _CHOICES:
        parser.add_argument(flag, dest=name, choices=[each.value for each in choices], help=text)
    repeated: tuple[tuple[str, str, str, Callable[[str], Any], str], ...] = (
        ("--zero-as-null", "zero_as_null", "COLUMN[,COLUMN]", _columns, "columns where 0 means none"),
        ("--null-token", "null_tokens", "COLUMN=TEXT", _null_token, "a text that means none in a column"),
        ("--alias", "aliases", "FILE=TABLE", _alias, "which table a file of another name holds"),
        ("--no-header", "headerless", "TABLE[,TABLE]", _tables, "tables whose files have no header line"),
        ("--threshold", "thresholds", "CHECK[:TABLE[.COLUMN]]=PERCENT", _threshold, "wrong rows tolerated"),
    )
    for flag, name, metavar, kind, text in repeated:
        parser.add_argument(
            flag, dest=name, metavar=metavar, type=kind, action=_Collect, default=[], help=f"{text}; can be repeated"
        )
    parser.add_argument("--earliest", metavar="DATE", type=_date, help="earliest plausible date (default 1950-01-01)")
    parser.add_argument("--latest", metavar="DATE", type=_date, help="latest plausible date (default tomorrow)")
    parser.add_argument("--threads", metavar="N", type=_threads, help="threads that convert columns (default 1)")


def options_of(arguments: dict[str, Any]) -> ImportOptions:
    """The options that were said. Raises OptionError for those that contradict each other."""
    values: dict[str, Any] = {
        name: kind(arguments[name]) for _, name, kind, _ in _CHOICES if arguments[name] is not None
    }
    for name in ("earliest", "latest", "threads"):
        if arguments[name] is not None:
            values[name] = arguments[name]
    tokens: dict[str, list[str]] = {}
    for column, token in arguments["null_tokens"]:
        tokens.setdefault(column, []).append(token)
    options = ImportOptions(
        **values,
        null_tokens={column: tuple(dict.fromkeys(each)) for column, each in tokens.items()},
        zero_as_null=frozenset(arguments["zero_as_null"]),
        headerless=frozenset(arguments["headerless"]),
        aliases=_once("--alias", arguments["aliases"]),
        thresholds=_once("--threshold", arguments["thresholds"]),
    )
    if options.latest is not None and options.latest < options.earliest:
        raise OptionError(f"--latest {options.latest} is before --earliest {options.earliest}.")
    return options


def path_of(text: str) -> Path:
    """A path that was given. The empty one, as of a variable that is not set, is not the current folder."""
    if not text:
        raise ArgumentTypeError("a path is empty; is a variable not set? The current folder is .")
    return Path(text)


class _Collect(Action):
    """Adds what the type made (a value, or a list of them) to the list of earlier ones."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: Any = None) -> None:
        new = values if isinstance(values, list) else [values]
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), *new])


def _once(flag: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise OptionError(f"{flag} says two things about {name}: {found[name]} and {value}.")
    return found


def _columns(text: str) -> list[str]:
    return [_column(each) for each in _list(text)]


def _tables(text: str) -> list[str]:
    return [_table(each) for each in _list(text)]


def _list(text: str) -> Sequence[str]:
    names = [each.strip() for each in text.split(",")]
    if not all(names):
        raise ArgumentTypeError(f"{text!r} has an empty name; write names with one comma between them")
    return names


def _table(text: str) -> str:
    name = text.lower()
    if name not in schemas():
        raise ArgumentTypeError(f"there is no table {text!r} in CDM 5.4{_perhaps(name, schemas())}")
    return name


def _column(text: str) -> str:
    """`column` of any table, or `table.column`."""
    table, dot, column = text.lower().rpartition(".")
    if dot:
        known: Collection[str] = schemas()[_table(table)].columns
        if column not in known:
            raise ArgumentTypeError(f"there is no column {column!r} in {table}{_perhaps(column, known)}")
        return f"{table}.{column}"
    known = {name for schema in schemas().values() for name in schema.columns}
    if column not in known:
        raise ArgumentTypeError(f"no table of CDM 5.4 has a column {text!r}{_perhaps(column, known)}")
    return column


def _null_token(text: str) -> tuple[str, str]:
    column, sign, token = text.partition("=")
    if not sign or not token:
        raise ArgumentTypeError(f"{text!r} is not COLUMN=TEXT (an empty cell always means none)")
    return _column(column), token


def _alias(text: str) -> tuple[str, str]:
    file, sign, table = text.rpartition("=")
    if not sign or not file:
        raise ArgumentTypeError(f"{text!r} is not FILE=TABLE, as in DEVICES_EXPOSURE.csv=device_exposure")
    return file, _table(table)


def _threshold(text: str) -> tuple[str, float]:
    place, sign, percent = text.rpartition("=")
    if not sign:
        raise ArgumentTypeError(f"{text!r} is not CHECK=PERCENT, CHECK:TABLE=PERCENT or CHECK:TABLE.COLUMN=PERCENT")
    code, colon, where = place.partition(":")
    if code not in CATALOGUE:
        raise ArgumentTypeError(f"there is no check {code!r}{_perhaps(code, CATALOGUE)}; --list-checks lists them")
    if CATALOGUE[code].level is Level.REFUSE:
        raise ArgumentTypeError(f"{code} tolerates nothing: it always refuses the run")
    if colon:
        where = _column(where) if "." in where else _table(where)
    try:
        tolerated = float(percent.strip().removesuffix("%"))
    except ValueError:
        raise ArgumentTypeError(f"{percent!r} is not a percentage") from None
    if not 0 <= tolerated <= 100:
        raise ArgumentTypeError(f"{percent!r} is not a percentage from 0 to 100")
    return f"{code}:{where}" if colon else code, tolerated


def _date(text: str) -> date:
    try:
        # Of all that fromisoformat reads, weeks among them, only the one form that people mean.
        return date.fromisoformat(text if text[4:5] == text[7:8] == "-" and len(text) == 10 else "")
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date as YYYY-MM-DD") from None


def _threads(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of threads, 1 or more")
    return int(text)


def _perhaps(text: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(text, sorted(known), n=1, cutoff=0.6)
    return f"; perhaps {close[0]!r} is meant" if close else ""
