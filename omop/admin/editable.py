"""Tables that staff edit by hand: one row in a form, small files with a preview, export of what the list shows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from import_export.admin import ImportExportMixin
from import_export.forms import ImportForm

from augmed.foundation import audit
from augmed.foundation.permissions import Verb
from omop import actions
from omop.admin.base import BROWSABLE, CdmAdmin
from omop.concept_search import LISTED, ConceptFilter, candidates, plain, ranking
from omop.formats import StrictCSV, TextXLSX
from omop.imports.gate.definitions import definitions, visit_of
from omop.imports.schema import is_vocabulary, schemas
from omop.models import Concept, Domain, Measurement, Observation, Person, VisitOccurrence, Vocabulary
from omop.resources import existing_keys, has_owner, persons_of, resource_for, too_many

EDITABLE: tuple[type[models.Model], ...] = (Concept, Person, VisitOccurrence, Observation, Measurement)
_LARGEST_SPREADSHEET = 20 * 1024 * 1024


class CappedImportForm(ImportForm):
    """Turns away files that are far too long before they are read into memory."""

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if str(file.name).lower().endswith(".xlsx"):
            too_long = file.size > _LARGEST_SPREADSHEET
        else:
            lines = sum(chunk.count(b"\n") for chunk in file.chunks())
            too_long = lines > settings.ADMIN_IMPORT_MAX_ROWS + 1
            file.seek(0)
        if too_long:
            raise ValidationError(too_many(None))
        return file


class RowForm(forms.ModelForm):
    """One row. What it refers to must be there, concepts excepted, and its visit the same person's; an empty text is
    NULL."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        table = schemas()[self._meta.model._meta.db_table]
        for column in table.columns.values():
            value, reference = data.get(column.name), column.reference
            if value == "":
                data[column.name] = None
            elif value is not None and reference is not None and not is_vocabulary(reference.table):
                own = reference.table == table.name and value == data.get(table.key[0])
                if not own and not existing_keys(reference.table, [value]):
                    self.add_error(column.name, f"There is no {reference.table} {value}.")
        for name in definitions()[table.name].visits:
            person = data.get("person_id", self.instance.person_id)
            found = persons_of(table, name, [data[name]] if data.get(name) is not None else [])
            if any(owner != person for owner in found.values()):
                self.add_error(name, f"This {visit_of(name)} is another person's.")
        return data


