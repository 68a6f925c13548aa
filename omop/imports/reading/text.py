"""How a text file is written: encoding, separator, quoting, header."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence

from omop.imports.options import Encoding, ImportOptions, Quoting
from omop.imports.reading.header import columns_of, normalised, recognised
from omop.imports.reading.sample import shown_by_sample
from omop.imports.reading.shape import Dialect
from omop.imports.reading.sources import SourceFile
from omop.imports.reading.survey import Survey
from omop.imports.report import FileReport, ImportReport
from omop.imports.schema import TableSchema
from omop.specification import tables

MAX_HEADER = 64 * 1024
SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
_CODECS = {Encoding.UTF_8: "utf-8", Encoding.LATIN_1: "cp1252"}


class DialectError(ValueError):
    """The file cannot be read as a table, in words for who has to mend it."""


def recognise_text(
    source: SourceFile,
    found: Survey,
    schema: TableSchema,
    options: ImportOptions,
    report: ImportReport,
    file: FileReport,
) -> Dialect | None:
    """As `dialect.recognise`, for a text file that was looked through. Raises DialectError."""
    _refuse_binary(found.head)
    bom = len(codecs.BOM_UTF8) if found.head.startswith(codecs.BOM_UTF8) else 0
    if bom and options.encoding is not Encoding.UTF_8:
        raise DialectError("the file begins with the byte order mark of UTF-8, but was said to be Latin-1")
    first, end = _first_line(found, bom, _CODECS[options.encoding])
    headerless = source.table in options.headerless
    separator = _separator(first, schema, headerless)
    quoted = _is_quoted(first, separator, options)
    cells = _split(first, separator, quoted)
    file.recognised = {
        "separator": SEPARATORS[separator],
        "quoting": "quotes around values" if quoted else "none; quotation marks are part of the text",
        "encoding": _encoding(found, options),
        "byte order mark": "yes" if bom else "no",
        "line ends": found.line_ends,
        "header": "none, as said; the columns of CDM 5.4 in its order" if headerless else _written(first, cells),
        "compression": source.compression or "none",
    }
    names = _headerless(cells, schema) if headerless else _header(cells, schema)
    columns = columns_of(names, schema, options, report, file)
    if columns is None:
        return None
    start, line = (bom, 1) if headerless else (end, 2)
    dialect = Dialect(separator, quoted, _CODECS[options.encoding], start, line, columns, found)
    file.recognised |= shown_by_sample(dialect, schema)
    return dialect


_MAGIC = {
    codecs.BOM_UTF32_LE: "is UTF-32; save it as UTF-8",
    codecs.BOM_UTF32_BE: "is UTF-32; save it as UTF-8",
    codecs.BOM_UTF16_LE: "is UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16; save it as UTF-8",
    b"PK\x03\x04": "is an Excel workbook or an archive; save it as CSV, or name it .zip",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; save it as CSV",
    b"\x1f\x8b": "is compressed by gzip; name it .csv.gz",
    b"PAR1": "is Parquet; name it .parquet",
    b"BZh": "is compressed by bzip2; unpack it, or compress it by gzip",
    b"\xfd7zXZ": "is compressed by xz; unpack it, or compress it by gzip",
    b"\x28\xb5\x2f\xfd": "is compressed by Zstandard; unpack it, or compress it by gzip",
}


def _refuse_binary(head: bytes) -> None:
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise DialectError(f"the file {what}")
    sample = head[:MAX_HEADER]
    if sample.count(b"\0") * 3 > len(sample):
        raise DialectError("the file looks like UTF-16 without a byte order mark; save it as UTF-8")


def _first_line(found: Survey, bom: int, codec: str) -> tuple[str, int]:
    """The first line without its end, and where the next one begins."""
    head = found.head[bom : bom + MAX_HEADER]
    ends = [position for end in (b"\n", b"\r") if (position := head.find(end)) >= 0]
    if not ends and len(head) == MAX_HEADER:
        raise DialectError(f"the first line is longer than {MAX_HEADER // 1024} kB; the file is no table")
    stop = min(ends) if ends else len(head)
    width = 2 if head[stop : stop + 2] == b"\r\n" else min(1, len(head) - stop)
    line = head[:stop].decode(codec, "surrogateescape")
    if not line.strip():
        what = "its first line is empty" if found.size > bom else "the file is empty"
        raise DialectError(f"{what}; the first line must name the columns")
    return line, bom + stop + width


def _separator(first: str, schema: TableSchema, headerless: bool) -> str:
    if headerless:
        wanted = len(tables()[schema.name].columns)
        fitting = [separator for separator in SEPARATORS if len(_split(first, separator, True)) == wanted]
    else:
        fitting = [separator for separator in SEPARATORS if _known(first, separator, schema)]
    if len(fitting) > 1:
        names = " and ".join(SEPARATORS[separator] for separator in fitting)
        raise DialectError(f"the columns of the first line are separated by {names}; one of them must do")
    if fitting:
        return fitting[0]
    # Nothing fits, so this only decides how the error is put.
    return "\t" if first.count("\t") > first.count(",") else ","


def _known(first: str, separator: str, schema: TableSchema) -> bool:
    names = [normalised(name) for name in _split(first, separator, True)]
    return len(names) > 1 and any(recognised(name, schema) for name in names)


def _is_quoted(first: str, separator: str, options: ImportOptions) -> bool:
    # Vocabulary downloads are tab separated and know no quoting: their quotes are part of the names.
    # A tab separated file whose first line is quoted does quote.
    if options.quoting is not Quoting.AUTO:
        return options.quoting is Quoting.QUOTED
    return separator != "\t" or first.lstrip().startswith('"')


def _split(line: str, separator: str, quoted: bool) -> list[str]:
    if quoted:
        return next(csv.reader([line], delimiter=separator))
    return next(csv.reader([line], delimiter=separator, quoting=csv.QUOTE_NONE))


def _header(cells: Sequence[str], schema: TableSchema) -> list[str]:
    names = [normalised(cell) for cell in cells]
    if any(recognised(name, schema) for name in names):
        return names
    other = next((table for table in tables().values() if len(names) > 1 and set(names) <= set(table.columns)), None)
    if other is not None:
        raise DialectError(f"the first line names the columns of {other.name}, none of {schema.name}")
    raise DialectError(
        f"the first line looks like data: it names no column of {schema.name}."
        " Put the names of the columns there, or say that the file has no header"
    )


def _headerless(cells: Sequence[str], schema: TableSchema) -> list[str]:
    names = list(tables()[schema.name].columns)
    if any(recognised(normalised(cell), schema) for cell in cells):
        raise DialectError("the file was said to have no header, but its first line names columns")
    if len(cells) != len(names):
        raise DialectError(
            f"the first line has {len(cells)} fields, but {schema.name} has {len(names)} columns in CDM 5.4;"
            " a file without a header must have them all"
        )
    return names


def _written(first: str, cells: Sequence[str]) -> str:
    """How the names of the columns are written."""
    ways = ["upper case"] if any(cell != cell.lower() for cell in cells) else []
    if '"' in first:
        ways.append("quoted")
    if any(cell.strip('"') != cell.strip('"').strip() for cell in cells):
        ways.append("blanks around names")
    return ", ".join(["line 1", *ways])


def _encoding(found: Survey, options: ImportOptions) -> str:
    if options.encoding is Encoding.LATIN_1:
        doubt = "" if found.ascii or found.invalid_line else "; as UTF-8 it would be valid too"
        return f"Latin-1 (Windows-1252), as said{doubt}"
    if found.invalid_line:
        return f"not UTF-8 from line {found.invalid_line} on"
    return "ASCII" if found.ascii else "UTF-8"
