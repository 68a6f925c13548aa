import json

import pytest

from augmed.foundation.models import AuditEvent

pytestmark = pytest.mark.django_db
URL = "/api/v2/auth/me"


def test_shows_ones_own_profile_and_no_more(api, clinician):
    assert api(clinician).get(URL).json() == {
        "id": clinician.pk,
        "email": "clinician@example.org",
        "name": "Clinician",
        "position": "",
        "employer": "",
        "area_of_clinical_experience": "",
        "is_administrator": False,
        "is_data_staff": False,
    }


def test_shows_an_account_without_a_profile(api, clinician):
    clinician.profile.delete()
    assert api(clinician).get(URL).json()["name"] == ""


def test_changes_what_is_sent(api, clinician):
    response = api(clinician).patch(URL, {"position": "Oncologist"})
    assert response.status_code == 200
    assert response.json()["position"] == "Oncologist"
    assert response.json()["name"] == "Clinician"
    clinician.profile.refresh_from_db()
    assert clinician.profile.position == "Oncologist"


def test_the_audit_trail_learns_which_field_not_what(api, clinician):
    api(clinician).patch(URL, {"position": "Oncologist"})
    event = AuditEvent.objects.get(action="profile_changed")
    assert json.loads(event.data) == {"position": "changed"}


def test_no_change_is_no_event(api, clinician):
    api(clinician).patch(URL, {"name": "Clinician"})
    assert not AuditEvent.objects.filter(action="profile_changed").exists()


@pytest.mark.parametrize("field", ["email", "is_administrator", "is_data_staff", "intake", "token_epoch"])
def test_refuses_what_cannot_be_changed_here(api, clinician, field):
    response = api(clinician).patch(URL, {field: "x"})
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {field}


def test_refuses_a_value_that_is_too_long(api, clinician):
    assert set(api(clinician).patch(URL, {"name": "x" * 513}).json()["errors"]) == {"name"}


def test_needs_a_token(api, db):
    assert api().get(URL).status_code == 401
    assert api().patch(URL, {}).status_code == 401
