"""What readers tell about themselves, once; and the stratum, where that is what it rests on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from augmed.foundation import audit
from augmed.foundation.canonical import canonical_json, digest
from augmed.foundation.errors import Conflict
from experiments.actions.allocation import draw_pending, runs_for_audit
from experiments.actions.common import locked
from experiments.actions.submissions import WrongAnswers
from experiments.answers import AnswerErrors, CanonicalAnswer, validate
from experiments.design.protocol import FrozenProtocol
from experiments.design.strata import stratum_of
from experiments.languages.texts import texts_of_study
from experiments.models import Enrolment, Experiment, IntakeAnswer, IntakeSubmission, QuestionnaireVersion
from experiments.models.querysets import intake_versions
from experiments.reviewing.reading import Asked, asked_in
from experiments.reviewing.review_state import not_enrolled


def intake_version(experiment: Experiment) -> QuestionnaireVersion | None:
    """What readers of the study are asked about themselves now (one query)."""
    found: QuestionnaireVersion | None = intake_versions(experiment.pk).first()
    return found


def asked_about_reader(version: QuestionnaireVersion) -> Asked:
    """The questions of a version in force, which never changes. One query or none."""
    return asked_in(version.pk, version.public_id)


def submit_intake(
    *, enrolment: Enrolment, version: uuid.UUID | str, answers: Mapping[str, Any], by: Any
) -> IntakeSubmission:
    """Answer the questions about oneself. The first answer is final: equal ones give it again, others are a Conflict.

    Invalid lists what is wrong by question key. Where the study is stratified by an answer, the reader arrives with it:
    they get the next arrival number, so that whoever was drawn before keeps their place, and their cases are drawn."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        asked = intake_version(study)
        if asked is None:
            raise Conflict(_("Nothing is asked about you in this study."), code="no_intake")
        given = IntakeSubmission.objects.filter(enrolment=enrolment).first()
        if given is None:
            _refuse(study, enrolment)
        if str(asked.public_id) != str(version) and given is None:
            raise Conflict(_("The questions were changed. Please load the page again."), code="other_questionnaire")
        questions = asked_about_reader(asked)
        canonical = _validated(questions, answers)
        if given is not None:
            return _given_before(given, canonical)
        submission = _store(enrolment, asked, questions, canonical)
        _arrive_with(study, enrolment, canonical, by)
    return submission


def _refuse(study: Experiment, enrolment: Enrolment) -> None:
    if study.status != Experiment.Status.ACTIVE:
        raise Conflict(_("The study is not running at the moment."), code="study_not_running")
    if enrolment.status != Enrolment.Status.ACTIVE or enrolment.kind != Enrolment.Kind.REAL:
        raise not_enrolled(enrolment.status)


def _validated(questions: Asked, answers: Mapping[str, Any]) -> dict[str, CanonicalAnswer]:
    try:
        return validate(questions.definitions, answers)
    except AnswerErrors as wrong:
        raise WrongAnswers(wrong) from None


def _given_before(given: IntakeSubmission, canonical: Mapping[str, CanonicalAnswer]) -> IntakeSubmission:
    if given.answers_sha256 != digest(canonical):
        raise Conflict(_("Your first answers are saved and cannot be changed."), code="already_answered")
    return given


def _store(
    enrolment: Enrolment,
    version: QuestionnaireVersion,
    questions: Asked,
    canonical: Mapping[str, CanonicalAnswer],
) -> IntakeSubmission:
    submission = IntakeSubmission(
        enrolment=enrolment,
        questionnaire_version=version,
        answers_sha256=digest(canonical),
        language=texts_of_study(enrolment.experiment).language,
    )
    submission.save(force_insert=True)
    IntakeAnswer.objects.bulk_create(
        IntakeAnswer(
            submission=submission, question_id=question_id, question_key=key, value=canonical_json(canonical[key])
        )
        for key, question_id in questions.question_ids.items()
        if key in canonical
    )
    return submission


def _arrive_with(study: Experiment, enrolment: Enrolment, canonical: Mapping[str, CanonicalAnswer], by: Any) -> None:
    """Whose stratum waited for these answers has it now, and arrives behind all whose stratum was known before."""
    strata = FrozenProtocol.of(study.protocol).strata if study.protocol else ()
    if not strata or enrolment.stratum:
        return
    enrolment.stratum = stratum_of(strata, {**enrolment.intake, **canonical})
    enrolment.arrival = study.next_arrival
    enrolment.save(update_fields=["stratum", "arrival"])
    study.next_arrival += 1
    study.save(update_fields=["next_arrival"])
    runs = draw_pending(study, by=by, triggered_by="intake", only=enrolment)
    data = runs_for_audit(runs) | {"triggered_by": "intake"}
    audit.record(action="stratum_settled", by=by, target=enrolment, data=data, experiment_id=study.pk)
