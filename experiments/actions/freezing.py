"""Make a protocol version: the working design as it stands, frozen with everything it rests on."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from augmed.foundation.canonical import canonical_json, sha256_hex
from cases.models import LayoutVersion
from experiments.design.hiding import hiding_content, hiding_fields
from experiments.design.joining import FrozenJoining, freeze_joining
from experiments.design.matrix import found_features, known_features, study_layout_version
from experiments.design.protocol import CONTENT_VERSION, allocation_content, attention_check_content
from experiments.design.question_forms import questions_sha256
from experiments.languages.frozen import frozen_languages
from experiments.models import (
    Arm,
    AttentionCheck,
    DisclosureSet,
    Experiment,
    ProtocolStage,
    ProtocolVersion,
    QuestionnaireVersion,
    Stage,
)


def freeze(experiment: Experiment, *, number: int, reason: str, by: Any) -> ProtocolVersion:
    """The next protocol version of a study that has no problems left and whose stages are freshly resolved.

    Call with the study locked. The layout version and the questionnaires' newest versions are frozen with it."""
    layout_version = study_layout_version(experiment)
    assert layout_version is not None
    arms = list(
        experiment.arms.prefetch_related("stages__questionnaire__versions__questions", "stages__disclosure_set")
    )
    frozen = {arm.pk: [(stage, _newest(stage)) for stage in _stages(arm)] for arm in arms}
    check = AttentionCheck.objects.current(experiment)
    joining = freeze_joining(experiment)
    content = canonical_json(_content(experiment, layout_version, number, arms, frozen, check, joining))
    protocol = ProtocolVersion.objects.create(
        experiment=experiment,
        number=number,
        layout_version=layout_version,
        content=content,
        sha256=sha256_hex(content),
        attention_check=check,
        intake_version=joining.intake_version,
        instructions=joining.instructions,
        reason=reason,
        created_by=by,
    )
    ProtocolStage.objects.bulk_create(
        ProtocolStage(
            protocol=protocol,
            arm=arm,
            position=stage.position,
            name=stage.name,
            disclosure_set=_resolved(stage),
            questionnaire_version=version,
            not_before_days=stage.not_before_days,
            **(hiding_fields(stage) if stage.hidden_until_asked else {}),
        )
        for arm in arms
        for stage, version in frozen[arm.pk]
    )
    now = timezone.now()
    used = {version.pk for stages in frozen.values() for _, version in stages}
    QuestionnaireVersion.objects.filter(pk__in=used, frozen_at=None).update(frozen_at=now)
    LayoutVersion.objects.filter(pk=layout_version.pk, frozen_at=None).update(frozen_at=now)
    return protocol


_Frozen = dict[int, list[tuple[Stage, QuestionnaireVersion]]]


def _content(
    experiment: Experiment,
    layout_version: LayoutVersion,
    number: int,
    arms: list[Arm],
    frozen: _Frozen,
    check: AttentionCheck | None,
    joining: FrozenJoining,
) -> dict[str, Any]:
    described = [_arm(arm, frozen[arm.pk]) for arm in arms]
    known = known_features(experiment)
    found = found_features(experiment, layout_version)
    features = sorted(known if known is not None else {tuple(feature.identity) for feature in found})
    return {
        "content_version": CONTENT_VERSION,
        "experiment": experiment.code,
        "number": number,
        "layout": {"name": layout_version.layout.name, "version": layout_version.number},
        "allocation": allocation_content(experiment, described, number),
        "consent_required": experiment.consent_required,
        "withdrawal_policy": experiment.withdrawal_policy,
        "attention_check": attention_check_content(check),
        "arms": described,
        "cases": [
            {"id": entry.case_id, "number": entry.case.number}
            for entry in experiment.study_cases.select_related("case").order_by("position")
        ],
        # The features that were there at activation: what is found later is new (experiments.design.matrix).
        "features": features,
        **joining.content,
        **frozen_languages(experiment),
    }


def _arm(arm: Arm, stages: list[tuple[Stage, QuestionnaireVersion]]) -> dict[str, Any]:
    return {
        "key": arm.key,
        "name": arm.name,
        "weight": arm.weight,
        "stages": [
            {
                "position": stage.position,
                "name": stage.name,
                "not_before_days": stage.not_before_days,
                "questionnaire": {
                    "public_id": str(version.public_id),
                    "number": version.number,
                    "questions_sha256": questions_sha256(version.questions.all()),
                },
                "disclosure_set": _resolved(stage).sha256,
                **hiding_content(stage),
            }
            for stage, version in stages
        ],
    }


def _stages(arm: Arm) -> list[Stage]:
    return sorted(arm.stages.all(), key=lambda stage: stage.position)


def _resolved(stage: Stage) -> DisclosureSet:
    assert stage.disclosure_set is not None
    return stage.disclosure_set


def _newest(stage: Stage) -> QuestionnaireVersion:
    assert stage.questionnaire is not None
    return max(stage.questionnaire.versions.all(), key=lambda version: version.number)
