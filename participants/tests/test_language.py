"""Which language a page is in, and that a choice is kept where it was made and with the account."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from augmed.foundation.errors import Invalid
from participants.actions.languages import choose_language
from participants.language import speaking_to, speaks_english
from participants.mail import send_password_reset
from participants.models import Profile

SIGN_IN, CHOICE = "/sign-in/", "/language/"


def language_of(answer):
    return answer.headers["Content-Language"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("de-AT,de;q=0.9", "de"), ("fr", "fr"), ("es-MX", "es"), ("it,en;q=0.5", "en"), ("it", "en"), ("", "en")],
)
def test_a_stranger_has_the_language_of_the_browser(db, asked, given):
    answer = Client().get(SIGN_IN, headers={"accept-language": asked})
    assert language_of(answer) == given
    assert f'<html lang="{given}">' in answer.content.decode()
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_choice_on_this_device_goes_before_the_browser(db):
    client = Client(headers={"accept-language": "fr"})
    chosen = client.post(CHOICE, {"language": "de", "next": SIGN_IN})
    assert (chosen.status_code, chosen.headers["Location"]) == (302, SIGN_IN)
    assert language_of(client.get(SIGN_IN)) == "de"
    cookie = client.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_the_choice_of_an_account_is_kept_with_it_and_goes_first(clinician):
    client = Client(headers={"accept-language": "fr"})
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    client.post(CHOICE, {"language": "es", "next": "/account/"})
    assert Profile.objects.get(user=clinician).language == "es"
    elsewhere = Client(headers={"accept-language": "fr"})
    elsewhere.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    elsewhere.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    assert language_of(elsewhere.get("/account/")) == "es"


def test_an_account_that_never_chose_reads_as_the_browser_asks(clinician):
    client = Client(headers={"accept-language": "fr"})
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    assert language_of(client.get("/account/")) == "fr"


@pytest.mark.parametrize("wrong", ["it", "", "xx", "de'--"])
def test_a_language_that_is_not_offered_changes_nothing(clinician, wrong):
    client = Client()
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    client.post(CHOICE, {"language": wrong, "next": "/account/"})
    assert Profile.objects.get(user=clinician).language == ""
    assert language_of(client.get("/account/")) == "en"


def test_a_link_changes_no_language(clinician):
    client = Client()
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    client.get(CHOICE, {"language": "de", "next": "/account/"})
    assert Profile.objects.get(user=clinician).language == ""


def test_the_way_back_stays_on_this_server(db):
    chosen = Client().post(CHOICE, {"language": "de", "next": "https://elsewhere.example/"})
    assert chosen.headers["Location"] == "/"


@pytest.mark.parametrize("path", [f"/{settings.ADMIN_PATH}", "/api/v2/me/", "/api/healthcheck"])
def test_the_administration_and_the_apis_speak_english(administrator, path):
    Profile.objects.filter(user=administrator).update(language="de")
    client = Client(headers={"accept-language": "de"})
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(path)
    assert "Content-Language" not in answer.headers
    assert answer.wsgi_request.LANGUAGE_CODE == "en"


def test_the_page_for_a_new_password_is_translated_wherever_it_stands():
    assert not speaks_english(reverse("admin_password_reset"))


@pytest.mark.parametrize(("own", "otherwise", "spoken"), [("fr", "de", "fr"), ("", "de", "de"), ("xx", "it", "en")])
def test_a_mail_is_in_the_language_of_who_gets_it(clinician, own, otherwise, spoken):
    Profile.objects.filter(user=clinician).update(language=own)
    with translation.override("es"):
        with speaking_to(clinician, otherwise=otherwise):
            assert translation.get_language() == spoken
        assert translation.get_language() == "es"


def test_a_choice_is_taken_back_or_refused(clinician):
    choose_language(language="de", by=clinician)
    choose_language(language="", by=clinician)
    assert Profile.objects.get(user=clinician).language == ""
    with pytest.raises(Invalid):
        choose_language(language="xx", by=clinician)


def test_the_language_of_an_account_costs_one_statement(clinician, django_assert_max_num_queries):
    client = Client()
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    with django_assert_max_num_queries(3):  # session, account, language
        client.get(reverse("set_language"))


def test_a_link_by_mail_is_in_the_language_of_who_gets_it(clinician, mailoutbox):
    choose_language(language="de", by=clinician)
    with translation.override("fr"):  # of the page on which it was asked for
        send_password_reset(email=clinician.email)
    [mail] = mailoutbox
    assert mail.subject == "Neues Passwort festlegen"
    assert mail.body.startswith("Guten Tag Clinician,")
    assert "Der Link gilt einmal, 48 Stunden lang." in mail.body


def test_a_mail_to_who_never_chose_is_in_english(clinician, mailoutbox):
    with translation.override("de"):
        send_password_reset(email=clinician.email)
    assert mailoutbox[0].subject == "Set a new password"
