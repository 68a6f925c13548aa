"""The next review of a participant, with what it discloses: for a list that shows something of the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import BigIntegerField, DateTimeField, OuterRef, QuerySet, Subquery
from django.utils import timezone

from augmed.foundation.errors import Conflict
from augmed.foundation.prepared import Parameter, Prepared
from cases.models import LayoutNode
from experiments.models import Enrolment, Experiment
from experiments.models.querysets import ReviewQuerySet
from experiments.reviewing.binding import resolve
from experiments.reviewing.disclosed_text import disclosed
from experiments.reviewing.reading import shown_in
from experiments.reviewing.revealing import served_text
from experiments.reviewing.review_state import STATE_COLUMNS, ReviewState, review_states, state_of

DEMOGRAPHICS = ("age", "gender")


@dataclass(frozen=True, slots=True)
class NextCase:
    """`disclosed`: what the review shows, or will show when it is opened now, without what is hidden; None when that
    changed at this moment. `demographic_nodes`: the keys of the layout's nodes for age and gender."""

    state: ReviewState
    disclosed: str | None
    layout_rules: Mapping[str, Any]
    demographic_nodes: Mapping[str, str | None]


def next_case(user: Any) -> NextCase | None:
    """The review that `next_review` finds. Nothing is opened or bound by it."""
    now = timezone.now()
    rows = _OF_FIRST_STUDY.rows(user=user.pk, now=now) or _OF_ALL_STUDIES.rows(user=user.pk, now=now)
    if not rows:
        return None
    *columns, age, gender = rows[0]
    state = state_of(columns)
    shown, rules = _would_show(state)
    return NextCase(state, shown, rules, {"age": age, "gender": gender})


def _would_show(state: ReviewState) -> tuple[str | None, Mapping[str, Any]]:
    try:
        if state.is_opened:
            return served_text(state, shown_in(state).text), state.layout_rules or {}
        binding = resolve(state)
    except Conflict:
        return None, {}
    return served_text(state, disclosed(binding.contents).text), binding.layout_rules


def _next(now: datetime) -> ReviewQuerySet:
    return review_states().real().unanswered().reachable(now)


def _with_nodes(found: ReviewQuerySet) -> QuerySet[Any, Any]:
    """The first, with the nodes for its demographics."""
    nodes = {f"{name}_node": _node_for(name) for name in DEMOGRAPHICS}
    return found.annotate(**nodes).values_list(*STATE_COLUMNS, *nodes)[:1]


def _node_for(demographic: str) -> Subquery:
    """A node keeps its key in all versions of its layout."""
    layout = OuterRef("assignment__enrolment__experiment__layout")
    nodes = LayoutNode.objects.filter(version__layout=layout, source="demographics", demographic=demographic)
    return Subquery(nodes.order_by("-version__number", "position").values("key")[:1])


def _of_first_study(user: int, now: datetime) -> QuerySet[Any, Any]:
    """In one enrolment the database walks the assignments in their order and stops at the first that fits."""
    running = Enrolment.objects.real().filter(user=user, experiment__status=Experiment.Status.ACTIVE).active()
    first = running.order_by("pk").values("pk")[:1]
    found = _next(now).filter(assignment__enrolment=Subquery(first))
    return _with_nodes(found.order_by("assignment__position", "stage_position"))


_PARAMETERS = {
    "user": Parameter(BigIntegerField(), 2_100_000_001),
    "now": Parameter(DateTimeField(), datetime(1901, 2, 3, 4, 5, 6, 7, tzinfo=UTC)),
}
_OF_FIRST_STUDY = Prepared(_of_first_study, **_PARAMETERS)
_OF_ALL_STUDIES = Prepared(
    lambda user, now: _with_nodes(_next(now).filter(assignment__enrolment__user=user).in_order()), **_PARAMETERS
)
