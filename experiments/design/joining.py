"""What a protocol freezes of joining a study, and what of it stands against activation: consent, the questions about
the reader, strata that rest on them, training cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from augmed.foundation.canonical import sha256_hex
from cases.models import CaseSnapshot, LayoutVersion
from experiments.design.problems import ActivationProblem
from experiments.design.question_forms import questions_sha256
from experiments.design.strata import asked_in_intake
from experiments.models import ConsentDocument, Experiment, Question, QuestionnaireVersion, Stage
from experiments.models.querysets import intake_versions


@dataclass(frozen=True, slots=True)
class FrozenJoining:
    """What a protocol version keeps of it: as content, and as fields that a statement can go by."""

    content: dict[str, Any]
    intake_version: QuestionnaireVersion | None
    instructions: str


def freeze_joining(experiment: Experiment) -> FrozenJoining:
    """As the working design has it; the newest version of what readers are asked is frozen with it. Content names
    what the study has, and nothing of what it has not."""
    content: dict[str, Any] = {}
    version = newest_intake(experiment)
    if version is not None:
        QuestionnaireVersion.objects.filter(pk=version.pk, frozen_at=None).update(frozen_at=timezone.now())
        named = {"public_id": str(version.public_id), "number": version.number}
        content["intake"] = {**named, "questions_sha256": questions_sha256(version.questions.all())}
    document = ConsentDocument.objects.filter(experiment=experiment).order_by("-number").first()
    if document is not None:
        sha256 = sha256_hex(f"{document.title}\n\n{document.text}")
        content["consent"] = {"number": document.number, "sha256": sha256}
    if instructions := experiment.instructions.strip():
        content["instructions"] = instructions
    return FrozenJoining(content, version, instructions)


def newest_intake(experiment: Experiment) -> QuestionnaireVersion | None:
    """Of the working design (one query)."""
    if experiment.intake_questionnaire_id is None:
        return None
    found: QuestionnaireVersion | None = intake_versions(experiment.pk, in_force=False).first()
    return found


def joining_problems(experiment: Experiment, version: LayoutVersion | None) -> Iterator[ActivationProblem]:
    """A handful of queries, whatever the number of cases."""
    is_taken_here = experiment.consent_required and not experiment.consent_elsewhere
    if is_taken_here and not ConsentDocument.objects.filter(experiment=experiment).exists():
        yield ActivationProblem(
            "no_consent_document",
            "Consent is required, and there is no consent form to sign. Publish one, or say on the study's page that "
            "consent is taken elsewhere and recorded by the study team.",
        )
    yield from _intake_problems(experiment)
    yield from _training_problems(experiment, version)


def training_case_listed(numbers: Iterable[int]) -> str:
    """What is said of training cases that readers would meet again."""
    named = ", ".join(map(str, numbers))
    return f"Case {named} is a training case and in the case list: readers would know it, and its feedback."


def stages_at_once(waits: Sequence[int]) -> int:
    """How many stages, from the first on, follow without days between; `waits`: of each stage, in order."""
    return next((at for at, days in enumerate(waits) if at and days), len(waits))


def lost_strata(experiment: Experiment) -> list[str]:
    """What the study is stratified by and asks its readers, and would ask them no longer. Two queries."""
    asked = asked_in_intake(experiment) & set(experiment.strata) if experiment.strata else frozenset()
    newest = newest_intake(experiment) if asked else None
    return sorted(asked - set(newest.questions.values_list("key", flat=True))) if newest else sorted(asked)


def _intake_problems(experiment: Experiment) -> Iterator[ActivationProblem]:
    questionnaire = experiment.intake_questionnaire
    if questionnaire is None:
        return
    newest = newest_intake(experiment)
    if newest is None or newest.number < max(questionnaire.versions.values_list("number", flat=True), default=0):
        yield ActivationProblem(
            "empty_intake",
            f"The questionnaire about the reader, '{questionnaire.name}', asks nothing in its newest version.",
        )
        return
    for question in newest.questions.filter(key__in=experiment.strata):
        if question.type != Question.Type.SINGLE_CHOICE or not question.required:
            yield ActivationProblem(
                "stratum_question",
                f"The study is stratified by '{question.key}', which is asked of the reader: it has to be a required "
                "single choice.",
            )


def _training_problems(experiment: Experiment, version: LayoutVersion | None) -> Iterator[ActivationProblem]:
    numbers = dict(experiment.training_cases.order_by("position").values_list("case", "case__number"))
    if not numbers:
        return
    if version is not None:
        ready = CaseSnapshot.objects.filter(layout_version=version, case__in=numbers, redacted_at=None)
        prepared = set(ready.values_list("case", flat=True))
        if missing := _named(number for case, number in numbers.items() if case not in prepared):
            yield ActivationProblem(
                "training_case_missing",
                f"Training case {missing} is not built under layout {version}, or was redacted.",
            )
    listed = set(experiment.study_cases.filter(case__in=numbers).values_list("case", flat=True))
    if both := [number for case, number in numbers.items() if case in listed]:
        yield ActivationProblem("training_case_listed", training_case_listed(both))
    yield from _training_arm_problems(experiment)


def _training_arm_problems(experiment: Experiment) -> Iterator[ActivationProblem]:
    """Without a choice practice is as short as the shortest arm: see experiments.actions.training."""
    if experiment.training_arm_id is None:
        return
    waits: dict[int, list[int]] = {}
    stages = Stage.objects.filter(arm__experiment=experiment).order_by("position")
    for arm, days in stages.values_list("arm", "not_before_days"):
        waits.setdefault(arm, []).append(days)
    practised = stages_at_once(waits.get(experiment.training_arm_id, []))
    if practised > min(map(len, waits.values()), default=practised):
        yield ActivationProblem(
            "training_has_more_stages",
            "The training arm has more stages than another arm: readers of that one practise a second reading that "
            "never comes, and may guess that there are other arms. Choose an arm with fewer stages, or leave it empty.",
            confirmable=True,
        )


def _named(numbers: Iterator[int]) -> str:
    return ", ".join(map(str, numbers))
