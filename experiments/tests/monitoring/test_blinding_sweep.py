"""What happens at a reading that not every arm has changes nothing of what blinded staff can open.

Everything is looked at before and after somebody opens, types, answers and completes a second reading, and is reminded
of it: each page of the administration that the person may open, each answer of the API."""
# ruff: noqa: F811  fixtures are asked for by their names

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from experiments.actions.drafts import save_draft
from experiments.actions.reminders import set_reminder_rule
from experiments.actions.reminding import settle
from experiments.actions.reviews import open_review
from experiments.models import Enrolment, Reminder, Review, Submission
from experiments.reminders.refusals import Word
from experiments.tests.monitoring.conftest import LONG_AGO, backdate, client_of, read, reviews_of
from experiments.tests.monitoring.test_blinding_of_pages import by_arm, study  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db

PAGES = ("progress", "progress_participants", "progress_cases", "stalled", "reminders", "change")
ANSWERS = ("", "/progress", "/progress/participants", "/progress/cases", "/participants")


def addresses(study, people):
    for name in PAGES:
        yield reverse(f"admin:experiments_experiment_{name}", args=[study.pk])
    for days in (0, 1, 30, 90):
        yield f"{reverse('admin:experiments_experiment_stalled', args=[study.pk])}?days={days}"
    yield from (reverse("admin:experiments_enrolment_change", args=[one.pk]) for one in people)
    for model in admin.site._registry:
        try:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        except NoReverseMatch:
            continue


def without_tokens(page):
    return re.sub(r'(csrfmiddlewaretoken" value=|"X-CSRFToken": )"\w+"', "", page)


def everything(person, study, people, api):
    """By address, status and text."""
    client, found = client_of(person), {}
    for address in addresses(study, people):
        answer = client.get(address)
        found[address] = (answer.status_code, without_tokens(answer.content.decode()))
    for tail in ANSWERS:
        address = f"/api/v2/experiments/{study.code}{tail}"
        answer = api(person).get(address)
        found[address] = (answer.status_code, json.dumps(answer.json(), sort_keys=True))
    return found


def second_reading(enrolment):
    """All that there is of it, and the mail that asked for it."""
    for review in reviews_of(enrolment):
        if review.stage_position == 1:
            backdate(Submission, "submitted_at", LONG_AGO, review=review)
    later = [review for review in reviews_of(enrolment) if review.stage_position == 2]
    for taken, word in ((timedelta(days=20), Word.MAILED), (timedelta(days=9), Word.NOT_SENT)):
        mail = Reminder.objects.create(enrolment=enrolment, cases_left=1, sent_at=timezone.now() - taken)
        settle(reminder=mail, word=word, why="the mail server refuses the address (550)")
    open_review(public_id=later[0].public_id, by=enrolment.user)
    save_draft(public_id=later[0].public_id, by=enrolment.user, typed=lambda _form: {"risk": "4"}, revision=0)
    for review in later:
        read(review)


@pytest.mark.parametrize("role", ["coordinator", "blinded_analyst", "lead"])
def test_a_later_reading_changes_nothing_that_blinded_staff_see(study, by_arm, staff, api, lead, role):
    set_reminder_rule(experiment=study, by=lead)
    person, enrolment = staff(study, role), by_arm["Twice, later"]
    before = everything(person, study, by_arm.values(), api)
    second_reading(enrolment)
    assert Enrolment.objects.get(pk=enrolment.pk).status == "completed"
    assert not Review.objects.filter(assignment__enrolment=enrolment).unanswered().exists()
    after = everything(person, study, by_arm.values(), api)
    assert sum(status == 200 for status, _text in after.values()) > len(PAGES)
    assert [address for address in before if before[address] != after[address]] == []


def test_who_may_see_the_allocation_sees_a_difference(study, by_arm, staff, api):
    """Else the test above could not fail."""
    person = staff(study, "unblinded_analyst")
    before = everything(person, study, by_arm.values(), api)
    second_reading(by_arm["Twice, later"])
    after = everything(person, study, by_arm.values(), api)
    changed = {address for address in before if before[address] != after[address]}
    assert reverse("admin:experiments_experiment_reminders", args=[study.pk]) in changed
    assert reverse("admin:experiments_enrolment_changelist") in changed
