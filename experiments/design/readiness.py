"""Is a study ready to be activated, or amended? Everything that stands against it, at once. Reads only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from django.db.models import Count

from cases.disclosure import DisclosureContent
from cases.models import Case, LayoutVersion
from experiments.design.hiding import hiding_problems
from experiments.design.joining import joining_problems, lost_strata
from experiments.design.matrix import study_layout_version, study_snapshots
from experiments.design.problems import ActivationProblem
from experiments.languages.missing import language_states
from experiments.models import Arm, Experiment, ProtocolVersion, QuestionnaireVersion, Stage

__all__ = ["ActivationProblem", "activation_problems", "amendment_problems"]

SHOWN = 10  # how many of many are named in a message


def activation_problems(experiment: Experiment) -> list[ActivationProblem]:
    """What stands against freezing the working design. The number of queries does not depend on cases or features."""
    version = study_layout_version(experiment)
    arms = list(experiment.arms.prefetch_related("stages__questionnaire", "stages__disclosure_set"))
    cases = list(Case.objects.filter(study_cases__experiment=experiment).order_by("study_cases__position"))
    return [
        *_layout_problems(experiment, version),
        *_arm_problems(arms),
        *_questionnaire_problems(arms),
        *_case_problems(experiment, version, cases),
        *_cell_problems(version, arms),
        *_disclosure_problems(arms),
        *hiding_problems(arms),
        *joining_problems(experiment, version),
        *_language_problems(experiment),
    ]


def amendment_problems(experiment: Experiment) -> list[ActivationProblem]:
    """What stands against replacing the protocol that is in force by the working design."""
    protocol: ProtocolVersion | None = experiment.protocol
    if protocol is None:
        return []
    before = {arm["key"]: len(arm["stages"]) for arm in json.loads(protocol.content)["arms"]}
    now = dict(experiment.arms.annotate(stage_count=Count("stages")).values_list("key", "stage_count"))
    problems = []
    for key, stage_count in before.items():
        if key not in now:
            problems.append(ActivationProblem("arm_removed", f"The arm '{key}' is in the protocol: it cannot go."))
        elif now[key] != stage_count:
            message = f"The arm '{key}' had {stage_count} stages and has {now[key]}: add another arm instead."
            problems.append(ActivationProblem("stage_count_changed", message))
    if lost := lost_strata(experiment):
        message = f"The study is stratified by {_named(lost)}, which readers are asked: keep the question."
        problems.append(ActivationProblem("stratum_no_longer_asked", message))
    return problems


def _layout_problems(experiment: Experiment, version: LayoutVersion | None) -> Iterator[ActivationProblem]:
    if experiment.layout is None:
        yield ActivationProblem("no_layout", "Choose a layout.")
        return
    if version is None or not version.nodes.exists():
        yield ActivationProblem("empty_layout", f"The layout '{experiment.layout.name}' has no nodes.")
        return
    compatible = list(version.nodes.exclude(visibility="when_disclosed").values_list("label", "visibility"))
    if compatible:
        named = _named([f"{label} ({visibility})" for label, visibility in compatible])
        yield ActivationProblem(
            "compatibility_visibility",
            f"Shown unless the matrix hides it, as in AugMed: {named}.",
            confirmable=True,
        )


def _arm_problems(arms: list[Arm]) -> Iterator[ActivationProblem]:
    if not arms:
        yield ActivationProblem("no_arms", "The study has no arms.")
    for arm in arms:
        if not arm.stages.all():
            yield ActivationProblem("arm_without_stages", f"The arm '{arm.name}' has no stages.")
        for stage in arm.stages.all():
            if stage.questionnaire is None:
                yield ActivationProblem("stage_without_questionnaire", f"{_place(arm, stage)} has no questionnaire.")


def _questionnaire_problems(arms: list[Arm]) -> Iterator[ActivationProblem]:
    used = {
        stage.questionnaire.pk: stage.questionnaire
        for arm in arms
        for stage in arm.stages.all()
        if stage.questionnaire is not None
    }
    counts: dict[int, int] = {}
    versions = QuestionnaireVersion.objects.filter(questionnaire__in=list(used)).order_by("number")
    for questionnaire_id, asked in versions.annotate(asked=Count("questions")).values_list("questionnaire", "asked"):
        counts[questionnaire_id] = asked  # the newest comes last and counts
    for questionnaire_id, questionnaire in used.items():
        if not counts.get(questionnaire_id):
            message = f"The questionnaire '{questionnaire.name}' asks nothing in its newest version."
            yield ActivationProblem("empty_questionnaire", message)


def _case_problems(
    experiment: Experiment, version: LayoutVersion | None, cases: list[Case]
) -> Iterator[ActivationProblem]:
    if not cases:
        yield ActivationProblem("no_cases", "The case list is empty.")
        return
    if version is not None:
        made = dict(study_snapshots(experiment, version).values_list("case", "redacted_at"))
        missing = [str(case.number) for case in cases if case.pk not in made]
        if missing:
            yield ActivationProblem(
                "missing_snapshots", f"Not built under layout {version} yet: case {_named(missing)}."
            )
        redacted = [str(case.number) for case in cases if made.get(case.pk) is not None]
        if redacted:
            yield ActivationProblem("redacted_cases", f"The content of case {_named(redacted)} was redacted.")
    counts = Counter(case.person_id for case in cases)
    several = [str(case.number) for case in cases if case.person_id is not None and counts[case.person_id] > 1]
    if several and not experiment.person_once:
        yield ActivationProblem(
            "person_more_than_once",
            f"A reader will meet the same person more than once: case {_named(several)}. "
            "'A person's cases never go twice to one reader' is off.",
            confirmable=True,
        )


def _cell_problems(version: LayoutVersion | None, arms: list[Arm]) -> Iterator[ActivationProblem]:
    """The matrix may remember nodes of a layout that the study had before."""
    known = set(version.nodes.values_list("key", flat=True)) if version else set()
    named = {cell["node"] for arm in arms for stage in arm.stages.all() for cell in stage.cells}
    if version is not None and (unknown := sorted(named - known)):
        message = f"The matrix has cells of nodes that layout {version} does not have: {_named(unknown)}."
        yield ActivationProblem("cells_of_unknown_nodes", message, confirmable=True)


def _disclosure_problems(arms: list[Arm]) -> Iterator[ActivationProblem]:
    for arm in arms:
        before: frozenset[tuple[str, str]] = frozenset()
        for stage in sorted(arm.stages.all(), key=lambda stage: stage.position):
            shown = _shown(stage)
            if not shown:
                yield ActivationProblem(
                    "nothing_disclosed", f"{_place(arm, stage)} shows nothing at all.", confirmable=True
                )
            if hidden := sorted(before - shown):
                named = _named([f"{key} {discriminator}".strip() for key, discriminator in hidden])
                yield ActivationProblem(
                    "later_stage_hides",
                    f"{_place(arm, stage)} hides what the stage before showed: {named}.",
                    confirmable=True,
                )
            before = shown


def _language_problems(experiment: Experiment) -> Iterator[ActivationProblem]:
    left = [state for state in language_states(experiment) if state.missing]
    if left:
        named = ", ".join(f"{state.name} {state.missing} of {len(state.texts)} texts" for state in left)
        message = f"Not translated yet: {named}. Readers meet these as they were written."
        yield ActivationProblem("missing_translations", message, confirmable=True)


def _shown(stage: Stage) -> frozenset[tuple[str, str]]:
    if stage.disclosure_set is None:
        return frozenset()
    content = DisclosureContent.from_json(json.loads(stage.disclosure_set.content))
    return frozenset((show.node_key, show.discriminator) for show in content.shows)


def _place(arm: Arm, stage: Stage) -> str:
    return f"Arm '{arm.name}', stage {stage.position}"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
