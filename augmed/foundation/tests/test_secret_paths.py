"""No address that is a secret reaches the log, also where no view of ours is asked."""

from __future__ import annotations

import pytest
from django.test import Client

from augmed.foundation.secret_paths import shortened

SECRET = "Zx81-this-is-a-secret"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("DEBUG", "django")
    return caplog


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", [f"/invitation/{SECRET}/", f"/reset-password/MQ/{SECRET}/", f"/reset-password/{SECRET}"]
)
def test_a_refusal_against_forgery(logged: pytest.LogCaptureFixture, path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path, {"password": "x"})
    assert answer.status_code == 403
    assert "Forbidden" in logged.text
    assert SECRET not in logged.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        f"/look/{SECRET}/nothing/",
        f"/look/{SECRET}/a/b/c/d/",
        f"/reminders/{SECRET}/more/",
        f"/invitation/{SECRET}/more/",
        f"/reset-password/a/{SECRET}/b/",
        f"/Look/{SECRET}/",
        f"/api/v2/invitation/{SECRET}",
    ],
)
def test_an_address_where_nothing_is(logged: pytest.LogCaptureFixture, path: str) -> None:
    assert Client().get(path).status_code == 404
    assert "Not Found: " in logged.text
    assert SECRET not in logged.text


@pytest.mark.django_db
def test_other_paths_are_logged_whole(logged: pytest.LogCaptureFixture) -> None:
    Client().get("/nothing/here/")
    assert "Not Found: /nothing/here/" in logged.text


def test_what_is_left_says_which_page_it_was() -> None:
    assert shortened(f"/look/{SECRET}/consent/") == "/look/..."
    assert shortened(f"/below/reminders/{SECRET}\n/more") == "/below/reminders/..."
    assert shortened("/studies/exp-0123456789ab/reminders/") == "/studies/exp-0123456789ab/reminders/"
