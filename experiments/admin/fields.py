"""Form fields that let people write lists as lists, not as JSON."""

from __future__ import annotations

from typing import Any

from django import forms


class WordList(forms.CharField):
    """Words separated by commas, as a list of texts."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [word.strip() for word in super().clean(value).split(",") if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial or []), data)


class NumberList(WordList):
    """Whole numbers separated by commas, as a list of integers."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        try:
            return [int(word) for word in words]
        except ValueError:
            raise forms.ValidationError("Whole numbers separated by commas are needed, for example 1, 2.") from None


class LineList(forms.CharField):
    """One entry a line, as a list of texts."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial or []), (data or "").replace("\r\n", "\n"))
