"""What a token or a key is worth at a view of the contract: here one of a participant's, and one of staff's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import AccessToken

from augmed.foundation.errors import Conflict
from augmed.foundation.permissions import SignedIn, Verb
from augmed.published.accounts.tests.conftest import LOG_IN, refusal, said
from augmed.published.base import PublishedView, answer
from augmed.urls import urlpatterns as project
from participants import actions
from participants.authentication import STAFF_AUTHENTICATION
from participants.tests.conftest import PASSWORD
from participants.tokens import access_token_for

THEIRS, STAFFS = "/api/theirs", "/api/v1/staffs"


class TheirsView(PublishedView):
    permission_classes = [SignedIn]

    def get(self, request: Request) -> Response:
        return answer(request.user.email)

    def post(self, request: Request) -> Response:
        raise Conflict("Not now.")

    def put(self, request: Request) -> Response:
        raise ZeroDivisionError


class StaffsView(TheirsView):
    authentication_classes = STAFF_AUTHENTICATION


urlpatterns = [path(THEIRS[1:], TheirsView.as_view()), path(STAFFS[1:], StaffsView.as_view()), *project]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def carried(response):
    return response.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def get(api):
    def send(token=None, path=THEIRS, **headers):
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return api().get(path, headers=headers)

    return send


@pytest.fixture
def token(post, clinician):
    return carried(post(LOG_IN, email=clinician.email, password=PASSWORD))


class TestSlidingToken:
    @pytest.fixture(autouse=True)
    def _idle_limit(self, settings):
        settings.SLIDING_LIFETIME = timedelta(minutes=120)

    def test_each_success_carries_the_next(self, get, token, clinician):
        response = get(token)
        assert response.json() == {"data": clinician.email, "error": None}
        assert get(carried(response)).status_code == 200

    def test_use_in_the_last_minute_gives_the_full_time_again(self, get, token):
        next_one = AccessToken(carried(get(at(token, -119))))
        assert next_one["exp"] - timezone.now().timestamp() > 119 * 60

    def test_none_outlives_the_log_in(self, get, token, clock):
        until = AccessToken(token)["slides_until"]
        clock.forward(hours=11, minutes=30)  # for the server; the token itself is judged by its signature's clock
        assert AccessToken(carried(get(token)))["exp"] == until

    def test_idle_too_long_is_401(self, get, token):
        response = get(at(token, -121))
        assert refusal(response) == (401, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        "end",
        [
            lambda user: actions.deactivate(user=user, by=None),
            lambda user: actions.sign_out_everywhere(user=user, by=user),
            lambda user: actions.change_password(user=user, password="yet another Passphrase 3!", by=user),
        ],
    )
    def test_ends_with_the_access(self, get, token, clinician, end):
        end(clinician)
        assert refusal(get(token)) == (401, 401)

    @pytest.mark.parametrize("odd", ["", "x", "a.b.c", "é", "null", "undefined"])
    def test_every_problem_with_a_token_is_401(self, get, db, odd):
        assert get(odd).status_code == 401
        assert get(odd, path=STAFFS).status_code == 401

    def test_a_refusal_carries_no_token(self, api, token):
        response = api().post(THEIRS, headers={"Authorization": f"Bearer {token}"})
        assert refusal(response) == (500, "1100")
        assert "Authorization" not in response.headers

    def test_an_access_token_of_the_other_api_works_and_does_not_slide(self, get, clinician):
        response = get(access_token_for(clinician))
        assert response.status_code == 200
        assert "Authorization" not in response.headers

    def test_is_checked_by_one_query(self, get, token, django_assert_num_queries):
        with django_assert_num_queries(1):
            get(token)


class TestKey:
    @pytest.fixture
    def secret(self, owner):
        expires = timezone.now() + timedelta(days=1)
        made = actions.create_api_key(owner=owner, label="x", scopes=[Verb.EXPORT], expires_at=expires, by=owner)
        return made.secret

    def test_opens_staffs_views_and_carries_no_token(self, get, secret, owner):
        response = get(path=STAFFS, **{"X-API-Key": secret})
        assert response.json()["data"] == owner.email
        assert "Authorization" not in response.headers

    def test_opens_no_other(self, get, secret):
        assert get(path=THEIRS, **{"X-API-Key": secret}).status_code == 401
        assert get(path="/api/v2/auth/me", **{"X-API-Key": secret}).status_code == 401

    @pytest.mark.parametrize("headers", [{}, {"X-API-Key": ""}, {"X-API-Key": "wrong"}])
    def test_missing_and_wrong_are_told_alike(self, get, secret, headers):
        response = get(path=STAFFS, **headers)
        assert refusal(response) == (401, 401)
        assert said(response) == "Invalid or missing API key"

    def test_a_token_opens_staffs_views_too_and_slides(self, get, token, clinician):
        response = get(token, path=STAFFS)
        assert response.json()["data"] == clinician.email
        assert get(carried(response)).status_code == 200


def at(token, minutes):
    """The same token, had it been given out so many minutes from now."""
    claims = AccessToken(token, verify=False)
    moved = AccessToken()
    moved.payload.update(claims.payload)
    moved["exp"] = min(claims["exp"] + minutes * 60, claims["slides_until"])
    return str(moved)


class TestLog:
    """Django logs every 500 as a fault, but here most are refusals."""

    def asked(self, api, token, method, caplog):
        client = api()
        client.raise_request_exception = False
        with caplog.at_level("WARNING", logger="django.request"):
            response = getattr(client, method)(THEIRS, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 500
        return [record.levelname for record in caplog.records if record.name == "django.request"]

    def test_a_refusal_is_not_logged_as_a_fault(self, api, token, caplog):
        assert self.asked(api, token, "post", caplog) == []

    def test_a_fault_is(self, api, token, caplog):
        assert self.asked(api, token, "put", caplog) == ["ERROR"]
