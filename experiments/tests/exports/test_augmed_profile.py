"""AugMed's answer export: its 67 columns for a study like AugMed's, and every other study's own."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.errors import Invalid
from augmed.foundation.models import Job
from cases.actions import import_layout, put_forward, redact_snapshot
from cases.models import Case
from cases.tests import omop_rows
from experiments.actions.display_configs import apply
from experiments.actions.enrolment import withdraw
from experiments.actions.events import record_events
from experiments.actions.exports import download_export, export_path, export_to_folder, may_fetch, request_export
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role, revoke_role
from experiments.exports.augmed.rows import anonymised_user_id
from experiments.exports.writing import Profile
from experiments.models import Assignment, Experiment, Review, ReviewOpening, Submission
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, answer, reviews_of

FAMILY_NAMES = ("Cancer", "Colorectal Cancer", "Diabetes", "Hypertension")
MEDICAL_NAMES = (
    *("Abdominal Pain/Distension", "Anxiety and/or Depression", "Asthma", "Blood Stained Stool", "Chronic Diarrhea"),
    *("Constipation", "Diabetes", "Fatigue", "Headache", "Hyperlipidemia", "Hypertension", "Hypothyroidism"),
    *("Irritable Bowel Syndrome", "Migraines", "Osteoarthritis", "Rectal Bleeding", "Shortness of Breath"),
    "Tenderness Abdomen",
)
FEATURES = [f"Family History.{name}" for name in FAMILY_NAMES] + [f"Medical History.{name}" for name in MEDICAL_NAMES]
SIXTY_SEVEN = [
    *("person_id", "user_id", "order_id"),
    *("case_open_time", "answer_open_time", "answer_submit_time"),
    *("to_answer_open_secs", "to_submit_secs", "total_duration_secs"),
    *("age", "gender"),
    *(f"{name} (shown)" for name in FEATURES),
    "ai_score (shown)",
    *(f"{name} (value)" for name in FEATURES),
    "ai_score (value)",
    *("risk_assessment", "confidence_level", "screening_recommendation", "additional_info"),
    *("professional_role", "professional_role_other", "practice_years", "practice_state", "experience_screening"),
    "years_screening",
]
FAMILY, MEDICAL, SCORE, BMI, PRESSURE, COMPLAINT = 4167217, 1008364, 45614722, 40490382, 4154790, 38000282
PAGE_CONFIG = {
    "BACKGROUND": {
        "Family History": [FAMILY],
        "Medical History": [MEDICAL],
        "CRC risk assessments": [SCORE],
    },
    "PATIENT COMPLAINT": {"Chief Complaint": [COMPLAINT]},
    "PHYSICAL EXAMINATION": {"Body": [BMI], "Pressure": [PRESSURE]},
}
QUESTIONS = [
    {"key": "risk_assessment", "type": "single_choice", "text": "What is the risk?", "options": ["Low", "High"]},
    {"key": "confidence_level", "type": "single_choice", "text": "How sure are you?", "options": ["1", "2"]},
    {"key": "screening-recommendation", "type": "short_text", "text": "Which screening?"},
    {"key": "additional_info", "type": "paragraph", "text": "Anything else?", "required": False},
]
WITHOUT = factories.show("background-family-history", "background-medical-history", "physical-examination-body")
WITH = [*WITHOUT, *factories.show("background-crc-risk-assessments")]


@pytest.fixture
def layout_version(db: None) -> Any:
    names = {FAMILY: "Family", MEDICAL: "Medical", SCORE: "Score", BMI: "BMI (body mass index) centile"}
    for concept_id, name in {**names, PRESSURE: "Pressure", COMPLAINT: "Complaint", 8507: "MALE"}.items():
        omop_rows.concept(concept_id, name)
    for number in (1, 2):
        omop_rows.person(number, year_of_birth=1950 + number, month_of_birth=1, day_of_birth=1, gender_concept_id=8507)
        omop_rows.visit(number, number, date(2020, 5, 17))
        own = {"person_id": number, "visit_id": number}
        for concept_id, listed in ((FAMILY, FAMILY_NAMES), (MEDICAL, MEDICAL_NAMES)):
            for at, name in enumerate(listed):
                omop_rows.event(
                    "observation", concept_id, value_as_string=f"{name}: {'Yes' if at % 2 else 'No'}", **own
                )
        for text in (f"Adjusted CRC Risk: {20 + number}", f"Colorectal Cancer Score: {number}"):
            omop_rows.event("observation", SCORE, value_as_string=text, **own)
        omop_rows.event("observation", 437663, type_id=COMPLAINT, value_as_string="3 days", **own)
        omop_rows.event("measurement", BMI, value_as_number=22, **own)
        omop_rows.event("measurement", PRESSURE, value_as_number=120, **own)
    version = import_layout(content=PAGE_CONFIG, by=None, name="page_config")
    put_forward(visit_ids=[1, 2], by=None)
    return version


@pytest.fixture
def augmeds(layout_version: Any, lead: Any) -> Experiment:
    """A study like AugMed's: its page, its questions, an arm with the score and one without."""
    study = factories.make_study(
        by=lead,
        active=False,
        layout_version=layout_version,
        cases=list(Case.objects.order_by("number")),
        arms={"Plain": [WITHOUT], "Score": [WITH]},
        questions=QUESTIONS,
        allocation_rule="arm_per_participant",
        block_multiples=[1],  # so that the second participant gets the other arm
    )
    activate(experiment=study, by=lead, confirmed={"compatibility_visibility"})
    return study


