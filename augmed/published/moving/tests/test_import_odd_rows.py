"""What does not fit is named or kept as it was, and the others come."""

from __future__ import annotations

import json

import pytest

from augmed.published.moving.tests.dump import RISK, YEARS, small_study
from augmed.published.moving.tests.here import answers_of, review_of

pytestmark = pytest.mark.django_db


def test_answers_that_do_not_fit_are_kept_as_they_were(move):
    odd = {RISK: "Enormous", "A question of another time?": ["x", 1.5], YEARS: "5"}
    dump = small_study()
    dump.answer("t-7", "ben@example.org", 3, odd)

    report = move(dump)

    assert report.problems == []
    assert len(report.notes) == 2
    assert "Enormous" not in str(report.notes)
    review = review_of("t-7")
    assert answers_of(review) == {YEARS: "5"}
    said = json.loads(review.submission.client_data)["augmed"]
    assert said["answer"] == [[RISK, "Enormous"], ["A question of another time?", ["x", "1.5"]], [YEARS, "5"]]
    assert [title for title, _ in said["not_taken"]] == [RISK, "A question of another time?"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"answer": "[1]"}, "answer is no object"),
        ({"answer": "{'a': 1}"}, "answer is not JSON"),
        ({"answer_config_id": "c-9"}, "its answer_config did not come over"),
        ({"created_timestamp": "yesterday"}, "created_timestamp is no date and time"),
        ({"created_timestamp": "0001-01-01T00:00+14:00"}, "created_timestamp is no date and time"),
        ({"display_configuration": "{"}, "display_configuration is not JSON"),
        ({"display_configuration": '[{"path": "\\ud800"}]'}, "display_configuration holds text that is no Unicode"),
        ({"case_id": "one"}, "case_id is no whole number"),
        ({"case_id": "1" * 19}, "at most 18 digits"),
        ({"user_email": "nobody@example.org"}, "there is no account here"),
        ({"ai_score_shown": "perhaps"}, "ai_score_shown is neither true nor false"),
        ({"answer": '{"a": "\\ud800"}'}, "no Unicode"),
        ({"answer": '{"a": 1e999}'}, "a number of over 400 digits"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_others_come(move, cells, reason):
    dump = small_study()
    dump.answer("t-9", "ada@example.org", 3)
    dump.tables["answer"][-1].update(cells)

    report = move(dump)

    assert [(one.table, one.key, one.row) for one in report.problems] == [("answer", "3", 4)]
    assert reason in report.problems[0].text
    assert report.counts["answer"].came_over == 2


def test_rows_without_an_id_of_their_own_are_named(move):
    dump = small_study()
    dump.answer("t-8", "ada@example.org", 3, id=2)
    dump.task("", "ada@example.org", 3)
    dump.task("x" * 256, "ada@example.org", 3)
    dump.user("carl@example.org", id=None)

    report = move(dump)

    said = [(one.table, one.row, one.text) for one in report.problems]
    assert said == [
        ("answer", 4, "its id is too long, or there twice"),
        ("display_config", 6, "it has no id"),
        ("display_config", 7, "its id is too long, or there twice"),
        ("user", 4, "it has no id"),
    ]
    assert report.counts["answer"].read == 3
    assert move(dump).counts["answer"].was_there == 2


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        ([{"path": "BACKGROUND.Family History.Unknown: Yes"}], "Path"),
        ([{"style": {}}], "an entry without a path"),
        ("{", "path_config is not JSON"),
        ([{"path": "x", "style": {"top": "first"}}], "path_config: top is a number"),
    ],
)
def test_a_task_that_cannot_be_given_is_named(move, paths, reason):
    dump = small_study()
    dump.task("t-9", "ben@example.org", 2, paths)
    report = move(dump)
    assert [(one.table, one.key) for one in report.problems] == [("display_config", "t-9")]
    assert reason in report.problems[0].text
    assert report.counts["display_config"].came_over == 2


def test_a_second_task_of_the_same_case_is_named(move):
    dump = small_study()
    dump.task("t-8", "Ada@example.org", 1)  # answered as t-1
    dump.task("t-9", "ben@example.org", 1, [])  # waits as t-4
    report = move(dump)
    assert [one.key for one in report.problems] == ["t-9", "t-8"]
    assert "in AugMed" in report.problems[1].text


def test_without_a_layout_the_rest_waits(move):
    dump = small_study()
    del dump.tables["system_config"]
    report = move(dump)
    assert {one.table for one in report.problems} == {"answer_config", "answer", "analytics", "display_config"}
    assert "no page layout" in report.problems[0].text
    assert report.counts["user"].came_over == 2
