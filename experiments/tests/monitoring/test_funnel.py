"""From invited to done: who came how far, and whom it never counts."""

from __future__ import annotations

import pytest
from django.db import connection

from experiments.actions.enrolment import enrol, record_consent, withdraw
from experiments.models import Enrolment
from experiments.monitoring.funnel import funnel
from experiments.tests import factories
from experiments.tests.monitoring.conftest import read, reader, reviews_of

pytestmark = pytest.mark.django_db


def people(experiment, *, stages=1):
    found = funnel(experiment, stages=stages)
    return {step.key: step.people for step in found.steps}


def test_a_study_without_anybody(one_arm):
    assert people(one_arm) == {"invited": 0, "account": 0, "began": 0, "done": 0}


def test_everybody_is_counted_as_far_as_they_came(one_arm):
    factories.make_enrolment(one_arm, reader(password=False))
    factories.make_enrolment(one_arm, reader())
    began, done = (factories.make_enrolment(one_arm, reader()) for _ in range(2))
    read(reviews_of(began)[0])
    for review in reviews_of(done):
        read(review)
    assert people(one_arm) == {"invited": 4, "account": 3, "began": 2, "done": 1}


def test_an_imported_consent_of_somebody_without_account_does_not_overtake(lead):
    study = factories.make_study(by=lead, consent_required=True)
    waiting, elsewhere, given = (
        factories.make_enrolment(study, reader(password=password)) for password in (True, False, True)
    )
    for enrolment in (elsewhere, given):
        record_consent(enrolment=enrolment, kind="given", by=lead, given_elsewhere=True)
    assert people(study) == {"invited": 3, "account": 2, "consented": 1, "began": 0, "done": 0}
    record_consent(enrolment=waiting, kind="declined", by=lead)
    assert funnel(study, stages=1).declined == 1


def test_those_who_left_are_counted_where_they_were(one_arm, lead):
    before, later = (factories.make_enrolment(one_arm, reader()) for _ in range(2))
    read(reviews_of(later)[0])
    for enrolment in (before, later):
        withdraw(enrolment=enrolment, by=lead, reason="No time.")
    found = funnel(one_arm, stages=1)
    assert (found.withdrawn, found.withdrawn_before_beginning) == (2, 1)
    assert people(one_arm) == {"invited": 2, "account": 2, "began": 1, "done": 0}


@pytest.mark.parametrize("kind", [Enrolment.Kind.TRAINING, Enrolment.Kind.PREVIEW])
def test_trainings_and_previews_are_not_counted(one_arm, kind):
    enrol(experiment=one_arm, user=reader(), by=None, kind=kind)
    assert people(one_arm)["invited"] == 0


def test_a_case_is_answered_once_what_all_arms_have_is(lead):
    """Somebody whose second reading is still to come is done, as somebody is who has none."""
    study = factories.make_study(by=lead, cases=1)
    for _ in range(6):
        enrolment = factories.make_enrolment(study, reader())
        read(reviews_of(enrolment)[0])
    assert Enrolment.objects.filter(status="completed").count() < 6
    assert people(study)["done"] == 6
    assert people(study, stages=2)["done"] < 6


def test_it_is_one_query(one_arm, django_assert_num_queries):
    for _ in range(3):
        factories.make_enrolment(one_arm, reader())
    connection.ensure_connection()
    with django_assert_num_queries(1):
        funnel(one_arm, stages=1)
