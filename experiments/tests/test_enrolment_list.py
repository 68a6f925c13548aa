"""The list of participants in the admin: who is on it at first, and the invitation that goes out from it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from experiments.actions.lifecycle import amend
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import source_key
from experiments.models import Enrolment, EnrolmentEvent, Experiment
from participants.models import Profile, User

pytestmark = pytest.mark.django_db
LIST = reverse("admin:experiments_enrolment_changelist")


@pytest.fixture
def page(lead: Any) -> Client:
    client = Client()
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def practising(enrolled: Enrolment) -> Enrolment:
    made = Enrolment.objects.create(
        experiment=enrolled.experiment, user=enrolled.user, kind=Enrolment.Kind.TRAINING, status=enrolled.status
    )
    EnrolmentEvent.objects.create(enrolment=made, status=made.status, by=None)
    return made


def test_it_begins_with_those_who_count_and_a_link_to_the_others(
    page: Client, enrolled: Enrolment, practising: Enrolment
) -> None:
    shown = page.get(LIST).content.decode()
    assert enrolled.pseudonym in shown
    assert practising.pseudonym not in shown
    assert 'href="?kind__exact=all"' in shown
    everybody = page.get(LIST, {"kind__exact": "all"}).content.decode()
    assert {enrolled.pseudonym in everybody, practising.pseudonym in everybody} == {True}
    training = page.get(LIST, {"kind__exact": "training"}).content.decode()
    assert practising.pseudonym in training
    assert enrolled.pseudonym not in training


def test_an_invitation_from_it_names_the_study_in_the_readers_language(
    page: Client, study: Experiment, enrolled: Enrolment, django_capture_on_commit_callbacks: Any
) -> None:
    User.objects.filter(pk=enrolled.user_id).update(password="!")
    Profile.objects.filter(user=enrolled.user_id).update(language="de")
    set_languages(experiment=study, languages=["en", "de"], by=None)
    texts = {source_key(study.name): "Studie zum Risiko"}
    set_translations(experiment=study, language="de", texts=texts, by=None)
    confirmed = {"person_more_than_once", "later_stage_hides", "missing_translations"}
    amend(experiment=study, by=None, reason="In German.", confirmed=confirmed)
    with django_capture_on_commit_callbacks(execute=True):
        page.post(LIST, {"action": "invite_chosen", "_selected_action": [enrolled.pk]})
    assert "Studie zum Risiko" in mail.outbox[-1].body
