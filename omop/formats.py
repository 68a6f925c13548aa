"""Files of the admin's small imports and exports, read strictly: no row padded, no quote swallowed."""

import csv
import io
from typing import Any

import tablib
from import_export.formats.base_formats import CSV, XLSX


class StrictCSV(CSV):
    """Comma separated. Every record has as many fields as the header, every quote is closed."""

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> tablib.Dataset:
        """Raises ValueError naming the line."""
        text = in_stream.decode("utf-8-sig") if isinstance(in_stream, bytes) else in_stream
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        dataset = tablib.Dataset()
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return dataset
            except csv.Error as error:
                raise ValueError(f"Line {line} cannot be read: {error}.") from error
            if dataset.headers is None:
                dataset.headers = [name.strip().lower() for name in row]
            elif len(row) == len(dataset.headers):
                dataset.append(row)
            elif row:
                raise ValueError(f"Line {line} has {len(row)} fields, the header {len(dataset.headers)}.")

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        # The base class would delete the "=" of a formula; the widgets have put an apostrophe before it.
        return dataset.export("csv", **kwargs)


class TextXLSX(XLSX):
    """A spreadsheet whose cells are written as text, because Excel would round ids of more than 15 digits."""

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> tablib.Dataset:
        dataset = super().create_dataset(in_stream, **kwargs)
        dataset.headers = [str(name or "").strip().lower() for name in dataset.headers or []]
        return dataset

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        return dataset.export("xlsx", **kwargs)
