"""What of a study is the same in every arm: all that an export with masked arms may hold (decision record 0050)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cases.disclosure import DisclosureContent
from cases.tree import Identity
from experiments.design.question_forms import definition
from experiments.exports.scope import Rights
from experiments.models import AssignmentDisclosure, DisclosureSet, Enrolment, Experiment, ProtocolStage, Question


@dataclass(frozen=True, slots=True)
class Visible:
    """What rows may tell. None: all of it.

    `stages`: only reviews up to this stage; `hidden_questions`: keys left out; `features`: only these;
    `questionnaire_version`: whether rows name the version that was answered; `feature_events`: whether rows tell what
    happened to single features, which goes otherwise where they are hidden until asked for."""

    by_arm: bool
    stages: int | None = None
    hidden_questions: frozenset[str] = frozenset()
    features: frozenset[Identity] | None = None
    questionnaire_version: bool = True
    feature_events: bool = True


@dataclass(frozen=True, slots=True)
class _Step:
    """A stage of an arm under a protocol version."""

    questionnaire_version: int
    not_before_days: int
    hiding: tuple[Any, ...]


_Design = dict[int, dict[int, dict[int, _Step]]]
"""Protocol, arm, stage position."""


def visible(experiment: Experiment, rights: Rights) -> Visible:
    """All of it for who may see outcomes by arm; else what no arm differs in, over all protocol versions."""
    if rights.by_arm:
        return Visible(by_arm=True)
    design = _design(experiment)
    stages = _stages_of_all(design)
    hidden, same_versions = _questions(design, stages)
    return Visible(
        by_arm=False,
        stages=stages,
        hidden_questions=hidden,
        features=_shown_by_all(study_sets(experiment, stages)),
        questionnaire_version=same_versions,
        feature_events=_hide_alike(design, stages),
    )


def common_stages(experiment: Experiment) -> int:
    """How many stages, from the first on, every arm has had in every protocol version. One query."""
    return _stages_of_all(_design(experiment))


def study_sets(experiment: Experiment, stages: int | None = None) -> Iterator[DisclosureContent]:
    """Every disclosure set that a participant's review of the study can bind, each once, streaming (a preview of the
    working design has others). One query."""
    frozen = ProtocolStage.objects.filter(protocol__experiment=experiment)
    real = Enrolment.objects.real().filter(experiment=experiment)
    by_csv = AssignmentDisclosure.objects.filter(assignment__enrolment__in=real)
    if stages is not None:
        frozen = frozen.filter(position__lte=stages)
        by_csv = by_csv.filter(stage_position__lte=stages)
    pks = frozen.order_by().values("disclosure_set").union(by_csv.order_by().values("disclosure_set"))
    contents = DisclosureSet.objects.filter(pk__in=pks).order_by("pk").values_list("content", flat=True)
    for content in contents.iterator(chunk_size=100):
        yield DisclosureContent.from_json(json.loads(content))


def _design(experiment: Experiment) -> _Design:
    rows = ProtocolStage.objects.filter(protocol__experiment=experiment).values_list(
        *("protocol_id", "arm_id", "position", "questionnaire_version_id", "not_before_days"),
        *("hidden_until_asked", "reveal_cost", "reveal_cost_unit"),
    )
    design: _Design = defaultdict(lambda: defaultdict(dict))
    for protocol, arm, position, version, days, *hiding in rows.order_by("protocol_id", "arm_id", "position"):
        design[protocol][arm][position] = _Step(version, days, tuple(hiding))
    return design


def _stages_of_all(design: _Design) -> int:
    return min((_common_stages(arms.values()) for arms in design.values()), default=1)


def _common_stages(arms: Iterable[dict[int, _Step]]) -> int:
    """How many stages, from the first on, every arm has, with the same wait before each."""
    listed = list(arms)
    common = 0
    while len({arm[common + 1].not_before_days if common + 1 in arm else None for arm in listed}) == 1:
        if common + 1 not in listed[0]:
            break
        common += 1
    return max(common, 1)


def _hide_alike(design: _Design, stages: int) -> bool:
    """Whether at every stage all arms hide until asked, at one cost, or none does."""
    together = (
        {arm[position].hiding for arm in arms.values() if position in arm}
        for arms in design.values()
        for position in range(1, stages + 1)
    )
    return all(len(hiding) == 1 for hiding in together)


def _questions(design: _Design, stages: int) -> tuple[frozenset[str], bool]:
    """Keys that some arm asks otherwise, or not at all, at a stage where another asks them; and whether every arm has
    the same questionnaire version at every stage."""
    together = [
        {arm[position].questionnaire_version for arm in arms.values() if position in arm}
        for arms in design.values()
        for position in range(1, stages + 1)
    ]
    asked: dict[int, dict[str, Any]] = defaultdict(dict)
    for question in Question.objects.filter(version__in=set().union(*together)):
        asked[question.version_id][question.key] = definition(question)
    hidden: set[str] = set()
    for versions in together:
        for key in set().union(*(asked[version] for version in versions)):
            if len({asked[version].get(key) for version in versions}) > 1:
                hidden.add(key)
    return frozenset(hidden), all(len(versions) == 1 for versions in together)


def _shown_by_all(sets: Iterator[DisclosureContent]) -> frozenset[Identity]:
    common: set[Identity] | None = None
    for content in sets:
        shown = {show.identity for show in content.shows}
        common = shown if common is None else common & shown
    return frozenset(common or ())