def read(review: Review, **answers: str) -> None:
    user = review.assignment.enrolment.user
    open_review(public_id=review.public_id, by=user)
    page = uuid4()
    begin = datetime(2026, 11, 20, 15, tzinfo=timezone.get_fixed_timezone(0))
    record_events(
        public_id=review.public_id,
        by=user,
        events=[
            {"page_session": page, "sequence": n, "kind": kind, "client_at": begin + timedelta(seconds=10 * n)}
            for n, kind in enumerate(("case_opened", "answer_opened", "answer_submitted"), 1)
        ],
    )
    given = {"risk_assessment": "High", "confidence_level": "2", "screening-recommendation": "FIT"}
    submit(public_id=review.public_id, answers={**given, **answers}, by=user)


@pytest.fixture
def read_by_two(augmeds: Experiment) -> Experiment:
    """Two participants, one in each arm, have read both cases."""
    for at in range(2):
        person = factories.make_participant(f"reader-{at}@Example.org", professional_role="GP", practice_years=3.5)
        for review in reviews_of(factories.make_enrolment(augmeds, person)):
            read(review)
    return augmeds


def exported(study: Experiment, folder: Any, **options: Any) -> Opened:
    export_to_folder(experiment=study, folder=folder, profile=Profile.AUGMED, **options)
    return Opened(folder / f"{study.code}.zip")


@pytest.mark.django_db
def test_a_study_like_augmeds_has_exactly_its_67_columns(read_by_two, tmp_path):
    assert len(SIXTY_SEVEN) == 67
    archive = exported(read_by_two, tmp_path)
    assert archive.text("answers.csv").split("\r\n")[0] == ",".join(SIXTY_SEVEN)
    assert list(archive.lines("answers")[0]) == SIXTY_SEVEN
    assert list(archive.content) == ["answers.csv", "answers.jsonl", "codebook.csv", "codebook.json", "manifest.json"]


