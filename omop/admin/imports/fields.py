"""Fields of the import's forms: several files, and short lists that people type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from omop.imports.schema import schemas


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A file field that takes several; its value is a list, empty where it is not required."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=ManyFiles(), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        if not data:
            return [one for one in [super().clean(None)] if one]
        errors: list[ValidationError] = []
        cleaned = []
        for item in data:
            try:
                cleaned.append(super().clean(item, initial))
            except ValidationError as error:
                errors.extend(_of_file(item.name, each) for each in error.error_list)
        if errors:
            raise ValidationError(errors)
        return cleaned


def _of_file(name: str, error: ValidationError) -> ValidationError:
    """The same error with the file's name: several may have been chosen."""
    if error.code == "empty":
        return ValidationError(f"{name} is empty.", code="empty")
    return ValidationError(f"{name}: {' '.join(error.messages)}", code=error.code)


def known_column(name: str) -> str:
    """The name of a column, or of a table's column, in lower case. Raises ValidationError where no table has it."""
    text = name.strip().lower()
    table, _, column = text.rpartition(".")
    tables = schemas()
    if table and table not in tables:
        raise ValidationError(f"There is no table {table} in CDM 5.4.")
    found = column in tables[table].columns if table else any(column in each.columns for each in tables.values())
    if not found:
        raise ValidationError(f"{f'The table {table} has' if table else 'CDM 5.4 has'} no column {column}.")
    return text


class NamesField(forms.CharField):
    """Names with blanks, commas or line ends between them; a set."""

    def to_python(self, value: Any) -> Any:
        return frozenset((super().to_python(value) or "").lower().replace(",", " ").split())

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(sorted(value)) if isinstance(value, (frozenset, set, list, tuple)) else value

    def validate(self, value: Any) -> None:
        errors = []
        for name in sorted(value):
            try:
                self.check_name(name)
            except ValidationError as error:
                errors.extend(error.messages)
        if errors:
            raise ValidationError(errors)

    def check_name(self, name: str) -> None:
        """Raises ValidationError where the name is none of its kind."""


class ColumnsField(NamesField):
    def check_name(self, name: str) -> None:
        known_column(name)


class TablesField(NamesField):
    def check_name(self, name: str) -> None:
        if name not in schemas():
            raise ValidationError(f"There is no table {name} in CDM 5.4.")


class LinesField(forms.CharField):
    """Lines `name = value`; a list of pairs. A line that is none is an error with its number."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)  # an empty first line counts as a line

    def to_python(self, value: Any) -> Any:
        pairs = []
        for number, line in enumerate((super().to_python(value) or "").splitlines(), 1):
            if not line.strip():
                continue
            name, sign, text = line.partition("=")
            if not sign or not name.strip() or not text.strip():
                raise ValidationError(f"Line {number} is not of the form name = value.")
            pairs.append((name.strip(), text.strip()))
        return pairs

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            value = [(name, each) for name, many in value.items() for each in _many(many)]
        if isinstance(value, list):
            return "\n".join(f"{name} = {text}" for name, text in value)
        return value


def _many(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
