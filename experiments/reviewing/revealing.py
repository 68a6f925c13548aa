"""Features that start hidden: which of a review's are, what asking for one costs, and the tree without them.

A stage may hide what it discloses until its reader asks for it, feature by feature. What is pinned is shown from the
start; so is what the reader has asked for, in this review or at an earlier stage of the same case. The labels of hidden
features are disclosed, their entries are not: they leave the server only in the answer to the asking.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, TextField, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, JSONArray

from augmed.foundation.canonical import canonical_json
from augmed.foundation.errors import Conflict
from cases.disclosure import PLAIN, style_to_json
from cases.tree import feature_key
from experiments.models import AssignmentDisclosure, Enrolment, ProtocolStage, ReviewEvent, Stage
from experiments.reviewing.disclosed_text import JSONRows

if TYPE_CHECKING:
    from experiments.reviewing.review_state import ReviewState


@dataclass(frozen=True, slots=True)
class Hiding:
    """`hidden`: keys of features (`feature_key`) of which only the label may be shown now. `cost` of asking for one, in
    `unit`; None when it costs nothing that is counted."""

    hidden: frozenset[str]
    cost: Decimal | None = None
    unit: str = ""


def hiding_of(state: ReviewState, disclosed: Mapping[str, Any]) -> Hiding | None:
    """What of this disclosed tree (parsed JSON) a review hides now, or will when it is opened now; None where its stage
    hides nothing. No statement: the state has brought all that is needed."""
    return hiding(state.reveal_terms, state.revealed or (), disclosed)


def hiding(terms: Sequence[Any] | None, revealed: Sequence[str], disclosed: Mapping[str, Any]) -> Hiding | None:
    """The same of a stage's terms, [cost as text or None, unit], and the keys that were asked for."""
    if terms is None:
        return None
    cost, unit = terms
    hidden = frozenset(key for key, feature in _features(disclosed) if feature["style"].get("top") is None)
    return Hiding(hidden - frozenset(revealed), None if cost is None else Decimal(cost), unit)


def withheld(disclosed: Mapping[str, Any], hiding: Hiding | None) -> dict[str, Any]:
    """The disclosed tree without the entries and styles of what is hidden; each such feature says `"hidden": true`."""
    hidden = frozenset[str]() if hiding is None else hiding.hidden
    return {**disclosed, "sections": [_without(section, hidden) for section in disclosed["sections"]]}


def served_text(state: ReviewState, disclosed: str) -> str:
    """The disclosed tree (JSON text) as it may leave the server now."""
    if state.reveal_terms is None:
        return disclosed
    tree = json.loads(disclosed)
    return canonical_json(withheld(tree, hiding_of(state, tree)))


def refuse_if_hiding(state: ReviewState) -> None:
    """For clients that cannot ask for what is hidden: all that they showed would lack what can be asked for."""
    if state.reveal_terms is not None:
        raise Conflict(
            "In this study parts of a case are hidden until you ask for them, which this program cannot do. Please "
            "read the case on the study's own pages.",
            code="hidden_until_asked",
        )


def feature_in(disclosed: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """The disclosed feature of this key, as JSON."""
    return next((feature for found, feature in _features(disclosed) if found == key), None)


def terms_of(stages: QuerySet[Any]) -> Subquery:
    """Of the first of these stages (Stage or ProtocolStage) the terms, [cost as text or None, unit]; null where it
    hides nothing."""
    terms = JSONArray(Cast("reveal_cost", TextField()), "reveal_cost_unit")
    return Subquery(stages.filter(hidden_until_asked=True).order_by().values(terms=terms)[:1])


def reveal_terms(protocol: str) -> Combinable:
    """For a query of reviews: the terms of the stage in the protocol that this column or alias names. A preview of the
    working design has neither arm nor protocol: there the stages of the arm that it names count, as they stand now."""
    position = OuterRef("stage_position")
    bound = ProtocolStage.objects.filter(
        protocol=OuterRef(protocol), arm=OuterRef("assignment__arm"), position=position
    )
    begun = AssignmentDisclosure.objects.filter(
        assignment=OuterRef(OuterRef("assignment")), stage_position=OuterRef(OuterRef("stage_position"))
    )
    working = Stage.objects.filter(
        arm__experiment=OuterRef("assignment__enrolment__experiment"),
        arm__key=Subquery(begun.order_by("-pk").values("policy")[:1]),
        position=position,
    )
    of_draft = Q(assignment__enrolment__kind=Enrolment.Kind.PREVIEW, assignment__arm=None)
    return Case(When(of_draft, then=terms_of(working)), default=terms_of(bound))


def revealed_features() -> Subquery:
    """For a query of reviews: the keys that were asked for in the review or at an earlier stage of its assignment."""
    asked = ReviewEvent.objects.filter(
        kind=ReviewEvent.Kind.FEATURE_REVEALED,
        review__assignment=OuterRef("assignment"),
        review__stage_position__lte=OuterRef("stage_position"),
    )
    return Subquery(asked.order_by().values("kind").annotate(keys=JSONRows(F("feature"))).values("keys"))


def _features(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for child in node.get("sections") or node.get("children") or ():
        if child["level"] == "feature":
            yield feature_key(child["key"], child["discriminator"]), child
        else:
            yield from _features(child)


def _without(child: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    if child["level"] != "feature":
        return {**child, "children": [_without(below, hidden) for below in child["children"]]}
    if feature_key(child["key"], child["discriminator"]) not in hidden:
        return dict(child)
    # Nor how it is set off: a mark says something of the value.
    return {**child, "entries": [], "style": style_to_json(PLAIN), "hidden": True}
