"""Under /api/ every answer is JSON in the error format of its contract, whatever goes wrong and wherever."""

from __future__ import annotations

import pytest
from django.test import Client

from participants.tokens import access_token_for

pytestmark = pytest.mark.django_db


def is_problem(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "code", "detail", "errors"}
    assert body["status"] == status
    return body


@pytest.mark.parametrize("path", ["/api/v2", "/api/v2/", "/api/v2/nothing", "/api/v2/reviews/no-id"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_an_unknown_address_is_a_problem_and_no_redirect(client, path, method):
    is_problem(getattr(client, method)(path), 404)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/v1/nothing", "/api/v3/x/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_beside_v2_an_unknown_address_is_the_published_contracts_error(client, path, method):
    answer = getattr(client, method)(path)
    assert answer.status_code == 404
    body = answer.json()
    assert body["data"] is None
    assert body["error"] == {"code": 404, "message": body["message"]}


@pytest.mark.parametrize("debug", [True, False])
def test_neither_debug_nor_its_absence_brings_html(client, settings, debug):
    settings.DEBUG = debug
    is_problem(client.get("/api/v2/nothing"), 404)


def test_outside_the_api_an_unknown_address_stays_a_page(client):
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_a_fault_of_ours_is_a_problem(api, clinician, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("experiments.api.participant.studies.OwnStudiesViewSet.get_queryset", fail)
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {access_token_for(clinician)}"})
    body = is_problem(client.get("/api/v2/studies"), 500)
    assert "secret" not in str(body)


def test_an_unknown_host_is_a_problem(client):
    is_problem(client.get("/api/v2/studies", headers={"host": "elsewhere.example.org"}), 400)


def test_without_a_token_one_is_asked_for(client):
    answer = client.get("/api/v2/reviews")
    is_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", ""])
def test_a_bad_token_is_a_401(client, token):
    is_problem(client.get("/api/v2/reviews", headers={"authorization": f"Bearer {token}"}), 401)


def test_an_unknown_method_is_a_405(api, clinician):
    answer = api(clinician).delete("/api/v2/reviews")
    is_problem(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_what_is_no_json_is_a_400(api, clinician):
    answer = api(clinician).post("/api/v2/experiments", b"{", content_type="application/json")
    assert answer.status_code in {400, 403}
    root = api(type(clinician).objects.create_superuser("root@example.org", "a long Passphrase 1!"))
    is_problem(root.post("/api/v2/experiments", b"{", content_type="application/json"), 400)
    is_problem(root.post("/api/v2/experiments", b"name=x", content_type="application/x-www-form-urlencoded"), 415)
    is_problem(root.post("/api/v2/experiments", b"[]", content_type="application/json"), 422)


@pytest.mark.parametrize("name", ["\x00", "\ud800"])
def test_text_that_no_database_holds_is_refused(api, administrator, name):
    import json

    body = json.dumps({"name": f"Study {name}"})
    is_problem(api(administrator).post("/api/v2/experiments", body, content_type="application/json"), 422)


def test_whoever_wants_html_gets_a_problem(api, clinician):
    is_problem(api(clinician).get("/api/v2/reviews", headers={"accept": "text/html"}), 406)


def test_the_healthcheck_needs_no_account(client):
    for path in ("/api/healthcheck", "/api/healthcheck/"):
        assert client.get(path).json()["status"] == "OK"


@pytest.mark.parametrize("body", ["[" * 50_000, '{"email":' * 5_000, '{"email": NaN}'])
def test_json_that_cannot_be_read_is_a_bad_request(body):
    client = Client(raise_request_exception=False)
    is_problem(client.post("/api/v2/auth/token", body, content_type="application/json"), 400)


def test_a_field_that_cannot_be_named_is_named_nearly(clinician):
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {access_token_for(clinician)}"})
    answer = client.patch("/api/v2/auth/me", '{"\\ud800": "x"}', content_type="application/json")
    assert list(is_problem(answer, 422)["errors"]) == ["?"]


@pytest.mark.parametrize("cursor", ["cD1hYmM=", "cj0xJnA9YWJj"])  # p=abc, r=1&p=abc
@pytest.mark.parametrize("path", ["/api/v2/reviews", "/api/v2/experiments"])
def test_a_made_up_cursor_is_not_found(clinician, path, cursor):
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {access_token_for(clinician)}"})
    is_problem(client.get(path, {"cursor": cursor}), 404)


@pytest.mark.parametrize("path", ["/admin/users", "/admin/config/upload", "/api/cases"])
def test_an_unknown_host_is_the_published_contracts_error_at_its_addresses(client, path):
    answer = client.get(path, headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400


def test_a_fault_of_ours_at_the_contracts_own_addresses_is_its_error(administrator, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("augmed.published.staff.roster._people_json", fail)
    token = access_token_for(administrator)
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})
    answer = client.get("/admin/users")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, 500)
    assert "secret" not in answer.content.decode()
