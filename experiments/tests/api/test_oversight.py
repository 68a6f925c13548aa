"""/experiments/{code}/progress, allocation, protocols, references."""

import pytest

from augmed.foundation.canonical import sha256_hex
from experiments.actions.previews import preview_as_participant
from experiments.models import Assignment

pytestmark = pytest.mark.django_db


def test_progress_is_counted_by_participant_and_case(api, cast, base, enrolled):
    client = api(cast["coordinator"])
    overview = client.get(f"{base}/progress").json()
    assert overview["participants"]["active"] == 1
    assert overview["cases"] == {"assigned": 4, "opened": 0, "answered": 0}
    people = client.get(f"{base}/progress/participants").json()["results"]
    assert people == [
        {
            "pseudonym": enrolled.pseudonym,
            "status": "active",
            "counts": {"assigned": 4, "opened": 0, "answered": 0},
        }
    ]
    by_case = client.get(f"{base}/progress/cases").json()["results"]
    assert [row["counts"]["assigned"] for row in by_case] == [1, 1, 1, 1]


def test_a_case_counts_as_answered_when_every_stage_is_or_for_the_blinded_every_common_one(api, cast, base, enrolled):
    from experiments.actions.reviews import open_review, submit
    from experiments.models import Review

    two_staged = Assignment.objects.filter(enrolment=enrolled, arm__key="advice-afterwards").first()
    if two_staged is None:  # the draw of four cases by blocks of three or six always has the arm
        pytest.fail("no two-stage assignment was drawn")
    seen: dict[str, list[int]] = {"unblinded analyst": [], "coordinator": []}
    for review in Review.objects.filter(assignment=two_staged).in_order():
        open_review(public_id=review.public_id, by=cast["clinician"])
        submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": 1}, by=cast["clinician"])
        for who, answered in seen.items():
            cases = api(cast[who]).get(f"{base}/progress").json()["cases"]
            assert (cases["assigned"], cases["opened"]) == (4, 1)
            answered.append(cases["answered"])
    assert seen == {"unblinded analyst": [0, 1], "coordinator": [1, 1]}


def test_progress_names_nobody_and_no_arm(api, cast, base, study, enrolled):
    for path in ("/progress", "/progress/participants", "/progress/cases"):
        text = api(cast["blinded analyst"]).get(base + path).content.decode()
        assert "clinician@example.org" not in text
        for arm in study.arms.all():
            assert arm.key not in text


def test_the_allocation_is_for_those_who_may_see_it(api, cast, base, study, enrolled):
    preview_as_participant(enrolment=enrolled, by=cast["unblinded analyst"])  # is none of it
    rows = api(cast["unblinded analyst"]).get(f"{base}/allocation").json()["results"]
    assert len(rows) == 4
    assert {row["arm"] for row in rows} <= {arm.key for arm in study.arms.all()}
    assert all(row["marginal_probability"] == pytest.approx(1 / 3) for row in rows)
    runs = api(cast["unblinded analyst"]).get(f"{base}/allocation/runs").json()["results"]
    assert sum(run["assignment_count"] for run in runs) == 4
    assert runs[0]["seed"]
    for who in ("lead", "coordinator", "blinded analyst", "adjudicator"):
        for path in ("/allocation", "/allocation/runs"):
            assert api(cast[who]).get(base + path).status_code == 403


def test_protocols_are_listed_and_served_as_hashed(api, cast, base):
    client = api(cast["lead"])
    listed = client.get(f"{base}/protocols").json()["results"]
    assert [row["number"] for row in listed] == [1]
    content = client.get(f"{base}/protocols/1")
    assert sha256_hex(content.content.decode()) == listed[0]["sha256"]


def test_an_amendment_makes_the_next_version(api, cast, base):
    client = api(cast["lead"])
    client.patch(f"{base}/arms/with-advice", {"weight": 2})
    body = {"reason": "More of them", "confirmed": []}
    answer = client.post(f"{base}/protocols", body)
    if answer.status_code == 422:
        assert answer.json()["code"] == "needs_confirmation"
        answer = client.post(f"{base}/protocols", body | {"confirmed": list(answer.json()["errors"])})
    assert answer.status_code == 201, answer.json()
    assert answer.json()["number"] == 2
    assert client.post(f"{base}/protocols", {"reason": " "}).status_code == 422


def test_reference_values_are_set_in_versions(api, cast, base, study):
    client = api(cast["lead"])
    number = study.study_cases.first().case.number
    body = {"case": number, "question_key": "diagnosis", "value": "yes", "rule": "one reading"}
    assert client.post(f"{base}/references", body).json()["version"] == 1
    assert client.post(f"{base}/references", body | {"value": "no"}).json()["version"] == 2
    rows = api(cast["blinded analyst"]).get(f"{base}/references").json()["results"]
    assert [(row["version"], row["value"]) for row in rows] == [(1, "yes"), (2, "no")]
    assert api(cast["coordinator"]).get(f"{base}/references").status_code == 403


def test_a_reference_of_a_case_outside_the_study_is_refused(api, cast, base):
    body = {"case": -5, "question_key": "diagnosis", "value": "yes", "rule": "one reading"}
    answer = api(cast["lead"]).post(f"{base}/references", body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["case"]
