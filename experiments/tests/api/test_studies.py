"""/studies: what one takes part in."""

import pytest

from experiments.actions import enrolment as enrolling
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def test_own_studies_with_progress_and_instructions(api, clinician, study, enrolled):
    type(study).objects.filter(pk=study.pk).update(instructions="Read with care.")
    rows = api(clinician).get("/api/v2/studies").json()["results"]
    assert len(rows) == 1
    assert rows[0]["study"] == study.code
    assert rows[0]["instructions"] == "Read with care."
    assert rows[0]["enrolment_status"] == "active"
    assert rows[0]["reviews_answered"] == 0
    assert rows[0]["reviews_total"] >= 4
    assert rows[0]["consent"] is None


def test_somebody_else_sees_none(api, other_clinician, enrolled):
    assert api(other_clinician).get("/api/v2/studies").json()["results"] == []


def test_consent_is_told(api, clinician, lead):
    study = factories.make_study(by=lead, consent_required=True)
    enrolment = factories.make_enrolment(study, clinician)
    client = api(clinician)
    row = client.get("/api/v2/studies").json()["results"][0]
    assert (row["consent_required"], row["consent"], row["enrolment_status"]) == (True, None, "awaiting_consent")
    enrolling.record_consent(enrolment=enrolment, kind="given", by=None)
    row = client.get("/api/v2/studies").json()["results"][0]
    assert (row["consent"], row["enrolment_status"]) == ("given", "active")


def test_a_draft_is_not_told_of(api, clinician, draft):
    factories.make_enrolment(draft, clinician)
    assert api(clinician).get("/api/v2/studies").json()["results"] == []
