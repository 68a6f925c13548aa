"""The whole move, from files: what is here afterwards, and that it comes once."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from augmed.foundation import audit
from augmed.foundation.models import AuditEvent
from augmed.published.models import CameOver
from augmed.published.moving.run import import_augmed
from augmed.published.moving.tests.dump import ANSWER, CHECK, ORDERS, PATHS, RISK, YEARS, Dump, small_study
from augmed.published.tests.augmed_study import make_visits
from cases.models import Case, CaseSnapshot
from experiments.models import (
    Answer,
    Assignment,
    AttentionCheck,
    AttentionCheckAnswer,
    Enrolment,
    Experiment,
    QuestionnaireVersion,
    Review,
    ReviewEvent,
    ReviewOpening,
    Submission,
)
from participants.models import User

pytestmark = pytest.mark.django_db
KEPT = (Answer, Assignment, CameOver, Case, Enrolment, QuestionnaireVersion, Review, ReviewEvent, Submission, User)


@pytest.fixture
def visits(db: None) -> list[int]:
    return make_visits(3)


@pytest.fixture
def move(visits: list[int], tmp_path: Path) -> Any:
    def run(dump: Dump, **options: Any) -> Any:
        return import_augmed(source=dump.to_folder(tmp_path / "dump"), by=None, **options)

    return run


def rows() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in KEPT}


def review_of(task: str) -> Review:
    return Review.objects.get(pk=CameOver.objects.get(kind="display_config", key=task).target_pk)


def answers_of(review: Review) -> dict[str, Any]:
    found = Answer.objects.filter(submission__review=review).select_related("question")
    return {answer.question.text: json.loads(answer.value) for answer in found}


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


def test_a_second_run_changes_nothing(move):
    first = move(small_study())
    before = rows()
    events = AuditEvent.objects.count()

    again = move(small_study())

    assert rows() == before
    assert AuditEvent.objects.count() == events
    assert again.problems == []
    assert {table: one.was_there for table, one in again.counts.items()} == {
        table: one.read for table, one in first.counts.items()
    }
    assert sum(one.came_over for one in again.counts.values()) == 0


def test_a_dry_run_reports_the_same_and_stores_nothing(move):
    before = rows()
    dry = move(small_study(), dry_run=True)
    assert rows() == before
    assert AuditEvent.objects.count() == 0
    assert dry.counts == move(small_study()).counts


def test_what_was_answered_in_augmed_meanwhile_is_answered_here(move):
    """The team moves on a Friday, somebody answers on the old server, and they move again on Monday."""
    dump = small_study()
    move(dump)
    review = review_of("t-3")
    dump.answer("t-3", "ada@example.org", 3, created_timestamp="2024-02-05 08:00:00")
    dump.answer("t-5", "ada@example.org", 3, created_timestamp="2024-02-05 09:00:00")

    report = move(dump)

    assert report.problems == []
    assert review_of("t-3") == review
    assert review.submission.submitted_at == datetime(2024, 2, 5, 8, tzinfo=UTC)
    assert review.opening.recorded_disclosure
    assert review_of("t-5").assignment.replicate == 2  # the same case, read again under another task


def test_a_person_whose_answers_were_erased_here_does_not_come_again(move):
    from experiments.actions.erasure import erase_enrolment

    dump = small_study()
    move(dump)
    enrolment = Enrolment.objects.get(user__email="ada@example.org")
    erase_enrolment(enrolment=enrolment, by=None, reason="asked for")
    dump.answer("t-9", "ada@example.org", 3)

    report = move(dump)

    assert [problem.text for problem in report.problems] == ["what this person gave was erased here"]
    assert not Answer.objects.exclude(value="").exists()
    assert not Submission.objects.exclude(client_data="").exists()


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


def test_a_step_that_is_stopped_leaves_the_steps_before_it_and_is_done_again(move, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("augmed.published.moving.run.move_times", _stop)
        with pytest.raises(KeyboardInterrupt):
            move(small_study())
    assert rows()["Submission"] == 2
    with monkeypatch.context() as patched:
        patched.setattr("augmed.published.moving.times._events", _stop)
        with pytest.raises(KeyboardInterrupt):
            move(small_study())
    assert not CameOver.objects.filter(kind="analytics").exists()

    report = move(small_study())

    assert report.problems == []
    assert {table: one.came_over for table, one in report.counts.items() if one.came_over} == {
        "analytics": 2,
        "display_config": 2,
    }


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


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


def test_a_task_without_paths_discloses_what_is_always_shown(move):
    dump = small_study()
    dump.task("t-9", "ben@example.org", 2, None)
    assert move(dump).problems == []
    assert review_of("t-9").assignment.disclosures.get().paths == "[]"


def test_two_databases_can_come_to_one_place(move):
    move(small_study())
    before = rows()
    report = move(small_study(), origin="the other hospital")
    assert report.counts["user"].was_there == 2
    assert rows()["CameOver"] > before["CameOver"]
    assert rows()["User"] == before["User"]


def test_without_a_layout_the_rest_waits(move):
    dump = small_study()
    del dump.tables["system_config"]
    report = move(dump)
    assert {one.table for one in report.problems} == {"answer_config", "answer", "analytics", "display_config"}
    assert "no page layout" in report.problems[0].text
    assert report.counts["user"].came_over == 2


def test_a_layout_changed_here_is_left_as_it_is(move):
    from cases.actions import import_layout
    from cases.models import LayoutVersion

    move(small_study())
    own = {"PATIENT COMPLAINT": {"Complaint": [38000282]}}
    import_layout(content=own, by=None, name="AugMed page_config")
    before = LayoutVersion.objects.count()
    assert move(small_study()).counts["system_config"].was_there == 1
    assert LayoutVersion.objects.count() == before


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
