import pytest
from django.urls import reverse

from augmed.foundation.models import AuditEvent

pytestmark = pytest.mark.django_db
URL = "/api/v2/auth/sign-out-everywhere"


def test_ends_this_token_too(api, clinician):
    client = api(clinician)
    assert client.post(URL).status_code == 204
    assert client.post(URL).status_code == 401
    assert AuditEvent.objects.filter(action="signed_out_everywhere", actor=str(clinician.pk)).count() == 1


def test_ends_admin_sessions(api, client, administrator):
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("admin:index")).status_code == 200
    api(administrator).post(URL)
    assert client.get(reverse("admin:index")).status_code == 302


def test_leaves_others_alone(api, clinician, other_clinician):
    other = api(other_clinician)
    api(clinician).post(URL)
    assert other.get("/api/v2/auth/me").status_code == 200


def test_needs_a_token(api, db):
    assert api().post(URL).status_code == 401
