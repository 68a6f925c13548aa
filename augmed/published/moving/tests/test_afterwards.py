"""What everything else makes of readings that happened in AugMed: nothing of them can be shown or proved again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from augmed.foundation.errors import Conflict
from augmed.published.models import CameOver
from augmed.published.moving.run import import_augmed
from augmed.published.moving.tests.dump import ANSWER, ORDERS, PASSWORD, PATHS, RISK, YEARS, small_study
from augmed.published.tests.augmed_study import make_visits
from experiments.actions.erasure import erase_enrolment
from experiments.actions.reviews import open_review, submit
from experiments.models import Answer, Enrolment, Experiment, Review, Submission
from experiments.reviewing.own_reviews import next_review, own_reviews
from experiments.reviewing.reading import own_answers, read_review
from experiments.verification.disclosure import verify_disclosure
from participants.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(tmp_path: Path) -> User:
    make_visits(3)
    report = import_augmed(source=small_study().to_folder(tmp_path / "dump"), by=None)
    assert report.is_complete
    return User.objects.get(email="ada@example.org")


@pytest.fixture
def read(ada: User) -> Review:
    return Review.objects.get(pk=CameOver.objects.get(kind="display_config", key="t-1").target_pk)


def by_key(review: Review) -> dict[str, Any]:
    keys = {answer.question.text: answer.question_key for answer in Answer.objects.filter(submission__review=review)}
    return {keys[RISK]: "High", keys[ORDERS]: ANSWER[ORDERS], keys[YEARS]: "5"}


def test_the_reader_goes_on_with_the_next_case(ada, read):
    assert [review.status for review in own_reviews(ada)] == ["answered", "answered", "next"]
    found = next_review(ada)
    assert (found["case_number"], found["position"]) == (3, 3)
    opened = open_review(public_id=found["public_id"], by=ada)
    assert "Cancer" in opened.disclosed
    assert submit(public_id=found["public_id"], answers=by_key(read), by=ada).repeated is False


def test_the_case_cannot_be_shown_as_it_was(ada, read):
    for act in (read_review, open_review):
        with pytest.raises(Conflict) as refused:
            act(public_id=read.public_id, by=ada)
        assert refused.value.code == "read_in_augmed"


def test_the_api_says_so(ada, read):
    from rest_framework.test import APIClient

    api = APIClient()
    api.force_authenticate(ada)
    assert api.get(f"/api/v2/reviews/{read.public_id}").json()["status"] == "answered"
    answer = api.get(f"/api/v2/reviews/{read.public_id}/case")
    assert (answer.status_code, answer.json()["code"]) == (409, "read_in_augmed")


def test_own_answers_are_there_and_final(ada, read):
    assert own_answers(public_id=read.public_id, by=ada) == {**by_key(read), _key(read, ORDERS): ["Colonoscopy", "FIT"]}
    assert submit(public_id=read.public_id, answers=by_key(read), by=ada).repeated is True
    with pytest.raises(Conflict):
        submit(public_id=read.public_id, answers={**by_key(read), _key(read, RISK): "Low"}, by=ada)


def _key(review: Review, text: str) -> str:
    return Answer.objects.get(submission__review=review, question__text=text).question_key


def test_the_published_client_goes_on_as_before(ada, read):
    """The old password opens, the next case is there, and times that it sends once more add nothing."""
    from rest_framework.test import APIClient

    api = APIClient()
    login = api.post("/api/auth/login", {"email": "ada@example.org", "password": PASSWORD}, format="json")
    assert login.status_code == 200
    api.credentials(HTTP_AUTHORIZATION=login["Authorization"])
    [following] = api.get("/api/cases").json()["data"]
    assert str(following["case_id"]) == "3"
    sent = {
        "caseConfigId": read.public_id.hex,
        "caseOpenTime": "2024-02-03T10:00:00.000Z",
        "answerOpenTime": "2024-02-03T10:02:00.500Z",
        "answerSubmitTime": "2024-02-03T10:04:59.123Z",
    }
    assert api.post("/api/analytics", sent, format="json").status_code == 200
    assert read.events.count() == 3


def test_verification_holds(ada, read):
    totals = verify_disclosure(Experiment.objects.get(kind="configs"))
    assert totals.holds
    assert (totals.openings, totals.answered, totals.answers_different) == (0, 2, 0)


def test_verification_finds_a_changed_answer(ada, read):
    from augmed.foundation.append_only import erasing

    with erasing():
        Answer.objects.filter(submission__review=read, question__text=RISK).update(value='"Low"')
    totals = verify_disclosure(Experiment.objects.get(kind="configs"))
    assert [one.public_id for one in totals.discrepancies] == [read.public_id]


def test_erasure_blanks_all_that_was_given(ada, read):
    erase_enrolment(enrolment=Enrolment.objects.get(user=ada), by=None, reason="asked for")
    assert not Answer.objects.exclude(value="").exists()
    assert not Submission.objects.exclude(client_data="").exists()
    assert "High" not in json.dumps(list(CameOver.objects.values_list("details", flat=True)))
    assert verify_disclosure(Experiment.objects.get(kind="configs")).holds


def test_the_export_has_them(ada, read, tmp_path):
    from django.core.management import call_command

    call_command("export_experiment", Experiment.objects.get(kind="configs").code, "--output", str(tmp_path / "out"))
    [path] = (tmp_path / "out").rglob("reviews.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    mine = next(row for row in rows if row["review"] == read.public_id.hex)
    assert (mine["drawn_by"], mine["case_number"], mine["seconds_to_answer"]) == ("augmed", 1, 300.25)
    assert "High" in mine.values()
    assert mine["snapshot_sha256"] is None


def test_scripts_that_read_augmeds_exports_find_them(ada, read, administrator):
    from rest_framework.test import APIClient

    api = APIClient()
    api.force_authenticate(administrator)
    sent = b"".join(api.get("/api/v1/export/answers").streaming_content)
    rows = json.loads(sent)["data"]
    mine = next(row for row in rows if row["case_id"] == 1)
    assert len(rows) == 2
    assert mine["display_configuration"] == PATHS
    assert mine["ai_score_shown"] is True
    assert mine["total_duration_secs"] == pytest.approx(299.123)


def test_augmeds_answer_export_has_them(ada, read, tmp_path):
    from django.core.management import call_command

    code = Experiment.objects.get(kind="configs").code
    call_command("export_experiment", code, "--profile", "augmed", "--output", str(tmp_path / "out"))
    lines = [path.read_text() for path in (tmp_path / "out").rglob("*.csv") if "High" in path.read_text()]
    assert lines


@pytest.mark.parametrize("model", ["review", "submission", "assignment", "questionnaireversion", "enrolment"])
def test_admin_pages_show_them(ada, read, administrator, client, model):
    client.force_login(administrator)
    of = {
        "review": read.pk,
        "submission": read.pk,
        "assignment": read.assignment_id,
        "questionnaireversion": read.opening.questionnaire_version_id,
        "enrolment": read.assignment.enrolment_id,
    }[model]
    assert client.get(reverse(f"admin:experiments_{model}_change", args=[of])).status_code == 200
    assert client.get(reverse(f"admin:experiments_{model}_changelist")).status_code == 200
