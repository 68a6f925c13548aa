"""The pages of a running study say nothing that differs by arm to those who may not know it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from experiments.exports.blinding import common_stages
from experiments.models import Assignment, Enrolment, EnrolmentEvent, Review, Submission
from experiments.tests import factories
from experiments.tests.monitoring.conftest import LONG_AGO, backdate, client_of, joined, read, reviews_of

pytestmark = pytest.mark.django_db

PAGES = ("progress", "progress_participants", "progress_cases", "stalled", "reminders")
BLINDED = ("coordinator", "blinded_analyst", "lead")


@pytest.fixture
def study(lead):
    """One arm for each person: one reading, or two of which the second waits for a week."""
    arms = {"Once": [factories.show("age")], "Twice, later": [factories.show("age"), factories.show("age", "lab")]}
    study = factories.make_study(
        by=lead, cases=2, arms=arms, active=False, allocation_rule="arm_per_participant", case_order="fixed"
    )
    stage = study.arms.get(name="Twice, later").stages.get(position=2)
    stage.not_before_days = 7
    stage.save()
    from experiments.actions.lifecycle import activate

    activate(experiment=study, by=lead)
    study.refresh_from_db()
    return study


@pytest.fixture
def by_arm(study):
    """Somebody of each arm; both have answered all they can, on the same days."""
    found = {}
    while len(found) < 2:
        enrolment = joined(study)
        arm = Assignment.objects.filter(enrolment=enrolment).first().arm.name
        if arm in found:
            continue
        found[arm] = enrolment
        for review in reviews_of(enrolment):
            if review.stage_position == 1:
                read(review, at=LONG_AGO, seconds=90)
        backdate(EnrolmentEvent, "at", LONG_AGO, enrolment=enrolment)
    return found


def shown(page, enrolment):
    """The row of a person, without what names them."""
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", page, re.S) if enrolment.pseudonym in row]
    for name in (enrolment.pseudonym, enrolment.user.email, f"<tr><td>{enrolment.arrival}</td>"):
        row = row.replace(name, "")
    return row


@pytest.mark.parametrize("role", BLINDED)
def test_rows_of_people_are_the_same_in_both_arms(study, by_arm, staff, role):
    assert Review.objects.filter(stage_position=2).unanswered().exists()
    client = client_of(staff(study, role))
    page = client.get(reverse("admin:experiments_experiment_progress_participants", args=[study.pk])).content.decode()
    first, second = (shown(page, enrolment) for enrolment in by_arm.values())
    assert first == second
    assert "all cases answered" in first


@pytest.mark.parametrize("role", BLINDED)
def test_who_waits_for_a_later_stage_alone_has_not_stopped_for_them(study, by_arm, staff, role):
    address = reverse("admin:experiments_experiment_stalled", args=[study.pk])
    page = client_of(staff(study, role)).get(address).content.decode()
    assert not any(enrolment.pseudonym in page for enrolment in by_arm.values())


def test_who_may_see_the_allocation_sees_them(study, by_arm, staff):
    address = reverse("admin:experiments_experiment_stalled", args=[study.pk])
    page = client_of(staff(study, "unblinded_analyst")).get(address).content.decode()
    assert by_arm["Twice, later"].pseudonym in page
    assert by_arm["Once"].pseudonym not in page


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", ["coordinator", "blinded_analyst"])
def test_no_page_names_an_arm_or_leads_to_the_outcomes(study, by_arm, staff, role, name):
    answer = client_of(staff(study, role)).get(reverse(f"admin:experiments_experiment_{name}", args=[study.pk]))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Once" not in page
    assert "Twice, later" not in page
    assert reverse("admin:experiments_experiment_outcomes_by_arm", args=[study.pk]) not in page


@pytest.mark.parametrize("role", ["coordinator", "blinded_analyst", "lead", "adjudicator"])
def test_outcomes_by_arm_are_not_for_them(study, staff, role):
    client = client_of(staff(study, role))
    address = reverse("admin:experiments_experiment_outcomes_by_arm", args=[study.pk])
    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 403


def test_times_and_checks_of_people_are_outcomes(study, by_arm, staff):
    address = reverse("admin:experiments_experiment_progress_participants", args=[study.pk])
    assert "1 min 30 s" in client_of(staff(study, "blinded_analyst")).get(address).content.decode()
    page = client_of(staff(study, "coordinator")).get(address).content.decode()
    assert "1 min 30 s" not in page
    assert "Checks passed" not in page


def test_what_all_arms_have_in_common(study, two_stage_study):
    assert common_stages(study) == 1
    assert common_stages(two_stage_study) == 2


def test_strangers_get_nothing(study, stranger):
    for name in (*PAGES, "outcomes_by_arm"):
        address = reverse(f"admin:experiments_experiment_{name}", args=[study.pk])
        assert client_of(stranger).get(address).status_code == 404


@pytest.mark.parametrize("role", BLINDED)
def test_who_went_on_with_a_second_reading_was_last_active_with_the_first(study, by_arm, staff, role):
    for review in reviews_of(by_arm["Twice, later"]):
        if review.stage_position == 2:
            backdate(Submission, "submitted_at", LONG_AGO, review__assignment=review.assignment)
            read(review)
    assert Enrolment.objects.get(pk=by_arm["Twice, later"].pk).status == "completed"
    page = client_of(staff(study, role)).get(
        reverse("admin:experiments_experiment_progress_participants", args=[study.pk])
    )
    first, second = (shown(page.content.decode(), enrolment) for enrolment in by_arm.values())
    assert first == second
