"""What the pages of all OMOP tables share: cheap lists of tables that may hold millions of rows."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.permissions import Verb
from omop.imports.schema import schemas
from omop.models import Concept
from omop.vocabulary import SHOWN_NAME

BROWSABLE = 10_000
_SEARCHED = ("person_id", "visit_occurrence_id", "concept_id", "note_id", "episode_id", "cohort_definition_id")


class BoundedPaginator(Paginator):
    """Counts only as far as anybody pages: count(*) of a large table reads all of it."""

    @cached_property
    def count(self) -> int:
        """The number of rows, at most BROWSABLE."""
        queryset: Any = self.object_list
        return queryset.order_by()[:BROWSABLE].count()


class CdmAdmin(VerbAdmin):
    """A CDM table: newest key first is never asked for; key order is, as an index gives it."""

    view_verb = Verb.VIEW_OMOP
    change_list_template = "admin/omop/change_list.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    search_fields = ("pk",)  # opens the search box; get_search_results does the work
    search_help_text = "The whole number of an id: the row's own, a person's or a visit's."
    actions = None

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("pk",)

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()  # sorting by a column without an index would read the whole table

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = [field.name for field in self.model._meta.concrete_fields][:7]
        if self._concept_column:
            columns.insert(columns.index(self._concept_column) + 1, "concept_name_shown")
        return columns

    @cached_property
    def _concept_column(self) -> str | None:
        """The first column that names a concept, if the list shows it."""
        table = schemas()[self.model._meta.db_table]
        shown = [field.name for field in self.model._meta.concrete_fields][:7]
        columns = (table.columns[name] for name in shown if name in table.columns)
        return next((c.name for c in columns if c.reference and c.reference.table == "concept"), None)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset = super().get_queryset(request)
        if self._concept_column:
            name = Concept.objects.filter(pk=OuterRef(self._concept_column)).values(shown=SHOWN_NAME)[:1]
            queryset = queryset.annotate(concept_name_shown=Subquery(name))
        return queryset

    def concept_name_shown(self, row: Any) -> str | None:
        """The name of the row's concept; None where the vocabulary lacks it."""
        return row.concept_name_shown

    concept_name_shown.short_description = "concept"  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(self.search_condition(term)) if term else queryset), False

    def search_condition(self, term: str) -> Q:
        """By indexed columns alone."""
        key = self.model._meta.pk
        if isinstance(key, models.CharField):
            return Q(pk__startswith=term)
        try:
            number = int(term)
        except ValueError:
            return Q(pk__in=[])
        if abs(number) >= 2**63:
            return Q(pk__in=[])
        condition = Q() if key.name == "id" else Q(pk=number)  # a surrogate key means nothing to anybody
        for index in self.model._meta.indexes:
            if index.fields[0] in _SEARCHED:
                condition |= Q(**{index.fields[0]: number})
        return condition or Q(pk=number)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_import": self.may(request, Verb.IMPORT_OMOP), **(extra_context or {})}
        return super().changelist_view(request, context)
