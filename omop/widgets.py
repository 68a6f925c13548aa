"""How cells of the admin's small imports are read and written: by the rules of the bulk import, not by guesses."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from import_export.widgets import Widget

from omop.fields import SQLITE_DIGITS, FreeNumericField, LocalDateTimeField
from omop.imports import cells

# A spreadsheet runs what begins like this. Exported text gets an apostrophe before it, imported text loses it again.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class CellWidget(Widget):
    """A cell through one of the parsers of the bulk import. Empty is NULL."""

    parse: cells.Parser

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """Raises ValueError with the reason, which the preview shows beside the row."""
        text = self.as_text(value)
        return None if text == "" else self.to_python(type(self).parse(text))

    def as_text(self, value: Any) -> str:
        """What a spreadsheet made of the text, undone as far as nothing was lost."""
        if value is None:
            return ""
        if isinstance(value, bool):
            raise cells.CellError("is a truth value")
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        return value.isoformat() if isinstance(value, date) else str(value)

    def to_python(self, text: str) -> Any:
        return text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value)


class IdWidget(CellWidget):
    """Whole numbers of 64 bits."""

    parse = staticmethod(cells.integer(cells.INT64))

    def to_python(self, text: str) -> int:
        return int(text)


class IntegerWidget(IdWidget):
    """Whole numbers of 32 bits."""

    parse = staticmethod(cells.integer(cells.INT32))


class NumberWidget(CellWidget):
    """Finite decimal numbers; the digits SQLite can hold, so that a file means the same on both databases."""

    parse = staticmethod(cells.number(SQLITE_DIGITS))

    def to_python(self, text: str) -> Decimal:
        return Decimal(text)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else format(value, "f")


class DayWidget(CellWidget):
    """Dates as YYYY-MM-DD or YYYYMMDD."""

    parse = staticmethod(cells.day)

    def to_python(self, text: str) -> date:
        return date.fromisoformat(text)


class MomentWidget(CellWidget):
    """Local times without zone."""

    parse = staticmethod(cells.moment)

    def to_python(self, text: str) -> datetime:
        return datetime.fromisoformat(text)


class TextWidget(CellWidget):
    """Text as it stands; the model checks its length."""

    parse = staticmethod(cells.text(None))

    def to_python(self, text: str) -> str:
        return text[1:] if text.startswith("'") and _FORMULA.match(text) else text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        text = "" if value is None else str(value)
        return f"'{text}" if _FORMULA.match(text) else text


_WIDGETS: tuple[tuple[type[models.Field], type[CellWidget]], ...] = (
    (LocalDateTimeField, MomentWidget),
    (FreeNumericField, NumberWidget),
    (models.BigIntegerField, IdWidget),
    (models.IntegerField, IntegerWidget),
    (models.DateField, DayWidget),
)


def widget_for(field: models.Field) -> type[CellWidget]:
    """The widget of a CDM column."""
    return next((widget for kind, widget in _WIDGETS if isinstance(field, kind)), TextWidget)