@pytest.mark.django_db
def test_each_answered_review_is_one_row_that_says_what_it_showed(read_by_two, tmp_path):
    lines = exported(read_by_two, tmp_path).lines("answers")
    assert [line["order_id"] for line in lines] == [1, 2, 1, 2]
    people = {line["user_id"] for line in lines}
    assert people == set(read_by_two.enrolments.values_list("pseudonym", flat=True))
    scored = set(read_by_two.enrolments.filter(assignments__arm__name="Score").values_list("pseudonym", flat=True))
    assert len(scored) == 1
    for line in lines:
        assert line["ai_score (shown)"] == ("Yes" if line["user_id"] in scored else "No")
        assert line["ai_score (value)"] == str(line["person_id"])  # the score, not the adjusted risk beside it
        assert (line["age"], line["gender"]) == (str(2020 - 1950 - line["person_id"]), "MALE")
        assert {line[f"{name} (shown)"] for name in FEATURES} == {True}
        assert (line["Family History.Cancer (value)"], line["Medical History.Asthma (value)"]) == ("No", "No")
        assert line["Medical History.Diabetes (value)"] == "No"
        assert line["Family History.Colorectal Cancer (value)"] == "Yes"
        assert line["case_open_time"] == "2026-11-20T15:00:10.000+00:00"
        assert (line["to_answer_open_secs"], line["total_duration_secs"]) == (10.0, 20.0)
        assert (line["risk_assessment"], line["screening_recommendation"]) == ("High", "FIT")
        assert line["additional_info"] is None
        assert (line["professional_role"], line["practice_years"]) == ("GP", "3.5")
        assert line["practice_state"] is None


@pytest.mark.django_db
def test_the_number_of_a_participant_is_told_only_with_the_addresses(read_by_two, tmp_path):
    lines = exported(read_by_two, tmp_path, identified=True).lines("answers")
    digest = hashlib.sha256(b"reader-0@example.org").digest()
    assert lines[0]["user_id"] == str(int.from_bytes(digest[:8], "big"))
    assert "example.org" not in exported(read_by_two, tmp_path / "again", identified=True).text("answers.csv")


@given(st.binary(min_size=8, max_size=8))
def test_numbers_of_participants_are_whole_texts(raw):
    number = anonymised_user_id(f" {raw.hex()}@EXAMPLE.org ")
    assert number == anonymised_user_id(f"{raw.hex()}@example.org")
    assert 0 < int(number) < 2**64
    assert anonymised_user_id("  ") == "0"


@pytest.fixture
def export(django_capture_on_commit_callbacks):
    def made(study, user, **options):
        with django_capture_on_commit_callbacks(execute=True):
            job = request_export(experiment=study, by=user, profile="augmed", **options)
        job.refresh_from_db()
        assert job.status == Job.Status.SUCCEEDED, job.error
        return job

    return made


def staff(make_user, study, role):
    user = make_user(f"{role}@example.org", is_staff=True)
    grant_role(user=user, experiment=study, role=role, by=None)
    return user


@pytest.mark.django_db
def test_what_was_not_shown_is_told_only_to_those_who_may_see_whole_cases(
    read_by_two, export, make_user, administrator
):
    analyst = staff(make_user, read_by_two, "unblinded_analyst")
    for line in Opened(export_path(export(read_by_two, analyst))).lines("answers"):
        shown = line["ai_score (shown)"] == "Yes"
        assert line["ai_score (value)"] == (str(line["person_id"]) if shown else None)
        assert line["age"]
    job = export(read_by_two, administrator)
    assert all(line["ai_score (value)"] for line in Opened(export_path(job)).lines("answers"))
    assert job.result["filters"]["undisclosed_values"] is True
    assert may_fetch(job, administrator)
    assert not may_fetch(job, analyst)


@pytest.mark.django_db
def test_masked_rows_tell_no_arm(read_by_two, export, make_user, lead):
    for user in (staff(make_user, read_by_two, "blinded_analyst"), lead):
        archive = Opened(export_path(export(read_by_two, user)))
        lines = archive.lines("answers")
        assert list(lines[0]) == SIXTY_SEVEN
        for line in lines:
            assert line["ai_score (shown)"] is line["ai_score (value)"] is None
            assert line["case_open_time"] == "2026-11-20"
            assert {line[f"{name} (shown)"] for name in FEATURES} == {True}
        for marker in ("Plain", '"plain"', "Colorectal Cancer Score", "Adjusted"):
            assert marker not in archive.everything()


