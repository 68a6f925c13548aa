"""The whole move, from files: what is here afterwards."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation import audit
from augmed.foundation.models import AuditEvent
from augmed.published.models import CameOver
from augmed.published.moving.tests.dump import ANSWER, CHECK, ORDERS, PATHS, RISK, YEARS, small_study
from augmed.published.moving.tests.here import answers_of, review_of
from cases.models import Case, CaseSnapshot
from experiments.models import (
    AttentionCheck,
    AttentionCheckAnswer,
    Experiment,
    QuestionnaireVersion,
    ReviewOpening,
)
from participants.models import User

pytestmark = pytest.mark.django_db


def test_everything_comes_over(move):
    report = move(small_study())

    assert report.problems == []
    counts = {table: (one.read, one.came_over, one.could_not) for table, one in report.counts.items()}
    assert counts == {
        "user": (2, 2, 0),
        "system_config": (1, 1, 0),
        "experiment": (1, 1, 0),
        "rl_run": (1, 1, 0),
        "answer_config": (1, 1, 0),
        "answer": (2, 2, 0),
        "analytics": (2, 2, 0),
        "display_config": (2, 2, 0),
    }
    assert not list(audit.verify())


def test_an_answered_task_is_a_review_that_was_read_in_augmed(move):
    move(small_study())

    review = review_of("t-1")
    assignment = review.assignment
    assert (assignment.drawn_by, assignment.arm, assignment.position) == ("augmed", None, 1)
    assert (assignment.case.number, assignment.case.visit_occurrence_id) == (1, 1)
    assert assignment.enrolment.user.email == "ada@example.org"
    assert assignment.enrolment.experiment.kind == Experiment.Kind.CONFIGS
    opening = review.opening
    assert json.loads(opening.recorded_disclosure) == PATHS
    assert (opening.snapshot, opening.disclosure_set, opening.disclosed_sha256) == (None, None, "")
    assert opening.opened_at == datetime(2024, 2, 3, 10, 0, tzinfo=UTC)
    submission = review.submission
    assert submission.submitted_at == datetime(2024, 2, 3, 10, 5, 0, 250000, tzinfo=UTC)
    assert answers_of(review) == {RISK: "High", ORDERS: ["Colonoscopy", "FIT"], YEARS: "5"}
    said = json.loads(submission.client_data)
    assert (said["aiScoreShown"], said["answerConfigId"]) == (True, "c-1")
    assert said["augmed"]["task_id"] == "t-1"
    assert said["augmed"]["answer"] == [[title, value] for title, value in ANSWER.items()]  # the order of the clicks
    assert json.loads(review_of("t-2").submission.client_data)["aiScoreShown"] is False


def test_its_times_are_events_of_the_client(move):
    move(small_study())

    events = list(review_of("t-1").events.order_by("sequence"))
    assert [event.kind for event in events] == ["case_opened", "answer_opened", "answer_submitted"]
    assert [event.client_at for event in events] == [
        datetime(2024, 2, 3, 10, 0, tzinfo=UTC),
        datetime(2024, 2, 3, 10, 2, 0, 500000, tzinfo=UTC),
        datetime(2024, 2, 3, 10, 4, 59, 123000, tzinfo=UTC),
    ]
    assert len({event.page_session for event in events}) == 1
    assert {event.server_at for event in events} == {datetime(2024, 2, 3, 10, 5, 1, tzinfo=UTC)}


def test_the_questions_are_a_frozen_version(move):
    dump = small_study()
    dump.questions("c-0", [{"type": "Text", "title": "Why?", "required": "true"}], at="2023-12-31 23:59:59")
    move(dump)

    older, newer = QuestionnaireVersion.objects.order_by("number")
    assert [question.text for question in older.questions.all()] == ["Why?"]
    assert newer.created_at == datetime(2024, 1, 3, tzinfo=UTC)
    assert newer.frozen_at is not None
    types = newer.questions.order_by("position").values_list("type", flat=True)
    assert list(types) == ["single_choice", "multiple_choice", "short_text", "paragraph"]


def test_tasks_that_wait_are_display_configs(move):
    move(small_study())

    assignment = review_of("t-3").assignment
    assert (assignment.drawn_by, assignment.position) == ("csv", 3)
    disclosure = assignment.disclosures.get()
    assert [path["path"] for path in json.loads(disclosure.paths)] == [path["path"] for path in PATHS]
    assert not ReviewOpening.objects.filter(review__assignment=assignment).exists()
    details = json.loads(CameOver.objects.get(kind="display_config", key="t-4").details)
    assert details == {"arm": "with score", "experiment_id": "exp-0123456789ab", "rl_run_id": "4"}


def test_augmeds_own_experiments_are_records_without_addresses(move):
    move(small_study())

    record = CameOver.objects.get(kind="experiment")
    ben = User.objects.get(email="ben@example.org")
    assert (record.target_type, record.target_pk) == ("", None)
    assert json.loads(record.details)["case_pool"] == [[ben.pk, 1]]
    assert not CameOver.objects.filter(details__contains="@").exists()
    assert not AuditEvent.objects.filter(action="moved_from_augmed", data__contains="@").exists()


def test_odd_words_in_a_pool_keep_nothing_from_coming(move):
    dump = small_study()
    pool = '[{"user_email": "a\\u0000@b.c", "case_id": 1}, {"user_email": 5, "case_id": "\\u0000"}, 7]'
    dump.add("experiment", experiment_id="exp-1", name="Odd", case_pool=pool)
    dump.add("experiment", experiment_id="exp-2", name="No Unicode", arms='["\\ud800"]')
    dump.add("experiment", experiment_id="exp-3", name="Large", arms="[1e999]")
    report = move(dump)
    assert [one.key for one in report.problems] == ["3", "4"]
    assert report.problems[0].text == "arms holds text that is no Unicode"
    assert json.loads(CameOver.objects.get(kind="experiment", key="2").details)["case_pool"][0] == [None, 1]


def test_a_case_without_a_visit_is_made_for_what_was_read(move):
    dump = small_study()
    dump.answered("t-7", "ada@example.org", 4711)
    dump.task("t-8", "ada@example.org", 4712)

    report = move(dump)

    case = Case.objects.get(number=4711)
    assert (case.visit_occurrence_id, case.source_label) == (None, "AugMed")
    assert [(one.key, one.row) for one in report.problems] == [("t-8", 7)]
    assert "no such visit" in report.problems[0].text
    assert CaseSnapshot.objects.filter(case__number=1).exists()  # of a task that waits


def test_a_case_that_was_read_gets_its_snapshot_when_it_waits_for_another(move, monkeypatch):
    """However many: the bound of what one upload makes by the way is not for a whole move."""
    monkeypatch.setattr("experiments.actions.display_configs.MOST_MADE", 0)
    dump = small_study()
    dump.task("t-8", "ben@example.org", 2)
    assert move(dump).problems == []
    assert CaseSnapshot.objects.count() == 3


def test_an_answer_to_the_attention_check_is_graded(move):
    dump = small_study()
    dump.answer("t-7", "ada@example.org", 3, {**ANSWER, CHECK: "All of the above"}, created_timestamp="2024-03-01")
    dump.answer("t-8", "ben@example.org", 3, {**ANSWER, CHECK: "I prefer not to answer"})

    move(dump)

    study = Experiment.objects.get(kind="configs")
    check = AttentionCheck.objects.get(experiment=study)  # the study's own version 1 has AugMed's words
    assert review_of("t-7").opening.attention_check == check
    passed = AttentionCheckAnswer.objects.order_by("submission").values_list("passed", flat=True)
    assert sorted(passed) == [False, True]
    assert review_of("t-1").opening.attention_check is None


def test_the_attention_check_that_is_asked_here_stays(move):
    from experiments.actions.attention_checks import set_attention_check
    from experiments.actions.display_config_study import display_configs_study

    dump = small_study()
    dump.tables = {name: dump.tables[name] for name in ("system_config",)}
    move(dump)
    study = display_configs_study(by=None)
    set_attention_check(experiment=study, by=None, text="Tick B.", options=["A", "B"], right_answer="B", every=5)

    move(small_study())

    current = AttentionCheck.objects.current(study)
    assert (current.text, current.every) == ("Tick B.", 5)


def test_a_task_without_paths_discloses_what_is_always_shown(move):
    dump = small_study()
    dump.task("t-9", "ben@example.org", 2, None)
    assert move(dump).problems == []
    assert review_of("t-9").assignment.disclosures.get().paths == "[]"


def test_the_number_of_statements_does_not_depend_on_rows(move):
    def statements(count: int) -> int:
        dump = small_study()
        for number in range(count):
            dump.user(f"reader{number}@example.org", password=None)
            dump.answered(f"n-{count}-{number}", f"reader{number}@example.org", 2)
            dump.task(f"w-{count}-{number}", f"reader{number}@example.org", 3)
        with CaptureQueriesContext(connection) as captured:
            assert move(dump).problems == []
        return len(captured)

    move(small_study())
    few, many = statements(10), statements(60)
    assert many < few + 5  # SQLite takes a thousand values in a statement


def test_the_command_says_how_it_went(visits, tmp_path, capsys):
    dump = small_study()
    folder, report = dump.to_folder(tmp_path / "dump"), tmp_path / "report.json"
    call_command("import_augmed", folder, "--dry-run", "--report", str(report))
    assert "A dry run: nothing was stored." in capsys.readouterr().out
    assert json.loads(report.read_text())["tables"]["answer"]["came_over"] == 2
    assert not User.objects.exists()

    dump.task("t-9", "nobody@example.org", 1)
    with pytest.raises(CommandError) as refused:
        call_command("import_augmed", dump.to_folder(tmp_path / "dump"), "--report", str(report))
    assert refused.value.returncode == 1
    written = json.loads(report.read_text())
    assert [one["key"] for one in written["could_not_come_over"]] == ["t-9"]
    assert "not on the roster" in report.read_text()
    assert "@" not in report.read_text()
    assert "t-9 (row 6)" in capsys.readouterr().out


def test_the_ids_of_augmed_can_be_looked_up(visits, tmp_path):
    folder, ids = small_study().to_folder(tmp_path / "dump"), tmp_path / "ids.csv"
    call_command("import_augmed", folder, "--ids", str(ids))
    with ids.open(newline="") as file:
        listed = {(row["kind"], row["id_in_augmed"]): row for row in csv.DictReader(file)}
    assert len(listed) == CameOver.objects.count()
    assert listed["answer", "1"]["id_here"] == review_of("t-1").public_id.hex
    assert listed["display_config", "t-1"]["id_here"] == review_of("t-1").public_id.hex
    assert listed["user", "1"]["id_here"] == str(User.objects.get(email="ada@example.org").pk)
    assert "Scores" in listed["experiment", "1"]["details"]
    assert "@" not in ids.read_text()
