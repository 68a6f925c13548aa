"""Two people at the same time, and one person twice at the same time: real threads on real connections."""

import pytest

from augmed.foundation import audit
from experiments.actions.allocation import allocate_pending
from experiments.actions.enrolment import enrol, record_consent
from experiments.actions.lifecycle import amend
from experiments.models import Assignment, Enrolment, EnrolmentEvent, Experiment, ProtocolVersion, Review
from experiments.tests import factories
from experiments.tests.test_reviews_at_once import at_once
from experiments.verification.allocation import verify_allocation

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("rule", ["arm_per_participant", "arm_per_participant_case"])
def test_people_who_join_at_the_same_time_arrive_one_after_the_other(owner, rule):
    study = factories.make_study(by=owner, allocation_rule=rule)
    people = [factories.make_participant() for _ in range(8)]
    jobs = [lambda user=user: enrol(experiment=study, user=user, by=user) for user in people]
    made = at_once(*jobs)
    assert sorted(enrolment.arrival for enrolment in made) == list(range(1, 9))
    assert Assignment.objects.count() == 32
    assert Experiment.objects.get(pk=study.pk).next_arrival == 9
    assert verify_allocation(study).mismatches == []
    assert list(audit.verify()) == []


def test_a_person_who_joins_twice_at_the_same_time_is_in_once(study, clinician):
    made = at_once(*[lambda: enrol(experiment=study, user=clinician, by=clinician)] * 6)
    assert {enrolment.pk for enrolment in made} == {Enrolment.objects.get().pk}
    assert Assignment.objects.count() == 4
    assert EnrolmentEvent.objects.count() == 1
    assert verify_allocation(study).mismatches == []


def test_consent_recorded_twice_at_the_same_time_draws_once(owner, clinician):
    study = factories.make_study(by=owner, consent_required=True)
    enrolment = enrol(experiment=study, user=clinician, by=owner)
    jobs = [
        lambda: record_consent(enrolment=Enrolment.objects.get(pk=enrolment.pk), kind="given", by=owner),
        lambda: record_consent(enrolment=Enrolment.objects.get(pk=enrolment.pk), kind="given", by=owner),
        lambda: allocate_pending(experiment=study, by=owner),
    ]
    assert not [made for made in at_once(*jobs) if isinstance(made, Exception)]
    assert Assignment.objects.count() == 4
    assert verify_allocation(study).mismatches == []


def test_joining_while_the_study_is_amended_goes_by_one_protocol_or_the_other(study, owner):
    people = [factories.make_participant() for _ in range(4)]
    jobs = [lambda user=user: enrol(experiment=study, user=user, by=user) for user in people]
    made = at_once(*jobs, lambda: amend(experiment=study, by=owner, reason="As it was."))
    assert not [one for one in made if isinstance(one, Exception)]
    assert ProtocolVersion.objects.filter(experiment=study).count() == 2
    assert Review.objects.filter(assignment__enrolment__experiment=study).count() >= 16
    assert verify_allocation(study).mismatches == []


def test_of_two_amendments_at_the_same_time_both_get_a_number(study, owner):
    jobs = [lambda why=why: amend(experiment=study, by=owner, reason=why) for why in ("One.", "Two.")]
    assert sorted(protocol.number for protocol in at_once(*jobs)) == [2, 3]
    assert Experiment.objects.get(pk=study.pk).protocol.number == 3
