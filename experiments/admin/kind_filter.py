"""The list of participants begins with those whose answers count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from experiments.models import Enrolment

ALL = "all"


class KindFilter(admin.SimpleListFilter):
    """Real ones unless others are asked for: everybody who practised has a second row, of kind training."""

    title = "kind"
    parameter_name = "kind__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(kind, kind) for kind in (Enrolment.Kind.REAL.value, Enrolment.Kind.TRAINING.value, ALL)]

    def value(self) -> str:
        return super().value() or Enrolment.Kind.REAL.value

    def choices(self, changelist: Any) -> Iterator[Any]:
        for kind, shown in self.lookup_choices:
            chosen = changelist.get_query_string({self.parameter_name: kind})
            yield {"selected": self.value() == kind, "query_string": chosen, "display": shown}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset if self.value() == ALL else queryset.filter(kind=self.value())
