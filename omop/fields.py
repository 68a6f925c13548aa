"""Two column types of the CDM that Django lacks: a local time without zone, a number of any precision."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_date, parse_datetime

SQLITE_DIGITS = 15  # every decimal of so many significant digits survives the way through a double


def significant_digits(number: Decimal) -> int:
    """Count the digits that matter: 0.0120 and 120 have two, 0 has one."""
    digits = number.as_tuple().digits
    first = next((index for index, digit in enumerate(digits) if digit), None)
    if first is None:
        return 1
    last = max(index for index, digit in enumerate(digits) if digit)
    return last - first + 1


class NaiveDateTimeFormField(forms.DateTimeField):
    """Django's form field without the step that would give the time a zone."""

    def prepare_value(self, value: Any) -> Any:
        return value

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        parsed = value if isinstance(value, datetime) else _parse_local(str(value).strip())
        if parsed is None or parsed.tzinfo is not None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return parsed


def _parse_local(text: str) -> datetime | None:
    try:
        parsed = parse_datetime(text)
        if parsed is not None:
            return parsed
        day = parse_date(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001 - OMOP times are local


class LocalDateTimeField(models.Field):
    """A time on the clock where the patient was, without zone; Python sees naive datetimes on every database.

    Not a DateTimeField: that one is "with time zone" on PostgreSQL and moves midnight, which in OMOP means
    "time unknown", into the day before.
    """

    description = "Local date and time, without time zone"
    empty_strings_allowed = False
    default_error_messages = {
        "invalid": "“%(value)s” is not a date and time as YYYY-MM-DD HH:MM:SS.",
        "zone": "“%(value)s” has a time zone; OMOP times are local and have none.",
    }

    def get_internal_type(self) -> str:
        return "LocalDateTimeField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "timestamp" if connection.vendor == "postgresql" else "datetime"

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def to_python(self, value: Any) -> datetime | None:
        if value is None:
            return None
        parsed: datetime | None
        if isinstance(value, datetime):
            parsed = value
        elif isinstance(value, date):
            parsed = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - OMOP times are local
        else:
            parsed = _parse_local(str(value))
        if parsed is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value})
        if parsed.tzinfo is not None:
            raise ValidationError(self.error_messages["zone"], code="zone", params={"value": value})
        return parsed

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        if isinstance(value, datetime) and connection.vendor == "sqlite":
            return value.isoformat(sep=" ")
        return value

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> datetime | None:
        return _parse_local(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else value.isoformat(sep=" ")

    def formfield(self, form_class: Any = None, choices_form_class: Any = None, **kwargs: Any) -> Any:
        return super().formfield(form_class or NaiveDateTimeFormField, choices_form_class, **kwargs)


class FreeNumericField(models.Field):
    """A decimal number of any precision and scale: `numeric` on PostgreSQL.

    SQLite has no such type. The number is kept there as a double and read back through its 15 significant
    digits, which returns every decimal of up to 15 digits exactly; a longer one is refused. Trailing zeros
    are not kept there.
    """

    description = "Number of any precision"
    empty_strings_allowed = False
    default_error_messages = {
        "invalid": "“%(value)s” is not a finite decimal number.",
        "digits": "“%(value)s” has more than 15 significant digits, which SQLite cannot hold exactly.",
    }

    def get_internal_type(self) -> str:
        return "FreeNumericField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "numeric" if connection.vendor == "postgresql" else "real"

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            number = Decimal("NaN")
        if not number.is_finite():
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value})
        return number

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        if isinstance(value, Decimal) and connection.vendor == "sqlite":
            if significant_digits(value) > SQLITE_DIGITS or not math.isfinite(float(value)):
                raise ValidationError(self.error_messages["digits"], code="digits", params={"value": value})
            return float(value)
        return value

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(f"{value:.{SQLITE_DIGITS}g}")

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")

    def formfield(self, form_class: Any = None, choices_form_class: Any = None, **kwargs: Any) -> Any:
        return super().formfield(form_class or forms.DecimalField, choices_form_class, **kwargs)
