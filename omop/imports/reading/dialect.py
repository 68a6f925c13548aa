"""How a file is written: recognised, told in the report, never guessed."""

from omop.imports.options import ImportOptions
from omop.imports.reading.parquet import recognise_parquet
from omop.imports.reading.shape import Dialect
from omop.imports.reading.sources import SourceFile, UnreadableFile
from omop.imports.reading.survey import survey
from omop.imports.reading.text import DialectError, recognise_text
from omop.imports.report import FileReport, ImportReport
from omop.imports.schema import TableSchema

__all__ = ["Dialect", "recognise"]


def recognise(
    source: SourceFile, schema: TableSchema, options: ImportOptions, report: ImportReport, file: FileReport
) -> Dialect | None:
    """Recognise a file and check its columns. None where it cannot be read; why is in the report then.

    Reads the file once, to its end. Fills `file.recognised`, `renamed`, `ignored` and `missing`.
    """
    report.check("file_readable", source.table).checked += 1
    try:
        if source.kind == "parquet":
            return recognise_parquet(source, schema, options, report, file)
        with source.open() as stream:
            found = survey(stream, source.size)
        return recognise_text(source, found, schema, options, report, file)
    except OSError as error:
        _unreadable(report, source, f"the file cannot be read: {error.strerror or error}", None)
    except UnreadableFile as error:
        _unreadable(report, source, str(error), None)
    except DialectError as error:
        _unreadable(report, source, str(error), 1)
    return None


def _unreadable(report: ImportReport, source: SourceFile, reason: str, line: int | None) -> None:
    report.found("file_readable", source.table, reason, file=source.name, line=line)
