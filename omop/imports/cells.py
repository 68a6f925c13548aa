"""The text of one cell to its canonical text, or the reason why not. Pure; the same for both databases.

Nothing is guessed: no blank is trimmed, no fraction cut, no word such as NA, NaN, today or infinity has a
meaning, and a value that is too long is refused, unless the options of the run say otherwise. `parser_of` is what
the import uses; the parsers that it is made of do not handle the empty text.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from omop.imports.options import DateOrder, Encoding, ImportOptions, LongText
from omop.imports.schema import ColumnSchema

INT32 = 2**31 - 1
INT64 = 2**63 - 1
_LONGEST = 20  # characters of the longest 64 bit integer, its sign included
MAX_EXPONENT = 300  # a double reaches 1e308; nothing measured comes near

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_DAY_FIRST = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6})(0*))?)?", re.ASCII)
_MIDNIGHT = re.compile(r"00:00(?::00(?:\.0+)?)?", re.ASCII)
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?| ?UTC| ?GMT)$", re.IGNORECASE)

Parser = Callable[[str], str]
CellParser = Callable[[str], str | None]


class CellError(ValueError):
    """Why a cell is refused, in words for the person who has to mend the file, and by which check."""

    def __init__(self, reason: str, code: str = "value_type") -> None:
        super().__init__(reason)
        self.code = code


def integer(limit: int) -> Parser:
    """A whole number between -limit - 1 and limit."""
    width = 32 if limit == INT32 else 64

    def parse(text: str) -> str:
        if _INTEGER.fullmatch(text) is None:
            raise CellError("is not a whole number")
        if len(text) > _LONGEST:  # int() takes time that grows with the square of the length
            sign, figures = ("-", text[1:]) if text[0] == "-" else ("", text)
            text = sign + (figures.lstrip("0") or "0")
        if len(text) > _LONGEST or not -limit - 1 <= (value := int(text)) <= limit:
            raise CellError(f"is beyond {width} bits")
        return str(value)

    return parse


def number(max_digits: int | None) -> Parser:
    """A finite decimal number; of at most `max_digits` significant digits where that is given."""

    def parse(text: str) -> str:
        if _NUMBER.fullmatch(text) is None:
            raise CellError("is not a finite decimal number")
        value = Decimal(text)
        if value and abs(value.adjusted()) > MAX_EXPONENT:
            raise CellError(f"is beyond 1e±{MAX_EXPONENT}")
        if max_digits is not None and len(text) > max_digits and _significant(value) > max_digits:
            raise CellError(
                f"has more than {max_digits} significant digits, which SQLite cannot hold exactly (PostgreSQL can)"
            )
        return str(value)

    return parse


def _significant(value: Decimal) -> int:
    return len("".join(map(str, value.as_tuple().digits)).strip("0"))


def day(text: str, order: DateOrder = DateOrder.ISO) -> str:
    """A date as YYYY-MM-DD, or as YYYYMMDD, which vocabulary downloads use; at midnight is a date too.

    With `order` DAY_FIRST as DD/MM/YYYY too.
    """
    on, rest = _split_day(text, order, "is not a date as YYYY-MM-DD")
    if rest and _MIDNIGHT.fullmatch(rest) is None:
        if _ZONE.search(rest):
            raise CellError("has a time zone; OMOP times are local and have none")
        raise CellError("has a time, which this column would lose; it takes YYYY-MM-DD")
    return on.isoformat()


def moment(text: str, order: DateOrder = DateOrder.ISO) -> str:
    """A local time as YYYY-MM-DD HH:MM[:SS[.ffffff]], with a blank or a T; a date alone is its midnight.

    The date is written as in `day`.
    """
    on, rest = _split_day(text, order, "is not a date and time as YYYY-MM-DD HH:MM:SS")
    if not rest:
        return f"{on.isoformat()} 00:00:00"
    clock = _TIME.fullmatch(rest)
    if clock is None:
        if _ZONE.search(rest):
            raise CellError("has a time zone; OMOP times are local and have none")
        raise CellError("is not a date and time as YYYY-MM-DD HH:MM:SS")
    hour, minute, second, fraction, _ = clock.groups()
    try:
        parsed = datetime(  # noqa: DTZ001 - OMOP times are local
            on.year, on.month, on.day, int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(6, "0"))
        )
    except ValueError as error:
        raise CellError("is a time that no clock shows") from error
    return parsed.isoformat(sep=" ")


def _split_day(text: str, order: DateOrder, otherwise: str) -> tuple[date, str]:
    """The day at the beginning and what comes behind it and its blank or T; CellError `otherwise`."""
    if match := _DATE.match(text):
        year, month, day_of_month = (int(part) for part in match.groups() if part is not None)
    elif match := _DAY_FIRST.match(text):
        if order is not DateOrder.DAY_FIRST:
            raise CellError(f"{otherwise}; DD/MM/YYYY is read only in an import that says so")
        day_of_month, month, year = (int(part) for part in match.groups())
    else:
        raise CellError(otherwise)
    rest = text[match.end() :]
    if rest.isspace():
        raise CellError("has blanks behind it")
    if rest and (rest[0] not in " T" or len(rest) == 1):
        raise CellError(otherwise)
    try:
        return date(year, month, day_of_month), rest[1:]
    except ValueError as error:
        raise CellError("is a day that no calendar has") from error


def text(length: int | None, *, truncate: bool = False, encoding: str = "UTF-8") -> Parser:
    """Any text of at most `length` characters, as it stands; neither NUL nor bytes that are not in `encoding`.

    With `truncate` a longer text is cut to its first `length` characters; whoever calls says so in the report.
    """

    def parse(value: str) -> str:
        if "\x00" in value:
            raise CellError("holds a NUL byte")
        if not value.isascii():
            try:
                value.encode("utf-8")
            except UnicodeEncodeError as error:
                raise CellError(f"is not {encoding}") from error
        if length is not None and len(value) > length:
            if not truncate:
                raise CellError(f"has {len(value)} characters; at most {length} fit", "value_length")
            return value[:length]
        return value

    return parse


# Required, and yet kept when empty: Athena gives the concepts of CPT4 without their names. The gate tells them from
# others, where an empty name is an error (check cpt4_named).
KEEPS_EMPTY = frozenset({("concept", "concept_name")})


def parser_of(column: ColumnSchema, table: str, options: ImportOptions, max_digits: int | None) -> CellParser:
    """The parser of a column under the options of a run: None for no value, which a required column refuses."""
    parse = _typed(column, options, max_digits)
    none = options.tokens_of(table, column.name)
    required = column.required
    keeps_empty = (table, column.name) in KEEPS_EMPTY

    def of(cell: str) -> str | None:
        if cell and cell not in none:
            return parse(cell)
        if keeps_empty and not cell:
            return cell
        if required:
            reason = "means none, as said" if cell else "is empty"
            raise CellError(f"{reason}, but this column is required", "value_required")
        return None

    return of


def _typed(column: ColumnSchema, options: ImportOptions, max_digits: int | None) -> Parser:
    match column.kind:
        case "id":
            return integer(INT64)
        case "integer":
            return integer(INT32)
        case "number":
            return number(max_digits)
        case "date":
            return lambda cell: day(cell, options.date_order)
        case "moment":
            return lambda cell: moment(cell, options.date_order)
        case _:
            encoding = "UTF-8" if options.encoding is Encoding.UTF_8 else "Latin-1"
            return text(column.length, truncate=options.long_text is LongText.TRUNCATE, encoding=encoding)