class CdmEditAdmin(ImportExportMixin, CdmAdmin):
    """A table edited by hand. Every write is in the audit trail, without the values."""

    add_verb = Verb.CHANGE_OMOP
    change_verb = Verb.CHANGE_OMOP
    form = RowForm
    import_form_class = CappedImportForm
    formats = [StrictCSV, TextXLSX]
    skip_admin_log = True  # the audit trail tells it; the admin's log would keep names of rows

    def get_resource_classes(self, request: HttpRequest) -> list[Any]:
        return [resource_for(self.model)]

    def get_import_formats(self) -> list[Any]:
        return self.formats

    def get_export_formats(self) -> list[Any]:
        return self.formats

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Verb.CHANGE_OMOP)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Verb.VIEW_OMOP)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        key = (self.model._meta.pk.name,)  # another key would be another row, and no row moves to another person
        return (*key, "person_id") if has_owner(schemas()[self.model._meta.db_table]) else key

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actions.save_row(row=obj, by=request.user, columns=form.changed_data, created=not change)

    # --- import: what import-export leaves to its user

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_import_data_kwargs(**kwargs), "rollback_on_validation_errors": True}

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Any:
        with transaction.atomic():
            result = super().process_dataset(dataset, form, request, **kwargs)
            if not _failed(result):
                audit.record(
                    action="omop_rows_imported",
                    by=request.user,
                    target=("omop.table", self.model._meta.db_table),
                    data={"created": result.totals["new"], "changed": result.totals["update"]},
                )
        return result

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Totals count rows that were rolled back, so the errors decide what is said."""
        if not _failed(result):
            return super().process_result(result, request)
        reasons = [str(error.error) for error in result.base_errors]
        reasons += [f"Row {number}: {errors[0].error}" for number, errors in result.row_errors()]
        reasons += [f"Row {row.number}: {'; '.join(row.error.messages)}" for row in result.invalid_rows]
        messages.error(request, f"Nothing was imported. {' '.join(reasons[:5])}")
        return HttpResponseRedirect(reverse(f"admin:omop_{self.model._meta.model_name}_import"))

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if isinstance(e, ValueError) and not isinstance(e, UnicodeError) and str(e).startswith("Line "):
            form.add_error("import_file", str(e))
        else:
            super().add_data_read_fail_error_to_form(form, e)

    # --- export

    def export_action(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and self.has_export_permission(request):
            limit = settings.ADMIN_IMPORT_MAX_ROWS
            if self.get_export_queryset(request).order_by()[: limit + 1].count() > limit:
                messages.error(
                    request,
                    f"More than {limit:,} rows are too many for this page. Search for fewer, or copy the table from"
                    " the database.",
                )
                return HttpResponseRedirect(request.get_full_path())
        return super().export_action(request)

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], **kwargs: Any) -> Any:
        data = super().get_export_data(file_format, request, queryset, **kwargs)
        with transaction.atomic():
            audit.record(
                action="omop_exported",
                by=request.user,
                target=("omop.table", self.model._meta.db_table),
                data={"rows": queryset.count(), "search": bool(request.GET)},
            )
        return data


def _failed(result: Any) -> bool:
    return result.has_errors() or result.has_validation_errors()


class _SmallTableFilter(SimpleListFilter):
    """A filter whose choices come from a small table, not from all values of a large one."""

    model: type[models.Model]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        keys = self.model._default_manager.order_by("pk").values_list("pk", flat=True)
        return [(key, key) for key in keys]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class DomainFilter(_SmallTableFilter):
    title = "domain"
    parameter_name = "domain_id"
    model = Domain


class VocabularyFilter(_SmallTableFilter):
    title = "vocabulary"
    parameter_name = "vocabulary_id"
    model = Vocabulary


class StandardFilter(SimpleListFilter):
    title = "standard"
    parameter_name = "standard"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("S", "Standard"), ("C", "Classification"), ("none", "Neither")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "S" | "C" as value:
                return queryset.filter(standard_concept=value)
            case "none":
                return queryset.filter(standard_concept=None)
        return queryset


@admin.register(Concept)
class ConceptAdmin(CdmEditAdmin):
    """Concepts: by id, by code, or by parts of their names."""

    search_help_text = (
        f"An id, a whole code, or words of a name in any order. The best {LISTED} are listed, standard concepts first."
    )
    list_filter = (DomainFilter, VocabularyFilter, StandardFilter)
    show_facets = admin.ShowFacets.NEVER  # they would count every row for every choice

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = super().get_list_display(request)
        return ["shown_name" if column == "concept_name" else column for column in columns]

    @admin.display(description="concept name")
    def shown_name(self, row: Concept) -> str:
        return row.shown_name

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        only, text = _asked(request), plain(search_term)
        if text:
            return queryset.filter(pk__in=candidates(text, only)).order_by(*ranking(text)), False
        if only != ConceptFilter():
            # Set off from the order: else PostgreSQL may walk all concepts by id until it has met a page of rare ones.
            first = max(BROWSABLE, settings.ADMIN_IMPORT_MAX_ROWS + 1)
            return queryset.filter(pk__in=queryset.order_by().values("pk")[:first]), False
        return queryset, False


def _asked(request: HttpRequest) -> ConceptFilter:
    """The page's filters, as the search takes them; an odd value filters nothing here and is refused by the page."""
    standard = request.GET.get("standard")
    return ConceptFilter(
        domain_id=request.GET.get("domain_id") or None,
        vocabulary_id=request.GET.get("vocabulary_id") or None,
        standard=standard if standard in ("S", "C", "none") else None,  # type: ignore[arg-type]
    )


admin.site.register([Person, VisitOccurrence, Observation, Measurement], CdmEditAdmin)
