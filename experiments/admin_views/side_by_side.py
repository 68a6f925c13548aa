"""One case as two arms show it to their participants, beside each other, with what differs marked in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET

from augmed.foundation.permissions import Verb
from cases.disclosure import Difference, DisclosedTree, DisclosureContent, compare, disclose, disclosed_to_json
from cases.models import CaseSnapshot
from cases.tree import feature_key, from_json
from experiments.admin_tools import study_or_404
from experiments.admin_views.case_as_arms import ArmStage, arm_stages, record_view, snapshot_of
from experiments.languages.texts import StudyTexts, texts_of_design, texts_of_protocol
from experiments.models import Experiment
from experiments.reviewing.revealing import hiding
from experiments.screens.reading.page import CasePage, case_page

ONLY_HERE, SHOWN_OTHERWISE, OTHER_VALUES = "Only here", "Shown otherwise", "Other values"
HIDDEN_HERE, OPEN_HERE = "Hidden until asked, here only", "Open at once, here only"
ABOVE = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_NOTES = {"only_a": ONLY_HERE, "only_b": ONLY_HERE, "style_differs": SHOWN_OTHERWISE, "entries_differ": OTHER_VALUES}


@dataclass(frozen=True)
class Column:
    """`missing`: the paths of what only the other column shows."""

    label: str
    case: CasePage
    missing: list[str]


@dataclass(frozen=True)
class Side:
    stage: ArmStage
    tree: DisclosedTree
    shown: Mapping[str, Any]
    hidden: frozenset[str]

    @classmethod
    def of(cls, stage: ArmStage, snapshot: CaseSnapshot) -> Side:
        entries = DisclosureContent.from_json(json.loads(stage.content)).entries
        tree = disclose(from_json(json.loads(snapshot.content)), entries)
        shown = disclosed_to_json(tree)
        hides = hiding([None, ""], (), shown) if stage.hides_until_asked else None
        return cls(stage, tree, shown, hides.hidden if hides else frozenset())


@require_GET
def side_by_side(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ARM)
    working = experiment.protocol is None or "working" in request.GET
    listed = [entry.case for entry in experiment.study_cases.select_related("case").order_by("position")]
    case = next((one for one in listed if str(one.number) == request.GET.get("case")), listed[0] if listed else None)
    stages = arm_stages(experiment, working)
    chosen = _chosen(request, stages)
    snapshot = snapshot_of(case, experiment, working) if case else None
    context: dict[str, Any] = {
        "title": "Two arms side by side",
        "experiment": experiment,
        "working": working,
        "cases": listed,
        "case_chosen": case,
        "stages": stages,
        "chosen": chosen,
        "redacted": snapshot is not None and snapshot.redacted_at is not None,
    }
    if case and snapshot and not context["redacted"] and chosen:
        context |= _compared(chosen, snapshot, _texts(experiment, working))
        record_view(case, experiment, list(chosen), False, request.user)
    response = render(request, "screens/look/side_by_side.html", context)
    add_never_cache_headers(response)
    return response


def _chosen(request: HttpRequest, stages: list[ArmStage]) -> tuple[ArmStage, ArmStage] | None:
    """The two that were asked for, else the first two."""
    if not stages:
        return None
    by_key = {stage.key: stage for stage in stages}
    left = by_key.get(request.GET.get("left", ""), stages[0])
    return left, by_key.get(request.GET.get("right", ""), stages[min(1, len(stages) - 1)])


def _texts(experiment: Experiment, working: bool) -> StudyTexts:
    if working or experiment.protocol_id is None:
        return texts_of_design(experiment)
    return texts_of_protocol(experiment.protocol_id)


def _compared(chosen: tuple[ArmStage, ArmStage], snapshot: CaseSnapshot, texts: StudyTexts) -> dict[str, Any]:
    left, right = (Side.of(stage, snapshot) for stage in chosen)
    found = compare(left.tree, right.tree)
    columns = [_column(left, right, found, "only_b", texts, "l"), _column(right, left, found, "only_a", texts, "r")]
    differing = [one for one in found if one.kind != "same" or _key(one) in left.hidden ^ right.hidden]
    return {"columns": columns, "differing": len(differing), "compared": len(found)}


def _column(
    side: Side, other: Side, found: tuple[Difference, ...], lacks: str, texts: StudyTexts, prefix: str
) -> Column:
    notes = {_key(one): note for one in found if (note := _note(one, side, other))}
    page = case_page(side.shown, hidden=side.hidden, texts=texts, charts="", reveal_url="", prefix=prefix, notes=notes)
    return Column(side.stage.label, page, [ABOVE.join(one.path) for one in found if one.kind == lacks])


def _note(one: Difference, side: Side, other: Side) -> str:
    key = _key(one)
    if one.kind in ("same", "style_differs") and (key in side.hidden) != (key in other.hidden):
        return HIDDEN_HERE if key in side.hidden else OPEN_HERE
    return _NOTES.get(one.kind, "")


def _key(one: Difference) -> str:
    return feature_key(*one.identity)
