"""What the first records of a text file show: how dates are written, and quotes that may not be part of the text."""

import io
import re
from collections.abc import Iterator

from omop.imports.reading.records import read_records
from omop.imports.reading.shape import Dialect
from omop.imports.schema import TableSchema

RECORDS = 500
_FORMS = {
    "YYYY-MM-DD": re.compile(r"\d{4}-\d{2}-\d{2}$"),
    "YYYYMMDD": re.compile(r"\d{8}$"),
    "YYYY-MM-DD with a time": re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$"),
    "YYYY-MM-DD with a time and a fraction": re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}\."),
    "nn/nn/YYYY": re.compile(r"\d{1,2}/\d{1,2}/\d{4}"),
}


def shown_by_sample(dialect: Dialect, schema: TableSchema) -> dict[str, str]:
    """For `FileReport.recognised`: "dates", and "quotation marks" where they look as if they stood around values."""
    rows = list(_rows(dialect))
    dates = [n for n, name in enumerate(dialect.columns) if name and schema.columns[name].kind in {"date", "moment"}]
    cells = {row[n] for row in rows for n in dates if n < len(row)}
    forms = [form for form, pattern in _FORMS.items() if any(map(pattern.match, cells))]
    shown = {"dates": ", ".join(forms)} if forms else {}
    if not dialect.quoted:
        around = sum(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in rows for cell in row)
        if around:
            shown["quotation marks"] = f"{around:,} values of the first {len(rows):,} rows begin and end with one"
    return shown


def _rows(dialect: Dialect) -> Iterator[list[str]]:
    head = dialect.survey.head
    if dialect.survey.size > len(head):  # the last line is cut off
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
    stream = io.BytesIO(head[dialect.header_bytes :])
    batch = next(read_records(stream, dialect, dialect.first_line, size=RECORDS), None)
    return iter(batch.rows if batch else [])