@pytest.mark.django_db
def test_a_masked_age_that_one_arm_shows_is_not_there(lead, export, make_user):
    arms = {"With": [factories.show("age", "lab")], "Without": [factories.show("lab")]}
    study = factories.make_study(by=lead, cases=2, arms=arms)
    for review in reviews_of(factories.make_enrolment(study)):
        answer(review)
    blinded = staff(make_user, study, "blinded_analyst")
    assert {line["age"] for line in Opened(export_path(export(study, blinded))).lines("answers")} == {None}
    unblinded = staff(make_user, study, "unblinded_analyst")
    assert None in {line["age"] for line in Opened(export_path(export(study, unblinded))).lines("answers")}


@pytest.mark.django_db
def test_another_study_has_its_own_columns(answered, tmp_path):
    answered.enrolments.update(intake={"specialty": "surgery", "age": "40"})
    line, *_ = exported(answered, tmp_path).lines("answers")
    names = list(line)
    assert {"Laboratory.Hemoglobin (shown)", "Laboratory.Hemoglobin (value)"} <= set(names)
    assert "Risk estimate" not in "".join(names)  # advice has a column of its own
    assert names[-8:] == [*SIXTY_SEVEN[-6:], "participant.age", "specialty"]
    assert names[-11:-8] == ["diagnosis", "risk", "remarks"]
    assert (line["specialty"], line["participant.age"]) == ("surgery", "40")
    assert line["Laboratory.Creatinine (value)"] == "0 u"


@pytest.mark.django_db
def test_categories_of_one_name_are_told_apart(lead, clinician, tmp_path):
    from cases.models import LayoutNode

    version = factories.make_layout()
    LayoutNode.objects.filter(version=version, key="patient").update(label="Laboratory")
    LayoutNode.objects.filter(version=version, key="age").update(demographic="", source="observation")
    tree = factories.make_tree(labs={1: ("Age", "1")})
    case = factories.make_case(tree=tree, layout_version=version)
    study = factories.make_study(by=lead, layout_version=version, cases=[case])
    for review in reviews_of(factories.make_enrolment(study, clinician)):
        answer(review)
    line, *_ = exported(study, tmp_path).lines("answers")
    assert line["Findings.Laboratory.Age (value)"] == "1 u"
    assert line["Laboratory.Age (value)"] == "60"


@pytest.mark.django_db
def test_the_codebook_lists_the_columns_and_the_schema_holds(read_by_two, tmp_path):
    import jsonschema

    archive = exported(read_by_two, tmp_path)
    book = [row for row in archive.rows("codebook") if row["file"] == "answers"]
    assert [row["column"] for row in book] == SIXTY_SEVEN
    asked = next(row for row in book if row["column"] == "screening_recommendation")
    assert (asked["label"], asked["question_text"]) == ("screening-recommendation", "Which screening?")
    schema = archive.json("codebook.json")["files"][0]["json_schema"]
    for line in archive.lines("answers"):
        jsonschema.Draft202012Validator(schema).validate(line)
    assert archive.json("manifest.json")["filters"]["profile"] == "augmed"


@pytest.mark.django_db
def test_those_who_withdrew_and_withdrawn_cases(read_by_two, lead, tmp_path):
    gone = read_by_two.enrolments.order_by("arrival").first()
    first = Submission.objects.filter(review__assignment__enrolment=gone).order_by("submitted_at").first()
    withdraw(enrolment=gone, by=lead, reason="Asked to.", at=first.submitted_at, document="v1")
    redact_snapshot(snapshot=Case.objects.get(number=2).snapshots.get(), by=lead, reason="Asked to.")
    lines = exported(read_by_two, tmp_path).lines("answers")
    assert len(lines) == 3
    for line in lines:
        withdrawn = line["person_id"] is None
        assert (line["Family History.Cancer (shown)"] is None) == withdrawn
        assert (line["age"] is None) == withdrawn
    assert sum(line["person_id"] is None for line in lines) in (1, 2)


