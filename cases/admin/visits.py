"""The action on the visits' page, and the job that does it for large selections."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from augmed.foundation import jobs
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from cases.actions import PutForwardResult, put_forward
from cases.jobs import PUT_FORWARD
from omop.models import VisitOccurrence

MOST_AT_ONCE = 100
"""More visits than this are put forward by a job, so that the page answers at once."""
MOST_REASONS = 5


@admin.action(description="Put forward for review")
def put_forward_visits(modeladmin: Any, request: HttpRequest, queryset: QuerySet[VisitOccurrence]) -> None:
    _put_forward(request, queryset, snapshots=True)


@admin.action(description="Put forward, snapshot later (to set the index time first)")
def put_forward_snapshot_later(modeladmin: Any, request: HttpRequest, queryset: QuerySet[VisitOccurrence]) -> None:
    _put_forward(request, queryset, snapshots=False)


def _put_forward(request: HttpRequest, queryset: QuerySet[VisitOccurrence], *, snapshots: bool) -> None:
    user: Any = request.user
    if not user.may(Verb.CHANGE_CASES):
        messages.error(request, "You may not put visits forward for review.")
        return
    ids = list(queryset.order_by("pk").values_list("pk", flat=True))
    if len(ids) > MOST_AT_ONCE:
        jobs.create(kind=PUT_FORWARD, parameters={"visit_ids": ids, "snapshots": snapshots}, by=user)
        messages.info(request, f"{len(ids)} visits are being put forward; the jobs' page tells how far it is.")
        return
    try:
        result = put_forward(visit_ids=ids, by=user, snapshots=snapshots)
    except DomainError as error:
        messages.error(request, error.detail)
        return
    _tell(request, result)


def _tell(request: HttpRequest, result: PutForwardResult) -> None:
    told = '{} cases made, {} were there already. <a href="{}">To the cases</a>'
    cases = reverse("admin:cases_case_changelist")
    messages.success(request, format_html(told, len(result.created), len(result.kept), cases))
    for visit_id, reason in result.refused[:MOST_REASONS]:
        messages.error(request, f"Visit {visit_id} was refused: {reason}.")
    if len(result.refused) > MOST_REASONS:
        messages.error(request, f"{len(result.refused) - MOST_REASONS} more visits were refused.")


def offer_put_forward() -> None:
    """Add the actions to the page of visits, which belongs to a floor that knows nothing of cases."""
    if not admin.site.is_registered(VisitOccurrence):
        return
    page = admin.site.get_model_admin(VisitOccurrence)
    present = list(page.actions or ())
    page.actions = present + [one for one in (put_forward_visits, put_forward_snapshot_later) if one not in present]
