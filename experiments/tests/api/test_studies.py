"""/studies: what one takes part in."""

import pytest

from augmed.foundation.canonical import canonical_json
from experiments.actions import enrolment as enrolling
from experiments.actions.lifecycle import activate, complete, pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Review
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def test_own_studies_with_progress_and_instructions(api, clinician, lead):
    study = factories.make_study(by=lead, instructions=" Read with care. ")
    factories.make_enrolment(study, clinician)
    rows = api(clinician).get("/api/v2/studies").json()["results"]
    assert len(rows) == 1
    assert rows[0]["study"] == study.code
    assert rows[0]["instructions"] == "Read with care."
    assert rows[0]["enrolment_status"] == "active"
    assert (rows[0]["cases_total"], rows[0]["cases_answered"]) == (4, 0)
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


def test_progress_counts_cases_whatever_their_number_of_stages(api, two_stage_study, clinician):
    factories.make_enrolment(two_stage_study, clinician)
    client = api(clinician)
    cases = two_stage_study.study_cases.count()
    for stage, answered in ((1, 0), (2, 1)):
        review = client.get("/api/v2/reviews/next").json()
        assert review["stage_position"] == stage
        client.post(f"/api/v2/reviews/{review['public_id']}/open")
        asked = client.get(f"/api/v2/reviews/{review['public_id']}/questionnaire").json()
        body = {"questionnaire_version": asked["version"], "answers": {"diagnosis": "yes", "risk": 10}}
        assert client.post(f"/api/v2/reviews/{review['public_id']}/answer", body).status_code < 300
        row = client.get("/api/v2/studies").json()["results"][0]
        assert (row["cases_total"], row["cases_answered"]) == (cases, answered)


def test_a_reading_that_opens_later_does_not_keep_a_case_from_counting(api, lead, clinician):
    """Else their number would tell who has a second reading before it comes."""
    study = factories.make_study(
        by=lead, arms={"Two": [factories.show("age"), factories.show("age", "advice")]}, cases=2, active=False
    )
    study.arms.get().stages.filter(position=2).update(not_before_days=7)
    activate(experiment=study, by=lead, confirmed={"person_more_than_once"})
    factories.make_enrolment(study, clinician)
    review = Review.objects.pending_for(clinician).first()
    open_review(public_id=review.public_id, by=clinician)
    submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": "10"}, by=clinician)
    row = api(clinician).get("/api/v2/studies").json()["results"][0]
    assert (row["cases_total"], row["cases_answered"]) == (2, 1)


@pytest.mark.parametrize("stop", [None, pause, complete])
def test_the_status_is_the_same_in_every_arm(api, lead, stop):
    """Who is done and who waits for a second reading are told the same word, while the study runs and afterwards."""
    arms = {"One": [factories.show("age")], "Two": [factories.show("age"), factories.show("age", "advice")]}
    study = factories.make_study(by=lead, arms=arms, cases=1, active=False, allocation_rule="arm_per_participant")
    study.arms.get(name="Two").stages.filter(position=2).update(not_before_days=7)
    activate(experiment=study, by=lead, confirmed={"person_more_than_once"})
    told, stored = {}, {}
    readers = [factories.make_enrolment(study) for _ in range(12)]
    for enrolment in readers:
        review = Review.objects.pending_for(enrolment.user).get()
        open_review(public_id=review.public_id, by=enrolment.user)
        submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": "10"}, by=enrolment.user)
    if stop is not None:
        stop(experiment=study, by=lead, reason="Enough.")
    for enrolment in readers:
        arm = enrolment.assignments.get().arm.name
        enrolment.refresh_from_db()
        stored[arm] = enrolment.status
        [row] = api(enrolment.user).get("/api/v2/studies").json()["results"]
        told.setdefault(arm, set()).add(canonical_json({**row, "joined_at": ""}))
    assert stored == {"One": "completed", "Two": "active"}
    assert told["One"] == told["Two"]
    assert len(told["One"]) == 1
