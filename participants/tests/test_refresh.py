from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from augmed.foundation.models import AuditEvent
from participants import actions
from participants.models import TokenFamily
from participants.tests.conftest import PASSWORD
from participants.tokens import access_token_for

pytestmark = pytest.mark.django_db
URL = "/api/v2/auth/token/refresh"


@pytest.fixture
def pair(api, clinician):
    return api().post("/api/v2/auth/token", {"email": clinician.email, "password": PASSWORD}).json()


def refresh(api, token):
    return api().post(URL, {"refresh": token})


def test_gives_a_new_pair(api, pair):
    response = refresh(api, pair["refresh"])
    assert response.status_code == 200
    assert response.json()["refresh"] != pair["refresh"]
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['access']}")
    assert client.get("/api/v2/auth/me").status_code == 200
    assert refresh(api, response.json()["refresh"]).status_code == 200


def test_again_within_the_grace_gives_a_pair_again(api, pair, clock):
    assert refresh(api, pair["refresh"]).status_code == 200
    clock.forward(seconds=29)
    again = refresh(api, pair["refresh"])
    assert again.status_code == 200
    assert refresh(api, again.json()["refresh"]).status_code == 200


def test_later_reuse_ends_the_whole_log_in(api, pair, clock):
    newer = refresh(api, pair["refresh"]).json()
    clock.forward(seconds=31)
    stolen = refresh(api, pair["refresh"])
    assert stolen.status_code == 401
    assert "used before" in stolen.json()["detail"]
    assert refresh(api, newer["refresh"]).status_code == 401
    family = TokenFamily.objects.get()
    assert family.revoked_because == "refresh token used again"
    assert AuditEvent.objects.filter(action="log_in_revoked").count() == 1


def test_another_log_in_of_the_same_person_goes_on(api, clinician, pair, clock):
    other = api().post("/api/v2/auth/token", {"email": clinician.email, "password": PASSWORD}).json()
    refresh(api, pair["refresh"])
    clock.forward(seconds=31)
    refresh(api, pair["refresh"])
    assert refresh(api, other["refresh"]).status_code == 200


def test_sliding_renewal_never_goes_beyond_the_log_ins_life(api, pair, clock, settings):
    end = TokenFamily.objects.get().expires_at
    token = pair["refresh"]
    for _ in range(11):
        clock.forward(hours=1)
        answer = refresh(api, token).json()
        token = answer["refresh"]
        assert RefreshToken(token, verify=False)["exp"] == int(end.timestamp())
    clock.forward(minutes=55)
    answer = refresh(api, token).json()
    assert AccessToken(answer["access"], verify=False)["exp"] <= int(end.timestamp())
    clock.forward(minutes=6)
    assert refresh(api, answer["refresh"]).status_code == 401


@pytest.mark.parametrize(
    "end",
    [
        lambda user: actions.deactivate(user=user, by=None),
        lambda user: actions.sign_out_everywhere(user=user, by=None),
        lambda user: actions.change_global_role(user=user, is_superuser=False, is_data_staff=True, by=None),
        lambda user: actions.change_password(user=user, password="quite another Passphrase 9", by=None),
        lambda user: actions.change_address(user=user, email="new@example.org", by=None),
    ],
)
def test_what_raises_the_epoch_ends_access_and_refresh_at_once(api, clinician, pair, end):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.get("/api/v2/auth/me").status_code == 200
    end(clinician)
    assert client.get("/api/v2/auth/me").status_code == 401
    assert refresh(api, pair["refresh"]).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_nonsense_is_refused(api, db, token):
    assert refresh(api, token).status_code == (401 if token else 422)


def test_an_access_token_is_no_refresh_token(api, clinician, pair):
    assert refresh(api, pair["access"]).status_code == 401


def test_a_refresh_token_is_no_access_token(api, pair):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['refresh']}")
    assert client.get("/api/v2/auth/me").status_code == 401


def test_an_expired_access_token_is_401(api, clinician):
    token = AccessToken(access_token_for(clinician))
    token.set_exp(lifetime=timedelta(seconds=-1))
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    response = client.get("/api/v2/auth/me")
    assert response.status_code == 401
    assert response.json()["code"] == "token_not_valid"


def test_a_token_signed_by_another_key_is_401(api, clinician, settings):
    import jwt

    forged = jwt.encode(
        AccessToken(access_token_for(clinician)).payload, "another key of at least thirty-two bytes", algorithm="HS256"
    )
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {forged}")
    assert client.get("/api/v2/auth/me").status_code == 401


def test_authentication_is_one_query(api, clinician, django_assert_num_queries):
    client = api(clinician)
    with django_assert_num_queries(2):  # the account, and the profile that the answer shows
        assert client.get("/api/v2/auth/me").status_code == 200
