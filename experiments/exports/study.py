"""What all tables of one export share: small look-ups read once, and the rules of what rows may tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from experiments.exports.blinding import Visible, visible
from experiments.exports.cells import ColumnType
from experiments.exports.features import ExportedFeature, exported_features, study_cases
from experiments.exports.questions import Asked, asked_of_readers, asked_questions
from experiments.exports.scope import Rights, Scope
from experiments.exports.tables import day, moment
from experiments.models import Arm, AttentionCheck, Experiment, ProtocolStage, ProtocolVersion, QuestionnaireVersion


@dataclass(frozen=True)
class Study:
    """A study as one export sees it. Made inside the export's read, so that all of it is of one moment."""

    experiment: Experiment
    scope: Scope
    visible: Visible
    asked: tuple[Asked, ...]
    asked_of_readers: tuple[Asked, ...]
    features: tuple[ExportedFeature, ...]
    arms: tuple[Arm, ...]
    case_numbers: dict[int, int]
    protocols: tuple[ProtocolVersion, ...]
    stage_names: dict[tuple[int | None, int | None, int], str]
    questionnaires: dict[int | None, tuple[Any, Any]]
    attention_checks: tuple[AttentionCheck, ...]

    @classmethod
    def of(cls, experiment: Experiment, rights: Rights) -> Study:
        seen = visible(experiment, rights)
        stages = ProtocolStage.objects.filter(protocol__experiment=experiment)
        versions = QuestionnaireVersion.objects.filter(questionnaire__experiment=experiment)
        return cls(
            experiment=experiment,
            scope=Scope.of(experiment, rights),
            visible=seen,
            asked=asked_questions(experiment, seen),
            asked_of_readers=asked_of_readers(experiment),
            features=exported_features(experiment, seen),
            arms=tuple(experiment.arms.order_by("position", "pk")) if seen.by_arm else (),
            case_numbers=dict(study_cases(experiment).order_by().values_list("pk", "number")),
            protocols=tuple(experiment.protocol_versions.select_related("layout_version__layout").order_by("number")),
            stage_names={
                (protocol, arm, position): name
                for protocol, arm, position, name in stages.values_list("protocol_id", "arm_id", "position", "name")
            },
            questionnaires={
                pk: (name, number)
                for pk, name, number in versions.order_by("questionnaire_id", "number").values_list(
                    "pk", "questionnaire__name", "number"
                )
            },
            attention_checks=tuple(experiment.attention_checks.order_by("number")),
        )

    @cached_property
    def scored(self) -> tuple[Asked, ...]:
        return tuple(one for one in self.asked if one.is_scored) if self.scope.rights.references else ()

    @cached_property
    def arm_keys(self) -> dict[int | None, str]:
        return {arm.pk: arm.key for arm in self.arms}

    @cached_property
    def protocol_numbers(self) -> dict[int | None, int]:
        return {protocol.pk: protocol.number for protocol in self.protocols}

    @cached_property
    def check_numbers(self) -> dict[int | None, int]:
        return {check.pk: check.number for check in self.attention_checks}

    @cached_property
    def questionnaire_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.questionnaires.values()))

    @cached_property
    def questionnaire_names_of_intake(self) -> tuple[str, ...]:
        versions = (question.version for asked in self.asked_of_readers for question in asked.versions)
        return tuple(dict.fromkeys(version.questionnaire.name for version in versions))

    # With the arms masked, times are days: the pause before a participant's next case would tell who had a second
    # stage in between.
    @property
    def time(self) -> Callable[[datetime | None], str | None]:
        return moment if self.visible.by_arm else day

    @property
    def time_type(self) -> ColumnType:
        return "datetime" if self.visible.by_arm else "date"

    @property
    def time_words(self) -> str:
        return "server time, UTC" if self.visible.by_arm else "day in UTC, as the arms are masked"
