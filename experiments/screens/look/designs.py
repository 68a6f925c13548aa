"""What a link shows of a study: the working design, or a protocol version as it was frozen. Arms are versions of the
study, told apart by letters alone."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from cases.disclosure import DisclosureContent, Show
from cases.models import LayoutVersion
from experiments.answers import QuestionDefinition
from experiments.attention import Check
from experiments.design.joining import stages_at_once
from experiments.design.matrix import study_layout_version
from experiments.design.question_forms import definition
from experiments.languages.texts import StudyTexts, texts_of_design, texts_of_protocol
from experiments.models import (
    AttentionCheck,
    ConsentDocument,
    Experiment,
    ProtocolStage,
    ProtocolVersion,
    Question,
    QuestionnaireVersion,
    Stage,
)
from experiments.reviewing.review_state import newest_versions

LETTERS = "abcdefghijklmnopqrstuvwxyz"
Questions = tuple[QuestionDefinition, ...]


@dataclass(frozen=True, slots=True)
class LookStage:
    """`cells`: what the matrix of the working design says, of a frozen stage nothing; `reveal_terms`: as `hiding` takes
    them, None where nothing is hidden."""

    position: int
    questions: Questions
    shows: tuple[Show, ...]
    cells: tuple[Any, ...]
    not_before_days: int
    reveal_terms: tuple[str | None, str] | None

    @classmethod
    def of(cls, stage: Stage | ProtocolStage, questions: Questions, cells: Sequence[Any] = ()) -> LookStage:
        assert stage.disclosure_set is not None
        cost = None if stage.reveal_cost is None else str(stage.reveal_cost)
        return cls(
            position=stage.position,
            questions=questions,
            shows=tuple(DisclosureContent.from_json(json.loads(stage.disclosure_set.content)).shows),
            cells=tuple(cells),
            not_before_days=stage.not_before_days,
            reveal_terms=(cost, stage.reveal_cost_unit) if stage.hidden_until_asked else None,
        )


@dataclass(frozen=True, slots=True)
class LookVersion:
    """An arm without its name."""

    letter: str
    arm: int
    stages: tuple[LookStage, ...]

    @property
    def name(self) -> str:
        return _("Version %(letter)s") % {"letter": self.letter.upper()}


class LookDesign(ABC):
    """Each part is read when it is asked for; the number of statements does not depend on how much there is."""

    protocol: ProtocolVersion | None = None

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    @property
    @abstractmethod
    def texts(self) -> StudyTexts: ...

    @property
    @abstractmethod
    def layout(self) -> LayoutVersion | None: ...

    @property
    @abstractmethod
    def instructions(self) -> str: ...

    @property
    @abstractmethod
    def intake(self) -> Questions: ...

    @property
    @abstractmethod
    def attention_check(self) -> AttentionCheck | None: ...

    @abstractmethod
    def _stages(self) -> Iterable[tuple[int, LookStage]]:
        """With the arm of each, in order."""

    @cached_property
    def versions(self) -> tuple[LookVersion, ...]:
        """Arms without stages have nothing to show."""
        found: dict[int, list[LookStage]] = {}
        for arm, stage in self._stages():
            found.setdefault(arm, []).append(stage)
        return tuple(
            LookVersion(letter, arm, tuple(stages))
            for letter, (arm, stages) in zip(LETTERS, found.items(), strict=False)
        )

    @cached_property
    def consent(self) -> ConsentDocument | None:
        """No part of a design: the newest form is what is signed."""
        if not self.experiment.consent_required:
            return None
        return self.experiment.consent_documents.order_by("-number").first()

    @cached_property
    def consent_texts(self) -> StudyTexts:
        return texts_of_design(self.experiment)

    @cached_property
    def practice_cases(self) -> int:
        return self.experiment.training_cases.count()

    @property
    def practised(self) -> tuple[LookStage, ...]:
        """The stages that everybody practises, chosen as `experiments.actions.training` does; none without practice."""
        if not (self.practice_cases and self.versions):
            return ()
        chosen = {version.arm: version for version in self.versions}.get(self.experiment.training_arm_id or 0)
        stages = (chosen or min(self.versions, key=lambda version: len(version.stages))).stages
        return stages[: stages_at_once([stage.not_before_days for stage in stages])]

    @cached_property
    def check(self) -> Check | None:
        found = self.attention_check
        if found is None or found.every is None:
            return None
        return Check(found.pk, found.place, found.text, tuple(found.options), found.right_answer)


class WorkingDesign(LookDesign):
    """As it is when it is looked at."""

    @cached_property
    def texts(self) -> StudyTexts:
        return texts_of_design(self.experiment)

    @cached_property
    def layout(self) -> LayoutVersion | None:
        return study_layout_version(self.experiment)

    @property
    def instructions(self) -> str:
        return self.experiment.instructions

    @cached_property
    def intake(self) -> Questions:
        pk = self.experiment.intake_questionnaire_id
        return self._newest({pk}).get(pk, ()) if pk is not None else ()

    @cached_property
    def attention_check(self) -> AttentionCheck | None:
        return AttentionCheck.objects.current(self.experiment)

    def _stages(self) -> Iterable[tuple[int, LookStage]]:
        found = Stage.objects.filter(arm__experiment=self.experiment, disclosure_set__isnull=False)
        stages = list(found.select_related("disclosure_set").order_by("arm__position", "arm_id", "position"))
        asked = self._newest({stage.questionnaire_id for stage in stages})
        for stage in stages:
            yield stage.arm_id, LookStage.of(stage, asked.get(stage.questionnaire_id, ()), stage.cells)

    def _newest(self, questionnaires: set[int | None]) -> dict[int | None, Questions]:
        """Of each questionnaire its newest version that has questions. Two statements."""
        newest: dict[int, int] = {}
        wanted = {pk for pk in questionnaires if pk is not None}
        rows = newest_versions(self.experiment).filter(questionnaire__in=wanted)
        for questionnaire, version in rows.values_list("questionnaire_id", "pk"):
            newest.setdefault(questionnaire, version)
        asked = _questions(newest.values())
        return {questionnaire: asked.get(version, ()) for questionnaire, version in newest.items()}


class FrozenDesign(LookDesign):
    """A protocol version: what is changed afterwards is not shown."""

    protocol: ProtocolVersion

    def __init__(self, experiment: Experiment, protocol: ProtocolVersion) -> None:
        super().__init__(experiment)
        self.protocol = protocol

    @property
    def texts(self) -> StudyTexts:
        return texts_of_protocol(self.protocol.pk)

    @property
    def layout(self) -> LayoutVersion:
        return self.protocol.layout_version

    @property
    def instructions(self) -> str:
        frozen = self.protocol.instructions
        return self.experiment.instructions if frozen is None else frozen

    @cached_property
    def intake(self) -> Questions:
        asked = json.loads(self.protocol.content).get("intake")
        if asked is None:
            return ()
        version = QuestionnaireVersion.objects.get(public_id=asked["public_id"])
        return _questions([version.pk]).get(version.pk, ())

    @property
    def attention_check(self) -> AttentionCheck | None:
        return self.protocol.attention_check

    def _stages(self) -> Iterable[tuple[int, LookStage]]:
        found = ProtocolStage.objects.filter(protocol=self.protocol).select_related("disclosure_set")
        stages = list(found.order_by("arm__position", "arm_id", "position"))
        asked = _questions({stage.questionnaire_version_id for stage in stages})
        for stage in stages:
            yield stage.arm_id, LookStage.of(stage, asked.get(stage.questionnaire_version_id, ()))


def _questions(versions: Iterable[int]) -> dict[int, Questions]:
    """By questionnaire version. One statement."""
    asked: dict[int, list[QuestionDefinition]] = {}
    for question in Question.objects.filter(version__in=list(versions)).order_by("version", "position"):
        asked.setdefault(question.version_id, []).append(definition(question))
    return {version: tuple(found) for version, found in asked.items()}
