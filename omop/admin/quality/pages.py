"""What the checks found, in the admin: all tables, one table, one check over time.

Counts alone are here. The rows behind them are on pages of their own (drill_down), which are audited.
"""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from augmed.foundation.admin_tools import ReadOnlyAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from omop import actions, quality
from omop.admin.quality import drill_down
from omop.admin.quality.scope import Scope, choices, scope_of
from omop.admin.quality.trends import large, small
from omop.imports.gate.catalogue import CATALOGUE, Level
from omop.imports.schema import schemas
from omop.models import CheckOutcome
from omop.quality import Key


@admin.register(CheckOutcome)
class QualityAdmin(ReadOnlyAdmin):
    """The list of this model is the quality page; a single outcome has no page."""

    view_verb = Verb.VIEW_OMOP

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        check = "<str:table>/<str:code>/"
        return [
            path("", wrap(self.changelist_view), name="omop_checkoutcome_changelist"),
            path("check-now/", wrap(self.check_now), name="omop_quality_check_now"),
            path("table/<str:table>/", wrap(self.table_view), name="omop_quality_table"),
            path(f"check/{check}", wrap(self.check_view), name="omop_quality_check"),
            path(f"rows/{check}", wrap(self.rows_view), name="omop_quality_rows"),
            path("lines/<uuid:run_id>/", wrap(self.lines_view), name="omop_quality_lines"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """All tables by category."""
        self._require(request, Verb.VIEW_OMOP)
        scope = scope_of(request)
        summaries = quality.summaries(scope.outcomes())
        total: Counter[str] = Counter()
        for summary in summaries:
            total.update(summary.total)
        context = {
            "title": "Data quality",
            "scope": scope,
            "choices": choices(request.user, scope),
            "summaries": [summary for summary in summaries if not summary.empty],
            "empty": [summary for summary in summaries if summary.empty],
            "looked": len(summaries),
            "known": set(schemas()),
            "total": [(name, total[name]) for name in ("error", "warning", "passed", "not_applicable")],
            "job": _job(request),
            **(extra_context or {}),
        }
        return self._page(request, "admin/omop/quality/overview.html", context)

    def table_view(self, request: HttpRequest, table: str) -> HttpResponse:
        """The checks of one table, what needs attention first."""
        self._require(request, Verb.VIEW_OMOP)
        _known(table)
        scope = scope_of(request)
        trends = quality.trends(table)
        rows = [
            (outcome, small(trends.get(_key(outcome), [])), _check_address(outcome, scope))
            for outcome in scope.outcomes([table])
        ]
        groups = [
            (heading, [row for row in rows if quality.verdict(row[0]) in verdicts], len(verdicts) > 1)
            for heading, verdicts in (
                ("Needs attention", ("error", "warning")),
                ("Passed", ("passed",)),
                ("Not applicable", ("not_applicable",)),
            )
        ]
        context = {
            "title": table,
            "scope": scope,
            "choices": choices(request.user, scope),
            "groups": groups,
            "run": rows[0][0].run if rows else None,
            "rows_address": _changelist_of(table),
        }
        return self._page(request, "admin/omop/quality/table.html", context)

    def check_view(self, request: HttpRequest, table: str, code: str) -> HttpResponse:
        """One check of a table or column over its runs."""
        self._require(request, Verb.VIEW_OMOP)
        _known(table)
        key = Key(code, request.GET.get("column", ""))
        scope = scope_of(request)
        outcomes = quality.trend(table, key)
        now = next((outcome for outcome in scope.outcomes([table]) if _key(outcome) == key), None)
        if not outcomes and now is None:
            raise Http404("This check was not asked of this table.")
        shown = now or outcomes[-1]
        context = {
            "title": f"{table}{f'.{key.column}' if key.column else ''}: {code}",
            "table": table,
            "key": key,
            "scope": scope,
            "now": now,
            "stops": CATALOGUE[code].level != Level.WARN if code in CATALOGUE else False,
            "trend": large(outcomes, shown.threshold),
            "outcomes": outcomes[::-1],
            "column_query": f"?{urlencode({'column': key.column})}" if key.column else "",
            "drillable": drill_down.answers(code, table, key.column),
        }
        return self._page(request, "admin/omop/quality/check.html", context)

    def rows_view(self, request: HttpRequest, table: str, code: str) -> HttpResponse:
        """The rows of the live table that a check finds wrong now. Audited."""
        self._require(request, Verb.VIEW_OMOP)
        _known(table)
        context = drill_down.live_rows(request, table, Key(code, request.GET.get("column", "")))
        return self._page(request, "admin/omop/quality/rows.html", context)

    def lines_view(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """The first lines of the files that a check found wrong in one run. Audited."""
        self._require(request, Verb.IMPORT_OMOP)
        key = Key(request.GET.get("code", ""), request.GET.get("column", ""))
        context = drill_down.first_lines(request, run_id, request.GET.get("table", ""), key)
        return self._page(request, "admin/omop/quality/lines.html", context)

    def check_now(self, request: HttpRequest) -> HttpResponse:
        """Start a check of the database, and show how far it is."""
        self._require(request, Verb.IMPORT_OMOP)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        overview = reverse("admin:omop_checkoutcome_changelist")
        try:
            job = actions.check_database(by=request.user)
        except DomainError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(overview)
        return HttpResponseRedirect(f"{overview}?{urlencode({'over': 'database', 'job': str(job.pk)})}")

    def _require(self, request: HttpRequest, verb: Verb) -> None:
        if not self.may(request, verb):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "may_import": self.may(request, Verb.IMPORT_OMOP),
        }
        return TemplateResponse(request, template, {**shared, **context})


def _key(outcome: CheckOutcome) -> Key:
    return Key(outcome.code, outcome.column)


def _known(table: str) -> None:
    if table not in schemas():
        raise Http404("There is no such table in the Common Data Model.")


def _check_address(outcome: CheckOutcome, scope: Scope) -> str:
    address = reverse("admin:omop_quality_check", args=[outcome.table, outcome.code])
    query = {"column": outcome.column, "over": scope.over}
    kept = urlencode({name: value for name, value in query.items() if value})
    return f"{address}?{kept}" if kept else address


def _changelist_of(table: str) -> str:
    return reverse(f"admin:omop_{schemas()[table].model._meta.model_name}_changelist")


def _job(request: HttpRequest) -> Job | None:
    """The check of the database that this person has just begun, where the address names one."""
    try:
        key = uuid.UUID(request.GET.get("job", ""))
    except ValueError:
        return None
    return Job.objects.visible_to(request.user).filter(pk=key).first()