@pytest.mark.django_db
def test_what_augmed_recorded_is_read_from_its_record(layout_version, lead, clinician, tmp_path):
    apply(file=f"User,Case No.,Path\n{lead.email},1,BACKGROUND.Family History.Cancer: No\n".encode(), by=None)
    study = Experiment.objects.get(kind="configs")
    version = factories.make_questionnaire(study, questions=QUESTIONS)
    enrolment = factories.make_enrolment(study, clinician)
    case = Case.objects.get(number=1)
    assignment = Assignment.objects.create(enrolment=enrolment, case=case, position=1, drawn_by="augmed")
    review = Review.objects.create(assignment=assignment)
    paths = ["BACKGROUND.Family History.Gout: No", "RISK ASSESSMENT.Colorectal Cancer Score: 8"]
    record = json.dumps([{"path": path, "style": {"collapse": True}} for path in paths])
    ReviewOpening.objects.create(review=review, questionnaire_version=version, recorded_disclosure=record)
    said = json.dumps({"ai_score_shown": False})
    Submission.objects.create(review=review, answers_sha256="0" * 64, client_data=said)
    line, *_ = exported(study, tmp_path).lines("answers")
    assert (line["Family History.Gout (shown)"], line["Family History.Gout (value)"]) == (True, "No")
    assert line["Family History.Cancer (shown)"] is False
    assert (line["ai_score (shown)"], line["ai_score (value)"]) == ("No", "8")
    assert (line["age"], line["person_id"]) == (None, 1)


@pytest.mark.django_db
def test_the_command_the_api_and_the_page_ask_for_it(
    read_by_two, api, client, administrator, tmp_path, django_capture_on_commit_callbacks
):
    call_command("export_experiment", read_by_two.code, "--profile", "augmed", output=tmp_path, stdout=StringIO())
    assert len((tmp_path / "answers.csv").read_text().split("\n")[0].split(",")) == 67
    with django_capture_on_commit_callbacks(execute=True):
        asked = api(administrator).post(f"/api/v2/experiments/{read_by_two.code}/exports", {"profile": "augmed"})
    assert (asked.status_code, asked.json()["profile"]) == (202, "augmed")
    refused = api(administrator).post(f"/api/v2/experiments/{read_by_two.code}/exports", {"profile": "other"})
    assert refused.status_code == 422
    client.force_login(administrator)
    page = f"/admin/experiments/experiment/{read_by_two.pk}/exports/"
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page, {"profile": "augmed"})
    assert [job.parameters["profile"] for job in Job.objects.all()] == ["augmed", "augmed"]
    assert "AugMed's answer export" in client.get(page).content.decode()
    with pytest.raises(Invalid):
        request_export(experiment=read_by_two, by=administrator, profile="other")


@pytest.mark.django_db
def test_who_lost_the_right_to_whole_cases_cannot_fetch_what_shows_them(read_by_two, export, make_user, lead):
    job = export(read_by_two, lead)
    assert job.result["filters"]["undisclosed_values"] is True
    assert download_export(job=job, by=lead).bytes > 0
    staff(make_user, read_by_two, "lead")
    grant_role(user=lead, experiment=read_by_two, role="blinded_analyst", by=None)
    revoke_role(user=lead, experiment=read_by_two, role="lead", by=None)
    lead = type(lead).objects.get(pk=lead.pk)
    assert not may_fetch(job, lead)


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow_with_rows(read_by_two, tmp_path, django_assert_max_num_queries):
    def count(folder):
        with django_assert_max_num_queries(50) as captured:
            exported(read_by_two, tmp_path / folder)
        return len(captured.captured_queries)

    few = count("few")
    for _ in range(6):
        for review in reviews_of(factories.make_enrolment(read_by_two)):
            read(review)
    assert count("many") == few
