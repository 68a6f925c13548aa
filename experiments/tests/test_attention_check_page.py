"""The admin page of a study's attention check."""

from __future__ import annotations

import pytest
from django.urls import reverse

from experiments.actions.attention_checks import set_attention_check
from experiments.actions.lifecycle import activate, complete
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role
from experiments.attention import CHECK_KEY
from experiments.models import AttentionCheck, Submission
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of
from experiments.tests.test_attention_checks import ANSWERS

POSTED = {"every": "3", "place": "", "text": "Take 'right'.", "options": "left\r\nright", "right_answer": "right"}


def address(experiment, name="attention_check"):
    return reverse(f"admin:experiments_experiment_{name}", args=[experiment.pk])


def test_the_lead_sets_it(study, lead):
    client = client_of(lead)
    shown = client.get(address(study))
    assert "Version 1 is asked once in every 10 cases" in shown.content.decode()
    answer = client.post(address(study), POSTED, follow=True)
    check = AttentionCheck.objects.current(study)
    assert (check.number, check.every, check.place, check.options) == (2, 3, None, ["left", "right"])
    assert "takes effect with the next amendment" in answer.content.decode()


def test_it_is_switched_off_by_an_empty_field(draft, lead):
    client_of(lead).post(address(draft), {**POSTED, "every": ""})
    assert AttentionCheck.objects.current(draft).every is None
    assert "No check is asked now." in client_of(lead).get(address(draft)).content.decode()


@pytest.mark.parametrize("wrong", [{"every": "0"}, {"right_answer": "up"}, {"options": "left"}, {"text": ""}])
def test_what_is_refused_stays_on_the_page_with_the_reason(draft, lead, wrong):
    answer = client_of(lead).post(address(draft), {**POSTED, **wrong})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert "left" in answer.content.decode()
    assert AttentionCheck.objects.current(draft).number == 1


@pytest.mark.parametrize(
    ("role", "sees_results"), [("coordinator", False), ("blinded_analyst", True), ("adjudicator", False)]
)
def test_others_of_the_study_read_it(study, enrolled, stranger, role, sees_results):
    grant_role(user=stranger, experiment=study, role=role, by=None)
    client = client_of(stranger)
    page = client.get(address(study))
    assert page.status_code == 200
    assert "All of the above (right)" in page.content.decode()
    assert ("By participant" in page.content.decode()) is sees_results
    assert client.post(address(study), POSTED).status_code == 403


def test_for_strangers_there_is_no_such_page(study, stranger):
    assert client_of(stranger).get(address(study)).status_code == 404


def test_a_completed_study_keeps_it(study, lead):
    complete(experiment=study, by=lead, reason="done")
    assert client_of(lead).post(address(study), POSTED).status_code == 403


@pytest.fixture
def answered(lead, clinician):
    """A study whose every case asks a check; of the clinician's two, the first was failed."""
    study = factories.make_study(by=lead, active=False, cases=2, arms={"Only": [factories.show("age")]})
    set_attention_check(experiment=study, by=lead, every=1)
    activate(experiment=study, by=lead)
    factories.make_enrolment(study, clinician)
    for review, chosen in zip(own_reviews(clinician), ("I prefer not to answer", "All of the above"), strict=True):
        open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers={**ANSWERS, CHECK_KEY: chosen}, by=clinician)
    return study


def test_results_are_by_participant_in_as_many_statements_for_few_as_for_many(
    answered, lead, django_assert_max_num_queries
):
    client = client_of(lead)
    pseudonym = answered.enrolments.get().pseudonym
    for people in (0, 30):
        for _ in range(people):
            factories.make_enrolment(answered)
        with django_assert_max_num_queries(16):
            page = client.get(address(answered)).content.decode()
    row = page[page.index(pseudonym) :].split("</tr>")[0]
    assert '<td class="number">2</td><td class="number">1</td>' in row


def test_a_submission_shows_how_its_check_was_answered(answered, make_user):
    analyst = make_user("analyst@example.org", is_staff=True)
    grant_role(user=analyst, experiment=answered, role="unblinded_analyst", by=None)
    first = Submission.objects.order_by("pk").first()
    page = client_of(analyst).get(reverse("admin:experiments_submission_change", args=[first.pk]))
    assert "version 2, failed: I prefer not to answer" in page.content.decode()


def test_activation_and_amendment_say_what_would_be_asked(draft, study, lead):
    client = client_of(lead)
    set_attention_check(experiment=draft, by=lead, every=2, place=1)
    page = client.get(address(draft, "activate")).content.decode()
    assert "once in every 2 cases, as question 1" in page
    assert "is asked 2 times" in page
    set_attention_check(experiment=study, by=lead, every=None)
    assert "none is asked" in client.get(address(study, "amend")).content.decode()
