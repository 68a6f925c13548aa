"""People of a study in the admin: enrolment, consent, references, roles."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.actions.enrolment import withdraw
from experiments.actions.roles import grant_role
from experiments.models import (
    AdjudicatorReading,
    Enrolment,
    Experiment,
    StudyRole,
)
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of, page

pytestmark = pytest.mark.django_db


def test_people_are_enrolled_and_withdrawn_with_a_reason(study: Any, stranger: Any, other_clinician: Any) -> None:
    grant_role(user=stranger, experiment=study, role="coordinator", by=None)
    client = client_of(stranger)
    data = {"experiment": study.pk, "email": " OTHER@example.org ", "kind": "real"}
    assert client.post(page("enrolment", "add"), data).status_code == 302
    enrolment = Enrolment.objects.get(user=other_clinician)
    assert enrolment.assignments.count() == 4

    bad = client.post(page("enrolment", "add"), data | {"email": "nobody@example.org"})
    assert "Nobody on the roster has this address." in bad.content.decode()

    chosen = {"action": "withdraw_chosen", "_selected_action": [enrolment.pk]}
    assert "Reason" in client.post(page("enrolment"), chosen).content.decode()
    enrolment.refresh_from_db()
    assert enrolment.status == "active"
    client.post(page("enrolment"), {**chosen, "withdraw": "1", "reason": "moved away"})
    enrolment.refresh_from_db()
    assert enrolment.status == "withdrawn"


def test_a_coordinator_of_one_study_cannot_enrol_into_another(study: Any, draft: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="coordinator", by=None)
    data = {"experiment": draft.pk, "email": stranger.email, "kind": "real"}
    response = client_of(stranger).post(page("enrolment", "add"), data)
    assert response.status_code == 200
    assert not draft.enrolments.exists()


def test_consents_given_elsewhere_are_imported_all_or_none(lead: Any, clinician: Any, other_clinician: Any) -> None:
    study = factories.make_study(by=lead, consent_required=True)
    for user in (clinician, other_clinician):
        factories.make_enrolment(study, user)
    from django.core.files.uploadedfile import SimpleUploadedFile

    def send(text: str) -> Any:
        file = SimpleUploadedFile("consents.csv", text.encode())
        return client_of(lead).post(page("enrolment", "consents"), {"experiment": study.pk, "file": file})

    bad = send(f"email,at\n{clinician.email},2026-01-05\nnobody@example.org,2026-01-05\n")
    assert bad.status_code == 422
    assert "nobody@example.org" in bad.content.decode() or "3" in bad.content.decode()
    assert set(study.enrolments.values_list("status", flat=True)) == {"awaiting_consent"}
    rows = f"{clinician.email},2026-01-05,v2,\n{other_clinician.email},2026-01-05,v2,declined\n"
    assert send(f"email,at,document,kind\n{rows}").status_code == 302
    assert sorted(study.enrolments.values_list("status", flat=True)) == ["active", "declined"]


def test_references_are_set_imported_and_read_by_adjudicators(study: Any, lead: Any, stranger: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    number, second = study.study_cases.values_list("case__number", flat=True)[:2]
    client = client_of(lead)
    data = {"experiment": study.pk, "case_number": number, "question_key": "diagnosis", "value": "yes", "rule": "x"}
    assert client.post(page("referencestandard", "add"), data).status_code == 302
    assert client.post(page("referencestandard", "add"), data | {"value": "no"}).status_code == 302
    assert list(study.references.values_list("version", "value")) == [(2, '"no"'), (1, '"yes"')]
    bad = client.post(page("referencestandard", "add"), data | {"value": "maybe"})
    assert bad.status_code == 200
    assert 'class="errornote"' in bad.content.decode()

    text = f"case,question,value\n{second},diagnosis,yes\n"
    file = {"experiment": study.pk, "file": SimpleUploadedFile("r.csv", text.encode())}
    assert client.post(page("referencestandard", "import"), file).status_code == 302
    assert study.references.count() == 3

    grant_role(user=stranger, experiment=study, role="adjudicator", by=None)
    reader = client_of(stranger)
    reading = {key: value for key, value in data.items() if key != "rule"} | {"certainty": "80"}
    assert reader.post(page("adjudicatorreading", "add"), reading).status_code == 302
    assert reader.get(page("referencestandard", "add")).status_code == 403
    made = AdjudicatorReading.objects.get()
    assert (made.adjudicator, made.certainty) == (stranger, 80)
    client.post(page("adjudicatorreading"), {"action": "accept", "_selected_action": [made.pk]})
    assert study.references.filter(case=made.case).count() == 3


def test_roles_are_granted_and_revoked(study: Any, lead: Any, other_clinician: Any) -> None:
    client = client_of(lead)
    data = {"experiment": study.pk, "email": other_clinician.email, "role": "coordinator"}
    assert client.post(page("studyrole", "add"), data).status_code == 302
    role = StudyRole.objects.get(user=other_clinician)
    assert role.granted_by == lead
    client.post(page("studyrole"), {"action": "revoke", "_selected_action": [role.pk]})
    assert not StudyRole.objects.filter(user=other_clinician).exists()
    own = StudyRole.objects.get(user=lead)
    response = client.post(page("studyrole"), {"action": "revoke", "_selected_action": [own.pk]}, follow=True)
    assert "only lead" in response.content.decode()


def test_a_person_who_is_unknown_is_a_dash(study: Any, lead: Any) -> None:
    Experiment.objects.filter(pk=study.pk).update(created_by=None)
    text = client_of(lead).get(page("experiment", "change", study.pk)).content.decode()
    assert "None" not in text.split('class="form-row field-created_by"')[1].split("</div>\n")[0]


@pytest.mark.parametrize("role", ["blinded_analyst", "coordinator"])
def test_who_completed_or_withdrew_themselves_is_named_by_pseudonym_only(
    study: Any, stranger: Any, enrolled: Any, clinician: Any, role: str
) -> None:
    withdraw(enrolment=enrolled, by=clinician, reason="no time")
    grant_role(user=stranger, experiment=study, role=role, by=None)
    answer = client_of(stranger).get(page("enrolment", "change", enrolled.pk)).content.decode()
    assert "the participant" in answer
    assert (clinician.email in answer) == (role == "coordinator")  # who enrols people knows them
