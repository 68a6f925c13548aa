"""Arriving, consenting, leaving; and what erasing leaves behind."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.design import update_experiment
from experiments.actions.enrolment import enrol, enrol_together, erase_enrolment, record_consent, withdraw
from experiments.actions.lifecycle import complete
from experiments.models import Answer, ConsentRecord, Enrolment, ReviewEvent, Submission
from experiments.tests import factories
from experiments.verification.allocation import verify_allocation

pytestmark = pytest.mark.django_db


@pytest.fixture
def with_consent(owner):
    return factories.make_study(by=owner, consent_required=True)


def answer(enrolment):
    """An answer with an event, as a review leaves them."""
    review = enrolment.assignments.first().reviews.get(stage_position=1)
    stage = enrolment.experiment.protocol.stages.filter(arm=review.assignment.arm, position=1).get()
    submission = Submission.objects.create(review=review, answers_sha256="a" * 64, client_data='{"browser":"x"}')
    question = stage.questionnaire_version.questions.get(key="remarks")
    Answer.objects.create(submission=submission, question=question, question_key="remarks", value='"a secret"')
    ReviewEvent.objects.create(review=review, kind="submit_refused", data='{"remarks":"another secret"}')
    return submission


def test_arrivals_are_numbered_without_a_gap_and_keep_their_intake(study, clinician, other_clinician):
    clinician.profile.intake = {"profession": "nurse", "years": 0}
    clinician.profile.save()
    first, second = (
        enrol(experiment=study, user=clinician, by=None),
        enrol(experiment=study, user=other_clinician, by=None),
    )
    assert (first.arrival, second.arrival) == (1, 2)
    clinician.profile.intake = {"profession": "doctor"}
    clinician.profile.save()
    first.refresh_from_db()
    assert first.intake == {"profession": "nurse", "years": 0}
    assert first.pseudonym != second.pseudonym


def test_joining_twice_is_joining_once(study, clinician):
    first = enrol(experiment=study, user=clinician, by=None)
    assert enrol(experiment=study, user=clinician, by=None) == first
    assert Enrolment.objects.count() == 1
    assert first.assignments.count() == 4
    training = enrol(experiment=study, user=clinician, by=None, kind="training")
    assert training != first


def test_who_cannot_join(study, clinician, other_clinician, owner):
    clinician.is_active = False
    clinician.save()
    with pytest.raises(Conflict):
        enrol(experiment=study, user=clinician, by=owner)
    withdraw(enrolment=enrol(experiment=study, user=other_clinician, by=owner), by=owner, reason="No time.")
    with pytest.raises(Conflict):
        enrol(experiment=study, user=other_clinician, by=owner)
    with pytest.raises(Invalid):
        enrol(experiment=study, user=other_clinician, by=owner, kind="guest")
    complete(experiment=study, by=owner, reason="All read.")
    with pytest.raises(Conflict):
        enrol(experiment=study, user=factories.make_participant(), by=owner)


def test_a_stratum_that_the_roster_does_not_say_is_an_error_that_names_it(owner):
    study = factories.make_study(by=owner, strata=["profession", "years"])
    with pytest.raises(Invalid) as refused:
        enrol(experiment=study, user=factories.make_participant(profession=" ", years=0), by=owner)
    assert list(refused.value.errors) == ["intake.profession"]
    study.refresh_from_db()
    assert study.next_arrival == 1
    enrolment = enrol(experiment=study, user=factories.make_participant(profession="nurse", years=0), by=owner)
    assert json.loads(enrolment.stratum) == {"profession": "nurse", "years": "0"}


def test_strata_stay_once_somebody_was_enrolled(draft, clinician, owner):
    enrol(experiment=draft, user=clinician, by=owner)
    with pytest.raises(Conflict):
        update_experiment(experiment=draft, by=owner, strata=["profession"])


def test_consent_opens_the_study(with_consent, clinician, owner):
    enrolment = enrol(experiment=with_consent, user=clinician, by=owner)
    assert (enrolment.status, enrolment.assignments.count()) == ("awaiting_consent", 0)
    at = timezone.now() - timedelta(days=3)
    record = record_consent(enrolment=enrolment, kind="given", by=owner, at=at, document="v2", given_elsewhere=True)
    assert (record.at, record.document, record.given_elsewhere) == (at, "v2", True)
    assert (enrolment.status, enrolment.assignments.count()) == ("active", 4)
    assert [event.status for event in enrolment.events.all()] == ["awaiting_consent", "active"]
    with pytest.raises(Conflict):
        record_consent(enrolment=enrolment, kind="declined", by=owner)


def test_consent_declined_and_then_given_after_all(with_consent, clinician, owner):
    enrolment = enrol(experiment=with_consent, user=clinician, by=owner)
    record_consent(enrolment=enrolment, kind="declined", by=owner)
    assert (enrolment.status, enrolment.assignments.count()) == ("declined", 0)
    record_consent(enrolment=enrolment, kind="given", by=owner)
    assert enrolment.assignments.count() == 4
    assert verify_allocation(with_consent).mismatches == []


def test_consent_cannot_lie_in_the_future(with_consent, clinician, owner):
    enrolment = enrol(experiment=with_consent, user=clinician, by=owner)
    with pytest.raises(Invalid):
        record_consent(enrolment=enrolment, kind="given", by=owner, at=timezone.now() + timedelta(hours=1))
    assert not ConsentRecord.objects.exists()


def test_withdrawn_consent_withdraws_the_person(with_consent, clinician, owner):
    enrolment = enrol(experiment=with_consent, user=clinician, by=owner)
    record_consent(enrolment=enrolment, kind="given", by=owner)
    record = record_consent(enrolment=enrolment, kind="withdrawn", by=clinician)
    assert (record.kind, record.recorded_by, enrolment.status) == ("withdrawn", clinician, "withdrawn")
    with pytest.raises(Conflict):
        record_consent(enrolment=enrolment, kind="given", by=owner)


@pytest.mark.parametrize("policy", ["keep", "keep_to_date", "exclude", "erase"])
def test_withdrawal_is_a_fact_and_only_the_erasing_policy_blanks(owner, clinician, policy):
    study = factories.make_study(by=owner, withdrawal_policy=policy)
    clinician.profile.intake = {"profession": "nurse"}
    clinician.profile.save()
    enrolment = enrol(experiment=study, user=clinician, by=owner)
    submission = answer(enrolment)
    withdraw(enrolment=enrolment, by=owner, reason="No time.")
    assert [(event.status, event.reason) for event in enrolment.events.all()][-1] == ("withdrawn", "No time.")
    erased = policy == "erase"
    assert Answer.objects.get().value == ("" if erased else '"a secret"')
    submission.refresh_from_db()
    assert submission.answers_sha256 == "a" * 64
    assert (submission.erased_at is not None) == erased
    enrolment.refresh_from_db()
    assert enrolment.intake == ({} if erased else {"profession": "nurse"})
    with pytest.raises(Conflict):
        withdraw(enrolment=enrolment, by=owner, reason="Again.")
    assert verify_allocation(study).mismatches == []


def test_erasing_blanks_one_persons_payload_and_keeps_hash_times_and_who(study, clinician, other_clinician, owner):
    enrolment, other = (
        enrol(experiment=study, user=clinician, by=None),
        enrol(experiment=study, user=other_clinician, by=None),
    )
    mine, theirs = answer(enrolment), answer(other)
    with pytest.raises(Invalid):
        erase_enrolment(enrolment=enrolment, by=owner, reason="")
    erase_enrolment(enrolment=enrolment, by=owner, reason="Asked for by letter.")
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.client_data, mine.answers_sha256, mine.answers.get().value) == ("", "a" * 64, "")
    assert [event.data for event in mine.review.events.all()] == [""]
    assert (theirs.client_data, theirs.answers.get().value) == ('{"browser":"x"}', '"a secret"')
    assert enrolment.status == "withdrawn"
    event = AuditEvent.objects.get(action="enrolment_erased")
    assert json.loads(event.data) == {"reason": "Asked for by letter.", "answers": 1, "submissions": 1, "events": 1}
    assert event.actor == str(owner.pk)
    with pytest.raises(Conflict):
        erase_enrolment(enrolment=enrolment, by=owner, reason="Again.")


def test_people_who_come_together_arrive_as_if_one_by_one(owner):
    """The same numbers, strata, intake, consent, events and draws; one audit event instead of one each."""
    people = [factories.make_participant(**intake) for intake in ({"site": "A"}, {"site": "B"}, {"site": "A"})]
    fields = {"strata": ["site"], "by": owner, "allocation_rule": "arm_per_participant"}
    together, apart = (factories.make_study(**fields) for _ in range(2))
    enrol(experiment=together, user=people[0], by=owner)
    made = enrol_together(experiment=together, users=[*people, people[1]], by=owner)
    for person in people:
        enrol(experiment=apart, user=person, by=owner)
    assert [enrolment.user for enrolment in made] == people[1:]
    columns = ("user", "kind", "status", "arrival", "stratum", "intake", "events__status", "events__by")
    rows = [list(study.enrolments.order_by("arrival").values_list(*columns)) for study in (together, apart)]
    assert rows[0] == rows[1]
    together.refresh_from_db()
    assert together.next_arrival == 4
    assert all(enrolment.assignments.count() == 4 for enrolment in made)
    assert not verify_allocation(together).mismatches
    event = AuditEvent.objects.get(action="enrolled_together")
    assert json.loads(event.data)["enrolments"] == [enrolment.pk for enrolment in made]


def test_who_comes_together_waits_for_consent(with_consent, clinician, other_clinician):
    made = enrol_together(experiment=with_consent, users=[clinician, other_clinician], by=None)
    assert {enrolment.status for enrolment in made} == {"awaiting_consent"}
    assert not any(enrolment.assignments.exists() for enrolment in made)


def test_nobody_is_enrolled_together_with_one_who_cannot_be(study, clinician, other_clinician):
    withdraw(enrolment=enrol(experiment=study, user=clinician, by=None), by=None, reason="Left.")
    with pytest.raises(Conflict):
        enrol_together(experiment=study, users=[other_clinician, clinician], by=None)
    other_clinician.is_active = False
    with pytest.raises(Conflict, match="deactivated"):
        enrol_together(experiment=study, users=[other_clinician], by=None)
    assert not study.enrolments.filter(user=other_clinician).exists()


def test_the_queries_of_arriving_together_do_not_depend_on_people(owner, django_assert_num_queries):
    study = factories.make_study(by=owner, active=False)
    people = [factories.make_participant() for _ in range(10)]
    with CaptureQueriesContext(connection) as few:
        enrol_together(experiment=study, users=people[:1], by=None)
    with django_assert_num_queries(len(few)):
        enrol_together(experiment=study, users=people[1:], by=None)
