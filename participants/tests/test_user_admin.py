from __future__ import annotations

import json

import pytest
from django.core import mail
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from participants.models import Invitation, User
from participants.tests.conftest import NEW_PASSWORD

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("admin:participants_user_changelist"), reverse("admin:participants_user_add")
INLINE = {
    "profile-TOTAL_FORMS": "1",
    "profile-INITIAL_FORMS": "0",
    "profile-MIN_NUM_FORMS": "0",
    "profile-MAX_NUM_FORMS": "1",
    "profile-0-intake": "{}",
}


@pytest.fixture
def staff(client, administrator):
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    return client


def change_url(user):
    return reverse("admin:participants_user_change", args=[user.pk])


def change(client, user, **fields):
    roles = {name: "on" for name in ("is_superuser", "is_data_staff", "is_staff") if getattr(user, name)}
    profile = {"profile-INITIAL_FORMS": "1", "profile-0-id": str(user.profile.pk), "profile-0-user": str(user.pk)}
    body = {"email": user.email, **roles, **INLINE, **profile, "profile-0-name": user.profile.name, **fields}
    return client.post(
        change_url(user), {name: value for name, value in body.items() if value is not None}, follow=True
    )


def act(client, action, *users):
    return client.post(LIST, {"action": action, "_selected_action": [user.pk for user in users]}, follow=True)


@pytest.mark.parametrize("who", ["data_staff", "owner", "clinician"])
def test_nobody_else_comes_in(client, request, administrator, who):
    user = request.getfixturevalue(who)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    expected = 403 if user.is_staff else 302
    for url in (LIST, ADD, change_url(administrator)):
        assert client.get(url).status_code in {expected, 404 if user.is_staff else 302}
    act(client, "deactivate", administrator)
    administrator.refresh_from_db()
    assert administrator.is_active


def test_no_page_shows_a_password_hash(staff, administrator):
    administrator.refresh_from_db()
    for url in (LIST, change_url(administrator)):
        page = staff.get(url).content.decode()
        assert administrator.password not in page
        assert "md5$" not in page


def test_the_list_costs_the_same_for_many(staff, make_user, django_assert_max_num_queries):
    staff.get(LIST)
    for number in range(30):
        make_user(f"p{number}@example.org")
    with django_assert_max_num_queries(10):
        staff.get(LIST)


def test_adding_without_a_password_invites(staff, django_capture_on_commit_callbacks):
    body = {"email": "New@example.org", "is_data_staff": "on", **INLINE, "profile-0-name": "New"}
    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post(ADD, body)
    assert response.status_code == 302, response.context["adminform"].form.errors
    user = User.objects.get(email="new@example.org")
    assert (user.is_data_staff, user.is_staff, user.is_superuser) == (True, True, False)
    assert user.profile.name == "New"
    assert [message.to for message in mail.outbox] == [["new@example.org"]]
    assert "invited until" in staff.get(LIST).content.decode()


def test_adding_with_a_password_does_not(staff):
    body = {"email": "new@example.org", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, **INLINE}
    assert staff.post(ADD, body).status_code == 302
    assert User.objects.get(email="new@example.org").check_password(NEW_PASSWORD)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"email": "Administrator@example.org"}, "This address has an account."),
        ({"email": "nonsense"}, "valid email"),
        ({"email": "a@b.org", "password1": "x", "password2": "y"}, "differ"),
        ({"email": "a@b.org", "password1": "12345678901", "password2": "12345678901"}, "entirely numeric"),
        ({"email": "a@b.org", "profile-0-intake": "[1]", "profile-0-name": "x"}, "by name"),
    ],
)
def test_what_is_wrong_is_said(staff, fields, message):
    response = staff.post(ADD, {**INLINE, **fields})
    assert response.status_code == 200
    assert message in response.content.decode()
    assert User.objects.count() == 1


def test_changing_the_role_is_audited_and_ends_tokens(staff, api, clinician, administrator):
    client = api(clinician)
    change(staff, clinician, is_data_staff="on")
    event = AuditEvent.objects.get(action="global_role_changed")
    assert (event.actor, event.target_id) == (str(administrator.pk), str(clinician.pk))
    assert json.loads(event.data) == {"is_data_staff": True, "is_staff": True}
    assert client.get("/api/v2/auth/me").status_code == 401


def test_changing_the_profile_is_audited_by_field(staff, clinician):
    change(staff, clinician, **{"profile-0-name": "Somebody", "profile-0-intake": '{"years": "3"}'})
    clinician.profile.refresh_from_db()
    assert (clinician.profile.name, clinician.profile.intake) == ("Somebody", {"years": "3"})
    event = AuditEvent.objects.get(action="profile_changed")
    assert json.loads(event.data) == {"intake": "changed", "name": "changed"}


def test_changing_the_address(staff, clinician):
    change(staff, clinician, email="Fresh@example.org")
    clinician.refresh_from_db()
    assert clinician.email == "fresh@example.org"
    assert AuditEvent.objects.filter(action="address_changed").count() == 1


def test_saving_unchanged_records_nothing(staff, clinician):
    before = AuditEvent.objects.count()
    assert change(staff, clinician).status_code == 200
    assert AuditEvent.objects.count() == before


def test_the_last_administrator_stays_and_the_page_says_why(staff, administrator):
    response = change(staff, administrator, is_superuser=None)
    assert "last active administrator" in response.content.decode()
    administrator.refresh_from_db()
    assert administrator.is_superuser


def test_actions_on_many_report_each_refusal(staff, clinician, invitee):
    response = act(staff, "send_invitation", clinician, invitee)
    page = response.content.decode()
    assert "1 invitations are on their way" in page
    assert "Not done for clinician@example.org: The person has set a password already." in page


def test_deactivate_reactivate_and_sign_out(staff, api, clinician):
    client = api(clinician)
    act(staff, "deactivate", clinician)
    assert client.get("/api/v2/auth/me").status_code == 401
    act(staff, "reactivate", clinician)
    clinician.refresh_from_db()
    client = api(clinician)
    assert client.get("/api/v2/auth/me").status_code == 200
    act(staff, "sign_out_everywhere", clinician)
    assert client.get("/api/v2/auth/me").status_code == 401


def test_accounts_are_never_deleted(staff, clinician):
    assert staff.get(reverse("admin:participants_user_delete", args=[clinician.pk])).status_code == 403
    act(staff, "delete_selected", clinician)
    assert User.objects.filter(pk=clinician.pk).exists()


def test_history_is_the_audit_trail(staff, clinician):
    act(staff, "sign_out_everywhere", clinician)
    response = staff.get(reverse("admin:participants_user_history", args=[clinician.pk]), follow=True)
    assert "signed_out_everywhere" in response.content.decode()


def test_an_unknown_account_is_404(staff):
    assert staff.get(reverse("admin:participants_user_change", args=[999999])).status_code == 404
