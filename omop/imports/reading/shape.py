"""What is known of a file once it has been recognised."""

from dataclasses import dataclass

from omop.imports.reading.survey import Survey


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is read.

    `encoding` is a codec of Python. `header_bytes` is where the first record begins, on line `first_line`. `columns`
    are the names in the order of the file; None is a column that is not read. Of a Parquet file only `columns` and
    `survey.size` have a meaning.
    """

    separator: str
    quoted: bool
    encoding: str
    header_bytes: int
    first_line: int
    columns: tuple[str | None, ...]
    survey: Survey
