"""How a reader stops reminders: by the link of a mail, by their mail program, or signed in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from experiments.models import Enrolment
from experiments.reminders.tokens import token_of
from experiments.tests.monitoring.conftest import client_of, joined

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment(one_arm):
    return joined(one_arm)


@pytest.fixture
def link(enrolment):
    return reverse("reminders_off", args=[token_of(enrolment)])


def are_off(enrolment):
    return Enrolment.objects.get(pk=enrolment.pk).reminders_off_at is not None


def test_looking_changes_nothing(enrolment, link):
    answer = Client().get(link)
    assert "Chest pain" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert not are_off(enrolment)


def test_the_button_stops_them_and_the_other_one_begins_again(enrolment, link):
    answer = Client().post(link, {"wanted": "no"})
    assert "You get no reminders" in answer.content.decode()
    assert are_off(enrolment)
    Client().post(link, {"wanted": "yes"})
    assert not are_off(enrolment)


def test_a_mail_program_stops_them_without_a_cookie(enrolment, link):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(link, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert are_off(enrolment)


def test_since_when_is_kept(enrolment, link):
    Client().post(link)
    first = Enrolment.objects.get(pk=enrolment.pk).reminders_off_at
    Client().post(link)
    assert Enrolment.objects.get(pk=enrolment.pk).reminders_off_at == first


@pytest.mark.parametrize("token", ["nonsense", "MQ:1abc:def", "x" * 500])
def test_another_link_is_unknown(enrolment, token):
    for send in (Client().get, Client().post):
        answer = send(reverse("reminders_off", args=[token]))
        assert answer.status_code == 404
        assert "Chest pain" not in answer.content.decode()


def test_a_link_made_for_something_else_is_unknown(enrolment):
    from django.core import signing

    assert Client().post(reverse("reminders_off", args=[signing.dumps(enrolment.pk)])).status_code == 404
    assert not are_off(enrolment)


def test_signed_in(enrolment, one_arm):
    client, address = client_of(enrolment.user), reverse("study_reminders", args=[one_arm.code])
    assert "Send me no reminders" in client.get(address).content.decode()
    assert client.post(address, {"wanted": "no"}).status_code == 302
    assert are_off(enrolment)
    assert "Remind me again" in client.get(address).content.decode()


def test_signed_in_it_needs_the_token_of_the_form(enrolment, one_arm):
    client = Client(enforce_csrf_checks=True)
    client.force_login(enrolment.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse("study_reminders", args=[one_arm.code]), {"wanted": "no"}).status_code == 403
    assert not are_off(enrolment)


def test_others_have_no_such_page(enrolment, one_arm, other_clinician):
    address = reverse("study_reminders", args=[one_arm.code])
    assert client_of(other_clinician).post(address, {"wanted": "no"}).status_code == 404
    assert Client().post(address).status_code == 302
    assert not are_off(enrolment)
