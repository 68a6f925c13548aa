"""The action on the visits' page, and the job that does it for large selections."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

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
    user: Any = request.user
    if not user.may(Verb.CHANGE_CASES):
        messages.error(request, "You may not put visits forward for review.")
        return
    ids = list(queryset.order_by("pk").values_list("pk", flat=True))
    if len(ids) > MOST_AT_ONCE:
        jobs.create(kind=PUT_FORWARD, parameters={"visit_ids": ids}, by=user)
        messages.info(request, f"{len(ids)} visits are being put forward; the jobs' page tells how far it is.")
        return
    try:
        result = put_forward(visit_ids=ids, by=user)
    except DomainError as error:
        messages.error(request, error.detail)
        return
    _tell(request, result)


def _tell(request: HttpRequest, result: PutForwardResult) -> None:
    messages.success(request, f"{len(result.created)} cases made, {len(result.kept)} were there already.")
    for visit_id, reason in result.refused[:MOST_REASONS]:
        messages.error(request, f"Visit {visit_id} was refused: {reason}.")
    if len(result.refused) > MOST_REASONS:
        messages.error(request, f"{len(result.refused) - MOST_REASONS} more visits were refused.")


def offer_put_forward() -> None:
    """Add the action to the page of visits, which belongs to a floor that knows nothing of cases."""
    if not admin.site.is_registered(VisitOccurrence):
        return
    page = admin.site.get_model_admin(VisitOccurrence)
    if put_forward_visits not in (page.actions or ()):
        page.actions = [*(page.actions or ()), put_forward_visits]
