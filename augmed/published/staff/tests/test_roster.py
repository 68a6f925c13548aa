"""The roster's routes: who is added, what is said of whom, and who may look."""

from __future__ import annotations

from typing import Any

import pytest

from augmed.foundation.models import AuditEvent
from participants.models import User

pytestmark = pytest.mark.django_db
PATHS = ("/api/admin/users", "/admin/users", "/api/admin/users/", "/admin/users/")


@pytest.mark.parametrize("path", PATHS)
def test_people_are_put_on_the_roster_and_set_their_passwords_themselves(
    api: Any, administrator: Any, path: str
) -> None:
    ada = {"email": "Ada@example.org", "name": "Ada", "position": "Physician", "area_of_clinical_ex": "Oncology"}
    response = api(administrator).post(path, {"users": [ada, {"email": "eve@example.org", "name": None}]})
    assert response.status_code == 201
    assert response.json() == {"data": {"Ada@example.org": "added", "eve@example.org": "added"}, "error": None}
    user = User.objects.get(email="ada@example.org")
    assert (user.profile.name, user.profile.position) == ("Ada", "Physician")
    assert user.profile.area_of_clinical_experience == "Oncology"
    assert not user.has_usable_password()
    event = AuditEvent.objects.get(action="roster_imported")
    assert event.actor == str(administrator.pk)
    assert "ada" not in event.data


def test_what_became_of_each_address_is_said_as_it_was_written(api: Any, administrator: Any, clinician: Any) -> None:
    written = ["Clinician@example.org", "new@example.org", "NEW@example.org", "new@example.org", "a@b@c.org"]
    found = api(administrator).post(PATHS[0], {"users": [{"email": text} for text in written]}).json()["data"]
    assert found["Clinician@example.org"] == "failed: already existed"
    assert found["new@example.org"] == "added"  # once, as its first mention says
    assert found["NEW@example.org"] == "failed: already existed"
    assert found["a@b@c.org"].startswith("failed: Enter a valid email")
    assert User.objects.filter(email="new@example.org").count() == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "users"),
        ([], "non_field_errors"),
        ({"users": []}, "users"),
        ({"users": "x"}, "users"),
        ({"users": ["x"]}, "users"),
        ({"users": [{"name": "Ada"}]}, "users.0.email"),
        ({"users": [{"email": "a@example.org"}, {"email": "no address"}]}, "users.1.email"),
        ({"users": [{"email": "a@example.org", "name": "\0"}]}, "users.0.name"),
        ({"users": [{"email": "a@example.org", "name": ["x"]}]}, "users.0.name"),
    ],
)
def test_a_body_of_another_form_is_refused_whole(api: Any, administrator: Any, body: Any, place: str) -> None:
    response = api(administrator).post(PATHS[0], body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, 400)
    assert response.json()["message"].startswith(place)
    assert User.objects.count() == 1


def test_the_list_has_the_contracts_fields(
    api: Any, administrator: Any, clinician: Any, django_assert_max_num_queries: Any
) -> None:
    api(administrator).post(PATHS[0], {"users": [{"email": f"p{at}@example.org"} for at in range(20)]})
    with django_assert_max_num_queries(2):
        people = api(administrator).get(PATHS[0]).json()["data"]["users"]
    assert len(people) == 22
    by_address = {person["email"]: person for person in people}
    assert by_address[clinician.email] == {
        "id": clinician.pk,
        "name": "Clinician",
        "email": clinician.email,
        "position": "",
        "employer": "",
        "area_of_clinical_ex": "",
        "active": True,
        "admin_flag": False,
    }
    assert by_address[administrator.email]["admin_flag"] is True
    assert by_address["p3@example.org"]["active"] is False  # has not signed up


@pytest.mark.parametrize("path", ["/api/admin/users/{}", "/admin/users/{}", "/admin/users/{}/"])
def test_one_account_is_seen_by_who_manages_accounts_and_by_its_owner(
    api: Any, administrator: Any, clinician: Any, other_clinician: Any, path: str
) -> None:
    for person in (administrator, clinician):
        response = api(person).get(path.format(clinician.pk))
        assert response.json()["data"] == {"name": "Clinician", "email": clinician.email}
    for person, key in ((other_clinician, clinician.pk), (administrator, 10**17), (administrator, 0)):
        response = api(person).get(path.format(key))
        assert response.status_code == 404
        assert response.json()["error"] == {"code": 404, "message": "There is no such person on the roster."}
    assert api().get(path.format(clinician.pk)).status_code == 401


def test_only_who_manages_accounts_may_list_or_add(api: Any, clinician: Any, data_staff: Any) -> None:
    for person in (clinician, data_staff):
        for response in (api(person).get(PATHS[1]), api(person).post(PATHS[1], {"users": []})):
            assert (response.status_code, response.json()["error"]["code"]) == (500, "1103")
    assert api().get(PATHS[0]).status_code == 401


def test_a_long_text_is_no_address_and_no_work(api: Any, administrator: Any) -> None:
    response = api(administrator).post(PATHS[0], {"users": [{"email": "@" * 10_000}] * 100})
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("users.0.email")
