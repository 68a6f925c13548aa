"""What the files of an export say, against what was recorded."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid

import jsonschema
import pytest

from experiments.actions.enrolment import enrol
from experiments.actions.events import record_events
from experiments.actions.exports import export_to_folder
from experiments.models import Answer, Assignment, Enrolment, Review, ReviewEvent
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, answer, reviews_of

pytestmark = pytest.mark.django_db

TABLES = ("reviews", "events", "looks", "changes", "pages", "assignments", "enrolments", "references", "protocols")


def export(study, folder):
    export_to_folder(experiment=study, folder=folder)
    return Opened(folder / f"{study.code}.zip")


@pytest.fixture
def exported(answered, clinician, tmp_path):
    review = Review.objects.owned_by(clinician).in_order().first()
    change = {"page_session": uuid.uuid4(), "sequence": 1, "kind": "question_changed", "question_key": "risk"}
    record_events(public_id=review.public_id, events=[change], by=clinician)
    return export(answered, tmp_path / "out")


def test_every_review_is_one_row_with_what_was_recorded(answered, exported):
    rows = {row["review"]: row for row in exported.rows("reviews")}
    reviews = Review.objects.filter(assignment__enrolment__experiment=answered).select_related(
        "assignment__case", "assignment__arm", "assignment__enrolment", "opening__snapshot", "opening__disclosure_set"
    )
    assert len(rows) == reviews.count() >= 7
    for review in reviews:
        row, assignment = rows[review.public_id.hex], review.assignment
        assert row["pseudonym"] == assignment.enrolment.pseudonym
        assert row["case_number"] == str(assignment.case.number)
        assert (row["arm"], row["stage"]) == (assignment.arm.key, str(review.stage_position))
        assert row["stage_name"] == f"Step {review.stage_position}"
        assert row["position"] == str(assignment.position)
        assert (row["drawn_by"], float(row["marginal_probability"])) == ("rule", assignment.marginal_probability)
        assert float(row["conditional_probability"]) == assignment.conditional_probability
        assert row["disclosed_sha256"] == review.opening.disclosed_sha256
        assert row["snapshot_sha256"] == review.opening.snapshot.sha256
        assert row["disclosure_set_sha256"] == review.opening.disclosure_set.sha256
        assert (row["protocol_version"], row["engine_version"]) == ("1", review.opening.engine_version)
        assert row["opened_at"] == review.opening.opened_at.isoformat(timespec="milliseconds")
        assert row["submitted_at"] == review.submission.submitted_at.isoformat(timespec="milliseconds")
        given = {a.question_key: json.loads(a.value) for a in Answer.objects.filter(submission=review.pk)}
        assert (row["answer.diagnosis"], row["answer.risk"]) == (given["diagnosis"], given["risk"])
        assert row["answer.remarks"] == "'" + given["remarks"]
        assert (row["correctness.diagnosis"], row["reference_version.diagnosis"]) == ("1", "1")
        assert (row["correctness.risk"], row["reference_version.risk"]) == ("0.04", "1")


def test_features_say_whether_they_were_shown_and_what_they_said(exported):
    lines = exported.lines("reviews")
    by_stage = {(line["arm"], line["stage"]): line for line in lines}
    for (arm, stage), line in by_stage.items():
        advised = arm == "with-advice" or stage == 2
        assert line["advice (shown)"] is advised
        assert line["advice (value)"] == (["12 %"] if advised else None)
        assert line["lab|c:3016723 (shown)"] is True
        assert line["lab|c:3016723 (value)"] == ["0 u"]
    assert any(line["advice (shown)"] for line in lines)


def test_what_nobody_opened_is_there_without_answers_and_features(study, clinician, tmp_path):
    factories.make_enrolment(study, clinician)
    exported = export(study, tmp_path)
    lines = exported.lines("reviews")
    assert len(lines) == Review.objects.count()
    for line in lines:
        assert line["arm"]
        assert line["available_from"] is None
        for name in ("opened_at", "submitted_at", "snapshot_sha256", "answer.diagnosis", "age (shown)", "age (value)"):
            assert line[name] is None
    assert list(lines[0]) == next(csv.reader(io.StringIO(exported.text("reviews.csv"))))


def test_csv_and_json_lines_agree(exported):
    for table in TABLES:
        rows, lines = exported.rows(table), exported.lines(table)
        assert len(rows) == len(lines) > 0
        for row, line in zip(rows, lines, strict=True):
            assert list(row) == list(line)
            for name, value in line.items():
                if name.endswith("(value)"):
                    assert row[name] == " | ".join(value or ())
                elif isinstance(value, str) and not value.startswith("="):
                    assert row[name] in (value, json.dumps(value))
                elif value is None:
                    assert row[name] == ""
                elif isinstance(value, bool):
                    assert row[name] == ("true" if value else "false")
                elif isinstance(value, int | float):
                    assert float(row[name]) == value


def test_every_line_is_valid_by_the_schema_in_the_codebook(exported):
    files = {file["name"]: file for file in exported.json("codebook.json")["files"]}
    assert set(files) == set(TABLES)
    for table in TABLES:
        schema = files[table]["json_schema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for line in exported.lines(table):
            validator.validate(line)
        bad = {**exported.lines(table)[0], "not a column": 1}
        assert not validator.is_valid(bad)


def test_the_codebook_names_every_column_question_feature_and_arm(answered, exported):
    book = exported.json("codebook.json")
    listed = {(row["file"], row["column"]) for row in exported.rows("codebook")}
    for table in TABLES:
        for column in exported.rows(table)[0]:
            assert (table, column) in listed
    for row in exported.rows("codebook"):
        assert row["meaning"]
    assert {q["key"]: q["versions"][0]["text"] for q in book["questions"]}["risk"] == "How likely?"
    assert book["questions"][0]["versions"][0]["options"] == ["yes", "no"]
    assert [arm["key"] for arm in book["arms"]] == [arm.key for arm in answered.arms.order_by("position")]
    labels = {feature["key"]: (feature["path"], feature["label"]) for feature in book["features"]}
    assert labels["lab|c:3000963"] == (["Findings", "Laboratory"], "Hemoglobin")


def test_the_manifest_tells_rows_sizes_and_hashes_of_every_file(exported):
    manifest = exported.json("manifest.json")
    assert [file["name"] for file in manifest["files"]] + ["manifest.json"] == list(exported.content)
    for file in manifest["files"]:
        content = exported.content[file["name"]]
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
        if file["name"].endswith(".jsonl"):
            assert file["rows"] == content.count(b"\n") == len(exported.rows(file["name"][:-6]))
    assert manifest["application_version"]
    assert manifest["filters"]["arms"] == "shown"
    assert manifest["filters"]["identified"] is False


def test_events_assignments_and_references_are_there(answered, exported):
    assert len(exported.lines("events")) == ReviewEvent.objects.count()
    client = [line for line in exported.lines("events") if line["page_session"]]
    assert {(line["kind"], line["feature"], line["sequence"]) for line in client} == {
        ("feature_opened", "age", 1),
        ("question_changed", None, 1),
    }
    assert len(exported.lines("assignments")) == Assignment.objects.count() == 6
    assert {line["value"] for line in exported.lines("references")} == {"yes", "no"}
    (protocol,) = exported.lines("protocols")
    assert protocol["content"]["experiment"] == answered.code


def test_training_and_previews_are_never_exported(answered, other_clinician, make_user, tmp_path):
    before = export(answered, tmp_path / "before")
    for user, kind in (
        (other_clinician, "training"),
        (make_user("previewer@example.org", is_superuser=True), "preview"),
    ):
        made = enrol(experiment=answered, user=user, by=None, kind=kind)
        case = answered.study_cases.first().case
        arm = answered.arms.first()
        assignment = Assignment.objects.create(enrolment=made, case=case, arm=arm, position=1, drawn_by="staff")
        answer(Review.objects.create(assignment=assignment), remarks="not real")
    after = export(answered, tmp_path / "after")
    assert Enrolment.objects.count() == 3
    for table in ("reviews", "events", "assignments", "enrolments"):
        assert after.content[f"{table}.csv"] == before.content[f"{table}.csv"]
    assert "not real" not in after.everything()


def test_more_data_leave_the_columns_and_the_rows_before_as_they_were(answered, other_clinician, tmp_path):
    before = export(answered, tmp_path / "before")
    for review in reviews_of(factories.make_enrolment(answered, other_clinician)):
        answer(review)
    after = export(answered, tmp_path / "after")
    assert after.text("reviews.csv").startswith(before.text("reviews.csv"))
    assert after.text("reviews.jsonl").startswith(before.text("reviews.jsonl"))
    assert after.content["codebook.csv"] == before.content["codebook.csv"]


def test_multiple_choice_is_a_list_and_in_the_csv_a_json_list(lead, clinician, tmp_path):
    questions = [
        {"key": "signs", "type": "multiple_choice", "text": "Which?", "options": ["a", "b, c", "=d"]},
        {"key": "when", "type": "date", "text": "When?"},
        {"key": "dose", "type": "number", "text": "How much?", "unit": "mg"},
    ]
    study = factories.make_study(by=lead, cases=1, questions=questions)
    (review, *_) = reviews_of(factories.make_enrolment(study, clinician))
    from experiments.actions.reviews import open_review, submit

    open_review(public_id=review.public_id, by=clinician)
    given = {"signs": ["=d", "b, c"], "when": "2020-02-29", "dose": "-12345678901234567890.5"}
    submit(public_id=review.public_id, answers=given, by=clinician)
    exported = export(study, tmp_path)
    row, line = exported.rows("reviews")[0], exported.lines("reviews")[0]
    assert line["answer.signs"] == ["=d", "b, c"]
    assert json.loads(row["answer.signs"]) == ["=d", "b, c"]
    assert row["answer.when"] == line["answer.when"] == "2020-02-29"
    assert row["answer.dose"] == "-12345678901234567890.5"  # a number, so no ' before it
    assert '"answer.dose":-12345678901234567890.5' in exported.text("reviews.jsonl")


def test_a_study_without_anybody_exports_empty_tables(study, tmp_path):
    exported = export(study, tmp_path)
    assert exported.rows("reviews") == []
    assert exported.content["reviews.jsonl"] == b""
    assert "answer.diagnosis" in exported.text("reviews.csv")


def test_a_draft_exports_too(draft, tmp_path):
    exported = export(draft, tmp_path)
    assert exported.rows("reviews") == exported.rows("protocols") == []


def test_the_number_of_statements_does_not_grow_with_rows(answered, tmp_path, django_assert_max_num_queries):
    def count(folder):
        with django_assert_max_num_queries(60) as captured:
            export_to_folder(experiment=answered, folder=tmp_path / folder)
        return len(captured.captured_queries)

    few = count("few")
    for _ in range(6):
        for review in reviews_of(factories.make_enrolment(answered)):
            answer(review)
    assert Review.objects.count() > 30
    assert count("many") == few
