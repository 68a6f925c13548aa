"""/experiments/{code}/participants and roles."""

import pytest

from experiments.models import Enrolment, StudyRole

pytestmark = pytest.mark.django_db


def test_a_coordinator_enrols_by_e_mail_and_by_id(api, cast, base, make_user):
    client = api(cast["coordinator"])
    made = client.post(f"{base}/participants", {"email": "Other@Example.org"})
    assert made.status_code == 201, made.json()
    assert made.json()["status"] == "active"
    assert made.json()["arrival"] == 2
    third = make_user("third@example.org")
    assert client.post(f"{base}/participants", {"user": third.pk}).json()["email"] == "third@example.org"
    assert len(client.get(f"{base}/participants").json()["results"]) == 3


def test_whoever_has_no_account_is_invited_first(api, cast, base):
    answer = api(cast["coordinator"]).post(f"{base}/participants", {"email": "nobody@example.org"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["email"]


def test_either_id_or_address_is_given(api, cast, base):
    client = api(cast["coordinator"])
    assert client.post(f"{base}/participants", {}).status_code == 422
    both = {"user": cast["clinician"].pk, "email": "clinician@example.org"}
    assert client.post(f"{base}/participants", both).status_code == 422


def test_enrolling_twice_makes_one_enrolment(api, cast, base, enrolled):
    client = api(cast["coordinator"])
    client.post(f"{base}/participants", {"user": cast["clinician"].pk})
    assert Enrolment.objects.filter(user=cast["clinician"]).count() == 1


def test_the_answer_tells_no_arm(api, cast, base, study, enrolled):
    text = api(cast["coordinator"]).get(f"{base}/participants/{enrolled.pk}").content.decode()
    assert enrolled.pseudonym in text
    for arm in study.arms.all():
        assert arm.key not in text


def test_consent_is_recorded(api, cast, base, enrolled):
    client = api(cast["coordinator"])
    body = {"kind": "given", "document": "Version 3", "given_elsewhere": True, "at": "2024-05-01T10:00:00Z"}
    assert client.post(f"{base}/participants/{enrolled.pk}/consent", body).status_code == 200
    assert enrolled.consents.get().document == "Version 3"


def test_a_person_is_withdrawn_once(api, cast, base, enrolled):
    client = api(cast["coordinator"])
    answer = client.post(f"{base}/participants/{enrolled.pk}/withdraw", {"reason": "Moved away"})
    assert answer.json()["status"] == "withdrawn"
    assert client.post(f"{base}/participants/{enrolled.pk}/withdraw", {"reason": "Again"}).status_code == 409


def test_an_enrolment_of_another_study_is_not_found(api, cast, base, stranger):
    from experiments.tests import factories

    foreign = factories.make_enrolment(factories.make_study(by=stranger))
    client = api(cast["lead"])
    assert client.get(f"{base}/participants/{foreign.pk}").status_code == 404
    assert client.post(f"{base}/participants/{foreign.pk}/withdraw", {"reason": "Mine"}).status_code == 404


def test_roles_are_granted_and_revoked(api, cast, base, study):
    client = api(cast["lead"])
    made = client.post(f"{base}/roles", {"email": "other@example.org", "role": "coordinator"})
    assert made.status_code == 201, made.json()
    assert StudyRole.objects.filter(user=cast["other clinician"], experiment=study).count() == 1
    assert client.delete(f"{base}/roles/{made.json()['id']}").status_code == 204
    assert not StudyRole.objects.filter(user=cast["other clinician"]).exists()


def test_the_only_lead_stays(api, cast, base, study):
    held = StudyRole.objects.get(experiment=study, role="lead")
    assert api(cast["lead"]).delete(f"{base}/roles/{held.pk}").status_code == 409


def test_a_role_that_there_is_not_is_refused(api, cast, base):
    answer = api(cast["lead"]).post(f"{base}/roles", {"email": "other@example.org", "role": "king"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["role"]


def test_consent_taken_back_withdraws_also_where_none_was_recorded(api, cast, base, enrolled):
    answer = api(cast["coordinator"]).post(f"{base}/participants/{enrolled.pk}/consent", {"kind": "withdrawn"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "withdrawn"
    assert enrolled.consents.get().kind == "withdrawn"
