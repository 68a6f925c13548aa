"""GET /api/v1/export/...: what the published contract promises to analysts' scripts."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from augmed.published.tests import augmed_study
from augmed.published.tests.feeds.reading import FEEDS, body, lines, rows
from experiments.actions.attention_checks import set_attention_check
from experiments.actions.display_configs import apply
from experiments.actions.erasure import erase_enrolment
from experiments.actions.events import record_events
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review
from experiments.attention import CHECK_KEY
from experiments.models import Assignment, Review, ReviewOpening, Submission
from experiments.tests import factories
from experiments.tests.exports.conftest import answer, reviews_of

pytestmark = pytest.mark.django_db
CONTRACT = {
    feed: names.split()
    for feed, names in {
        "answers": """
            answer_id case_id user_email answer display_configuration ai_score_shown answer_config_id answer_created_at
            person_id visit_start_date year_of_birth gender_name ai_value_as_string case_open_time answer_open_time
            answer_submit_time to_answer_open_secs to_submit_secs total_duration_secs order_id""",
        "display-configs": "config_id user_email case_id path_config person_id visit_start_date",
        "analytics": """
            analytics_id user_email case_config_id case_id case_open_time answer_open_time answer_submit_time
            to_answer_open_secs to_submit_secs total_duration_secs analytics_created_at""",
        "participants": """
            user_id position employer area_of_clinical_ex active admin_flag user_created_at cases_completed
            cases_assigned""",
    }.items()
}
PROMISED = {"arm", "experiment_id", "rl_run_id", "task_id", "stage", "pseudonym"}


@pytest.mark.parametrize("feed", FEEDS)
def test_columns_are_the_contracts_and_then_ours(api, answered, analyst, feed):
    for names in (list(rows(api(analyst), feed)[0]), lines(api(analyst), feed)[0]):
        assert names[: len(CONTRACT[feed])] == CONTRACT[feed]
        more = set(names[len(CONTRACT[feed]) :])
        assert more >= (PROMISED if feed != "participants" else {"experiment_id", "pseudonym"})


def test_each_answer_is_one_row_with_its_own_timing_arm_and_run(api, answered, analyst):
    found = {row["task_id"]: row for row in rows(api(analyst), "answers")}
    reviews = Review.objects.select_related("assignment__arm", "assignment__case", "opening__questionnaire_version")
    assert len(found) == reviews.count() > 6  # a two-stage arm has two for one case
    for review in reviews:
        row, assignment = found[review.public_id.hex], review.assignment
        assert row["answer_id"] == review.pk
        assert row["case_id"] == assignment.case.number
        assert row["answer"] == {"Which diagnosis?": "yes", "How likely?": "20"}
        assert (row["arm"], row["rl_run_id"]) == (assignment.arm.key, assignment.run_id)
        assert (row["stage"], row["experiment_id"]) == (review.stage_position, answered.code)
        assert row["user_email"] == row["pseudonym"] == assignment.enrolment.pseudonym
        assert row["answer_config_id"] == review.opening.questionnaire_version.public_id.hex
        advised = assignment.arm.key == "with-advice" or review.stage_position == 2
        assert row["ai_score_shown"] is advised
        assert row["ai_value_as_string"] == ("Risk estimate: 12 %" if advised else "")
        paths = [entry["path"] for entry in row["display_configuration"]]
        assert ("Advice.Risk estimate: 12 %" in paths) is advised
        assert "Findings.Laboratory.Creatinine: 0 u" in paths
        opened, submitted = review.opening.opened_at, review.submission.submitted_at
        assert row["case_open_time"] == opened.isoformat(sep=" ")
        assert row["answer_submit_time"] == submitted.isoformat(sep=" ")
        assert row["answer_created_at"] == submitted.replace(tzinfo=None).isoformat(sep=" ")
        assert row["total_duration_secs"] == round((submitted - opened).total_seconds(), 3)
        assert row["answer_open_time"] is row["to_submit_secs"] is None


def test_order_counts_the_answers_of_each_participant_as_they_were_given(api, answered, other_clinician, analyst):
    for review in reviews_of(factories.make_enrolment(answered, other_clinician)):
        answer(review)
    found = rows(api(analyst), "answers")
    for pseudonym, count in Counter(row["pseudonym"] for row in found).items():
        own = sorted((row for row in found if row["pseudonym"] == pseudonym), key=lambda row: row["answer_created_at"])
        assert [row["order_id"] for row in own] == list(range(1, count + 1))


@pytest.mark.parametrize("feed", FEEDS)
def test_csv_has_a_header_even_without_rows(api, study, analyst, feed):
    names, found = lines(api(analyst), feed)
    assert found == []
    assert names[: len(CONTRACT[feed])] == CONTRACT[feed]
    assert body(api(analyst).get(f"/api/v1/export/{feed}"))["data"] == []


def test_csv_writes_what_json_says(api, answered, analyst):
    _, found = lines(api(analyst), "answers")
    for line, row in zip(found, rows(api(analyst), "answers"), strict=True):
        assert json.loads(line["answer"]) == row["answer"]
        assert json.loads(line["display_configuration"]) == row["display_configuration"]
        assert line["ai_score_shown"] == str(row["ai_score_shown"])
        assert datetime.fromisoformat(line["case_open_time"]) == datetime.fromisoformat(row["case_open_time"])
        assert "T" in line["answer_created_at"]
        assert " " in row["answer_created_at"]
        assert (line["answer_open_time"], line["person_id"]) == ("", "")


def test_texts_that_a_spreadsheet_would_run_are_not_formulas(api, study, clinician, analyst):
    factories.make_enrolment(study, clinician)
    clinician.profile.employer = "=cmd()"
    clinician.profile.save()
    analyst.is_superuser = True
    analyst.save()
    assert lines(api(analyst), "participants")[1][0]["employer"] == "'=cmd()"
    assert rows(api(analyst), "participants")[0]["employer"] == "=cmd()"


def test_client_times_come_from_the_events_of_the_same_review(api, study, clinician, analyst):
    begin = datetime(2026, 11, 20, 15, 4, 57, 503000, tzinfo=UTC)
    reviews = reviews_of(factories.make_enrolment(study, clinician))
    for at, review in enumerate(reviews):
        open_review(public_id=review.public_id, by=clinician)
        page = uuid.uuid4()
        kinds = {"case_opened": 0, "answer_opened": 10 + at, "answer_submitted": 30 + 2 * at}
        record_events(
            public_id=review.public_id,
            by=clinician,
            events=[
                {"page_session": page, "sequence": n, "kind": kind, "client_at": begin + timedelta(seconds=seconds)}
                for n, (kind, seconds) in enumerate(kinds.items(), 1)
            ],
        )
        answer(review)
    for feed in ("answers", "analytics"):
        by_review = {row["task_id"]: row for row in rows(api(analyst), feed)}
        for at, review in enumerate(reviews):
            row = by_review[review.public_id.hex]
            assert row["case_open_time"] == "2026-11-20 15:04:57.503000+00:00"
            assert (row["to_answer_open_secs"], row["to_submit_secs"]) == (10.0 + at, 20.0 + at)
            assert row["total_duration_secs"] == 30.0 + 2 * at


def test_display_configs_tell_also_what_nobody_opened_yet(api, study, clinician, analyst):
    factories.make_enrolment(study, clinician)
    before = {row["config_id"]: row for row in rows(api(analyst), "display-configs")}
    assert len(before) == Review.objects.count()
    assert not ReviewOpening.objects.exists()
    for review in Review.objects.select_related("assignment__arm"):
        advised = review.assignment.arm.key == "with-advice" or review.stage_position == 2
        paths = [entry["path"] for entry in before[review.public_id.hex]["path_config"]]
        assert ("Advice.Risk estimate: 12 %" in paths) is advised
    for review in reviews_of(clinician.enrolments.get()):
        answer(review)
    assert {row["config_id"]: row for row in rows(api(analyst), "display-configs")} == before


def test_participants_are_counted_by_what_they_answered(api, study, clinician, analyst, administrator):
    reviews = reviews_of(factories.make_enrolment(study, clinician))
    answer(reviews[0])
    (row,) = rows(api(analyst), "participants")
    assert (row["cases_completed"], row["cases_assigned"]) == (1, len(reviews))
    assert row["user_id"] == row["pseudonym"] == row["user_email"]
    assert row["position"] is row["employer"] is row["area_of_clinical_ex"] is None
    assert row["active"] is True
    (named,) = rows(api(administrator), "participants")
    assert (named["user_id"], named["user_email"]) == (clinician.pk, clinician.email)
    assert named["position"] == ""


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("who", ["analyst", "blinded"])
def test_statements_do_not_grow_with_rows(
    api, answered, analyst, blinded, feed, who, django_assert_max_num_queries, request
):
    client = api(request.getfixturevalue(who))

    def count() -> int:
        with django_assert_max_num_queries(25) as captured:
            rows(client, feed)
        return len(captured.captured_queries)

    few = count()
    for _ in range(5):
        for review in reviews_of(factories.make_enrolment(answered)):
            answer(review)
    assert len(rows(client, "analytics")) > 30
    assert count() == few


def test_configs_are_told_in_the_words_of_their_file(api, configured, clinician, administrator):
    told = [
        {"path": "BACKGROUND.Family History.Cancer: Yes", "style": {"collapse": True}},
        {"path": "RISK ASSESSMENT.Colorectal Cancer Score: 7", "style": {"collapse": True}},
    ]
    for row in rows(api(administrator), "display-configs"):
        assert row["path_config"] == told
        assert (row["person_id"], row["visit_start_date"]) == (row["case_id"], "2020-05-17")
    first, second = reviews_of(clinician.enrolments.get())
    answer(first)
    later = [[clinician.email, number, "BACKGROUND.Family History.Cancer: Yes"] for number in (1, 2)]
    apply(file=augmed_study.display_configs(later), by=None)
    (row,) = rows(api(administrator), "answers")
    assert row["display_configuration"] == told  # as it was when the review was opened
    assert (row["ai_score_shown"], row["ai_value_as_string"]) == (True, "Predicted Colorectal Cancer Score: 7")
    assert (row["person_id"], row["year_of_birth"], row["gender_name"]) == (1, 1951, "MALE")
    assert (row["arm"], row["rl_run_id"], row["experiment_id"]) == (None, None, configured.code)
    by_task = {row["task_id"]: row["path_config"] for row in rows(api(administrator), "display-configs")}
    assert by_task[first.public_id.hex] == told
    assert by_task[second.public_id.hex] == [{"path": "BACKGROUND.Family History.Cancer: Yes"}]


def test_what_came_from_augmed_is_told_from_its_record(api, configured, clinician, administrator):
    case = configured.enrolments.get().assignments.first().case
    assignment = Assignment.objects.create(
        enrolment=clinician.enrolments.get(), case=case, period=2, position=9, drawn_by="augmed"
    )
    review = Review.objects.create(assignment=assignment)
    record = [{"path": "RISK ASSESSMENT.Colorectal Cancer Score: 8", "style": {"top": 1}}]
    version = configured.questionnaires.get().current()
    ReviewOpening.objects.create(review=review, questionnaire_version=version, recorded_disclosure=json.dumps(record))
    said = json.dumps({"aiScoreShown": False, "augmed": {"task_id": "x", "answer": [["Which?", "Neither"]]}})
    Submission.objects.create(review=review, answers_sha256="0" * 64, client_data=said)
    (row,) = rows(api(administrator), "answers")
    assert row["display_configuration"] == record
    assert row["answer"] == {"Which?": "Neither"}
    assert (row["ai_score_shown"], row["ai_value_as_string"]) == (False, "Colorectal Cancer Score: 8")
    by_task = {row["task_id"]: row["path_config"] for row in rows(api(administrator), "display-configs")}
    assert by_task[review.public_id.hex] == record


def test_an_attention_check_is_graded_beside_the_answer(api, lead, clinician, administrator):
    study = factories.make_study(by=lead, cases=2, arms={"Only": [factories.show("age")]}, active=False)
    check = set_attention_check(experiment=study, by=lead, every=2)
    activate(experiment=study, by=lead)
    first, second = reviews_of(factories.make_enrolment(study, clinician))
    answer(first)
    answer(second, **{CHECK_KEY: check.options[0]})
    found = {row["task_id"]: row for row in rows(api(administrator), "answers")}
    assert found[first.public_id.hex]["attention_check_passed"] is None
    assert found[second.public_id.hex]["attention_check_passed"] is False
    assert "attention" not in json.dumps(found[second.public_id.hex]["answer"]).lower()
    erase_enrolment(enrolment=clinician.enrolments.get(), by=administrator, reason="Asked to.")
    assert {row["attention_check_passed"] for row in rows(api(administrator), "answers")} == {None}


@pytest.mark.parametrize("name", ["answers", "display-configs", "analytics", "participants"])
def test_where_there_is_no_study_yet_there_are_no_rows(api, administrator, name):
    found = api(administrator).get(f"/api/v1/export/{name}")
    assert body(found) == {"data": [], "pagination": {"total": 0, "limit": 1000, "offset": 0, "has_more": False}}
    as_csv = api(administrator).get(f"/api/v1/export/{name}", headers={"accept": "text/csv"})
    assert b"".join(as_csv.streaming_content).decode().count("\r\n") == 1
