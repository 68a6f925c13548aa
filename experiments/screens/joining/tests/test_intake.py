"""The questions about the reader: asked once; and the stratum that rests on them."""

import json

import pytest

from augmed.foundation.canonical import digest
from augmed.foundation.errors import Conflict
from augmed.foundation.models import AuditEvent
from experiments.actions.design import update_experiment
from experiments.actions.enrolment import record_consent
from experiments.actions.intake import submit_intake
from experiments.actions.lifecycle import activate, amend, pause, resume
from experiments.actions.questionnaires import copy_version, set_questions
from experiments.models import AllocationRun, Assignment, Enrolment, IntakeAnswer, IntakeSubmission
from experiments.screens.joining.tests import helpers
from experiments.tests import factories
from experiments.verification.allocation import verify_allocation


def test_the_questions_are_asked_as_those_of_a_case(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    body = reading.get(helpers.page(study, "intake")).content.decode()
    assert "How experienced are you?" in body
    assert 'name="q.experience"' in body
    assert "They are asked once." in body


def test_answers_are_stored_as_the_study_words_them(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    response = reading.post(helpers.page(study, "intake"), helpers.about(study))
    assert (response.status_code, response.url) == (302, helpers.page(study, "instructions"))
    given = IntakeSubmission.objects.get(enrolment=reader)
    answers = {row.question_key: json.loads(row.value) for row in given.answers.all()}
    assert answers == {"experience": "more", "years": "12"}
    assert (given.answers_sha256, given.language) == (digest(answers), "en")
    assert given.questionnaire_version.frozen_at is not None


def test_a_wrong_answer_is_named_in_place_and_nothing_is_stored(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    response = reading.post(helpers.page(study, "intake"), helpers.about(study, **{"q.years": "many"}))
    body = response.content.decode()
    assert response.status_code == 422
    assert 'value="many"' in body
    assert "A number is needed, without a mark for thousands." in body
    assert not IntakeSubmission.objects.exists()


def test_the_same_answers_again_are_the_same_and_others_are_refused(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    reading.post(helpers.page(study, "intake"), helpers.about(study))
    assert reading.post(helpers.page(study, "intake"), helpers.about(study)).status_code == 302
    other = reading.post(helpers.page(study, "intake"), helpers.about(study, **{"q.years": "13"}))
    assert other.status_code == 409
    assert IntakeAnswer.objects.filter(submission__enrolment=reader).count() == 2


def test_afterwards_the_page_shows_what_was_answered(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    reading.post(helpers.page(study, "intake"), helpers.about(study))
    body = reading.get(helpers.page(study, "intake")).content.decode()
    assert "12\u00a0years" in body
    assert "<form id=" not in body


def test_before_the_consent_nothing_is_asked(study, reader, reading):
    assert reading.get(helpers.page(study, "intake")).status_code == 404
    assert reading.post(helpers.page(study, "intake"), helpers.about(study)).status_code == 409


def test_a_paused_study_takes_no_answers(study, reader, reading, owner):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    pause(experiment=study, by=owner, reason="A break.")
    assert reading.post(helpers.page(study, "intake"), helpers.about(study)).status_code == 409


def test_questions_that_were_changed_meanwhile_are_asked_anew(study, reader, reading, owner):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    old = helpers.about(study)
    changed = copy_version(version=study.intake_questionnaire.versions.get(), by=owner)
    set_questions(version=changed, questions=[{"key": "role", "type": "short_text", "text": "Your role?"}], by=owner)
    assert "How experienced" in reading.get(helpers.page(study, "intake")).content.decode()  # until the amendment
    amend(experiment=study, by=owner, reason="Another question.", confirmed=helpers.CONFIRMED)
    response = reading.post(helpers.page(study, "intake"), old)
    assert response.status_code == 409
    assert "Your role?" in response.content.decode()


def test_the_protocol_names_the_questions(study):
    version = study.intake_questionnaire.versions.get()
    content = json.loads(study.protocol.content)["intake"]
    assert (content["public_id"], content["number"]) == (str(version.public_id), 1)
    plain = json.loads(factories.make_study().protocol.content)
    assert "intake" not in plain


# Strata


def stratified(owner, **fields):
    return helpers.joining_study(
        owner, instructions="", training=0, allocation_rule="arm_per_participant", strata=["experience"], **fields
    )


def tell(enrolment, study, experience="more"):
    version = study.intake_questionnaire.versions.get()
    answers = {"experience": experience}
    return submit_intake(enrolment=enrolment, version=version.public_id, answers=answers, by=enrolment.user)


def test_the_draw_waits_for_the_answer_by_which_the_study_is_stratified(owner):
    study = stratified(owner, consent=False)
    enrolment = factories.make_enrolment(study)
    assert (enrolment.status, enrolment.stratum) == ("active", "")
    assert not Assignment.objects.filter(enrolment=enrolment).exists()
    tell(enrolment, study)
    enrolment.refresh_from_db()
    assert enrolment.stratum == '{"experience":"more"}'
    assert Assignment.objects.filter(enrolment=enrolment).count() == 4
    event = AuditEvent.objects.get(action="stratum_settled")
    assert json.loads(event.data)["assignments"] == 4


def test_consent_alone_draws_nothing_there(owner):
    study = stratified(owner)
    enrolment = factories.make_enrolment(study)
    record_consent(enrolment=enrolment, kind="given", by=owner)
    assert not AllocationRun.objects.filter(experiment=study).exists()
    tell(enrolment, study)
    assert AllocationRun.objects.get(experiment=study).assignment_count == 4


def test_whoever_answers_later_arrives_later_and_moves_nobody(owner):
    """The first to enrol answers last: the places of those drawn before stay, and every draw can be derived again."""
    study = stratified(owner, consent=False)
    people = [factories.make_enrolment(study) for _ in range(6)]
    for enrolment in [*people[1:], people[0]]:
        tell(enrolment, study)
    numbers = list(
        Enrolment.objects.filter(pk__in=[one.pk for one in people]).order_by("pk").values_list("arrival", flat=True)
    )
    assert numbers == [12, 7, 8, 9, 10, 11]
    assert verify_allocation(study).mismatches == []


def test_a_resumed_study_does_not_draw_those_who_have_not_answered(owner):
    study = stratified(owner, consent=False)
    factories.make_enrolment(study)
    pause(experiment=study, by=owner, reason="A break.")
    resume(experiment=study, by=owner)
    assert not Assignment.objects.filter(enrolment__experiment=study).exists()


def test_people_enrolled_in_the_draft_wait_too(owner):
    study = stratified(owner, consent=False, active=False)
    enrolment = factories.make_enrolment(study)
    activate(experiment=study, by=owner, confirmed=helpers.CONFIRMED)
    assert not Assignment.objects.filter(enrolment=enrolment).exists()
    tell(enrolment, study)
    assert Assignment.objects.filter(enrolment=enrolment).exists()


def test_what_enrolled_people_are_asked_for_their_stratum_stays(owner):
    study = stratified(owner, consent=False)
    factories.make_enrolment(study)
    with pytest.raises(Conflict) as refused:
        update_experiment(experiment=study, intake_questionnaire=None, by=owner)
    assert refused.value.code == "strata_are_frozen"


def test_other_attributes_still_come_from_the_roster(owner):
    study = stratified(owner, consent=False, active=False)
    update_experiment(experiment=study, strata=["experience", "ward"], by=owner)
    activate(experiment=study, by=owner, confirmed=helpers.CONFIRMED)
    study.refresh_from_db()
    with pytest.raises(Exception, match="ward"):
        factories.make_enrolment(study)
    enrolment = factories.make_enrolment(study, factories.make_participant(ward="B4"))
    tell(enrolment, study, "< 5 years")
    enrolment.refresh_from_db()
    assert enrolment.stratum == '{"experience":"< 5 years","ward":"B4"}'
