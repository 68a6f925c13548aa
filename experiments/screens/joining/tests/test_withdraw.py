"""Leaving the study: at any time, without a reason, and what becomes of the data."""

import json

import pytest
from django.urls import reverse

from augmed.foundation.errors import Conflict
from augmed.foundation.models import AuditEvent
from experiments.actions.drafts import save_draft
from experiments.actions.enrolment import erase_enrolment
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role
from experiments.models import (
    Answer,
    ConsentRecord,
    ConsentSignature,
    Enrolment,
    EnrolmentEvent,
    Experiment,
    IntakeAnswer,
    IntakeSubmission,
)
from experiments.screens.joining.tests import helpers

ANSWERS = {"diagnosis": "yes", "risk": "20"}


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        ("keep", "stay part of the study.", "stay part of the study."),
        ("keep_to_date", "Nothing is added to them.", "stay part of the study."),
        ("exclude", "left out of the study's results.", "left out of the study's results."),
        ("erase", "answers you have given are erased.", "The answers you gave were erased."),
    ],
)
def test_what_becomes_of_the_data_is_said_before_and_after(owner, clinician, reading_of, policy, before, after):
    from experiments.tests import factories

    study = helpers.joining_study(owner, withdrawal_policy=policy)
    factories.make_enrolment(study, clinician)
    client = reading_of(clinician)
    assert before in client.get(helpers.page(study, "withdraw")).content.decode()
    assert client.post(helpers.page(study, "withdraw")).url == helpers.page(study, "withdraw")
    assert after in client.get(helpers.page(study, "withdraw")).content.decode()


def test_leaving_withdraws_consent_and_ends_practice(study, reader, reading):
    helpers.joined(study, reader, reading)
    training = helpers.practice(reader)[0].assignment.enrolment
    reading.post(helpers.page(study, "withdraw"), {"words": "No time any more."})
    reader.refresh_from_db()
    training.refresh_from_db()
    assert (reader.status, training.status) == ("withdrawn", "withdrawn")
    assert ConsentRecord.objects.filter(enrolment=reader).latest("pk").kind == "withdrawn"
    event = EnrolmentEvent.objects.get(enrolment=reader, status="withdrawn")
    assert event.reason == "Withdrawn by the participant. No time any more."


def test_the_own_words_are_not_in_the_audit_trail(study, reader, reading):
    reading.post(helpers.page(study, "withdraw"), {"words": "My name is Ada."})
    event = AuditEvent.objects.get(action="withdrawn")
    assert json.loads(event.data)["reason"] == "Withdrawn by the participant."
    assert not [one for one in AuditEvent.objects.all() if "Ada" in one.data]


def test_leaving_twice_is_leaving_once(study, reader, reading):
    reading.post(helpers.page(study, "withdraw"))
    assert reading.post(helpers.page(study, "withdraw")).status_code == 302
    assert EnrolmentEvent.objects.filter(enrolment=reader, status="withdrawn").count() == 1


def test_too_many_words_are_shown_again(study, reader, reading):
    response = reading.post(helpers.page(study, "withdraw"), {"words": "x" * 2001})
    assert response.status_code == 422
    assert "x" * 2001 in response.content.decode()
    assert Enrolment.objects.get(pk=reader.pk).status == "awaiting_consent"


@pytest.mark.parametrize("status", ["paused", "completed", "draft"])
def test_one_may_leave_whatever_the_study_does(study, reader, reading, status):
    Experiment.objects.filter(pk=study.pk).update(status=status)
    assert reading.post(helpers.page(study, "withdraw")).status_code == 302
    assert Enrolment.objects.get(pk=reader.pk).status == "withdrawn"


def test_after_leaving_nothing_goes_on(study, reader, reading):
    helpers.joined(study, reader, reading)
    reading.post(helpers.page(study, "withdraw"))
    assert reading.post(helpers.page(study, "training")).url == "/home/"
    assert reading.post(helpers.page(study, "intake"), helpers.about(study)).status_code == 302  # the same as before
    assert reading.post(helpers.page(study, "consent"), helpers.signature(study)).status_code == 409


def told_everything(study, reader, reading):
    helpers.joined(study, reader, reading)
    for review in helpers.practice(reader):
        open_review(public_id=review.public_id, by=reader.user)
        submit(public_id=review.public_id, answers=ANSWERS, by=reader.user)


def nothing_is_left(reader):
    assert list(Answer.objects.values_list("value", flat=True).distinct()) == [""]
    assert list(IntakeAnswer.objects.values_list("value", flat=True).distinct()) == [""]
    assert IntakeSubmission.objects.get(enrolment=reader).erased_at is not None
    assert ConsentSignature.objects.get(record__enrolment=reader).name == ""
    assert not EnrolmentEvent.objects.filter(reason__contains="secret").exists()


def test_erasing_blanks_what_was_told_the_name_and_the_practice(study, reader, reading, administrator):
    told_everything(study, reader, reading)
    reading.post(helpers.page(study, "withdraw"), {"words": "A secret."})
    erase_enrolment(enrolment=reader, by=administrator, reason="Asked for by letter.")
    nothing_is_left(reader)


def test_practice_ends_with_an_erasure_so_that_nothing_is_given_after_it(study, reader, reading, administrator):
    helpers.joined(study, reader, reading)
    first = helpers.practice(reader)[0]
    open_review(public_id=first.public_id, by=reader.user)
    erase_enrolment(enrolment=reader, by=administrator, reason="Asked for by letter.")
    with pytest.raises(Conflict, match="no longer take part"):
        save_draft(public_id=first.public_id, typed=lambda asked: {"remarks": "A secret."}, revision=0, by=reader.user)
    with pytest.raises(Conflict, match="no longer take part"):
        submit(public_id=first.public_id, answers=ANSWERS, by=reader.user)
    assert not Answer.objects.exists()
    training = Enrolment.objects.get(kind="training")
    assert training.status == "withdrawn"
    assert list(training.events.values_list("status", flat=True)) == ["active", "withdrawn"]


@pytest.mark.parametrize("role", ["coordinator", "blinded_analyst"])
def test_the_own_words_are_for_those_who_enrol(study, reader, reading, reading_of, make_user, role):
    reading.post(helpers.page(study, "withdraw"), {"words": "The computer's advice\x00 annoyed me."})
    staff = make_user(f"{role}@example.org")
    grant_role(user=staff, experiment=study, role=role, by=None)
    staff.refresh_from_db()
    page = reading_of(staff).get(reverse("admin:experiments_enrolment_change", args=[reader.pk]))
    assert page.status_code == 200
    assert ("advice annoyed me" in page.content.decode()) == (role == "coordinator")


def test_a_name_of_a_study_that_no_database_can_hold_is_none(reading):
    assert reading.get("/studies/a%00b/withdraw/").status_code == 404


def test_where_the_study_erases_leaving_does_it_at_once(owner, clinician, reading_of):
    from experiments.tests import factories

    study = helpers.joining_study(owner, withdrawal_policy="erase")
    reader = factories.make_enrolment(study, clinician)
    client = reading_of(clinician)
    told_everything(study, reader, client)
    client.post(helpers.page(study, "withdraw"), {"words": "A secret."})
    nothing_is_left(reader)
    assert "Signed by" not in client.get(helpers.page(study, "consent")).content.decode()
