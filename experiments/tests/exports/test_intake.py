"""What an export holds of joining: what readers told about themselves, which consent they signed; never their name,
never their practice."""

from __future__ import annotations

import json

import jsonschema
import pytest

from experiments.actions.consent_versions import publish_consent_document, shown_sha256
from experiments.actions.enrolment import erase_enrolment
from experiments.actions.exports import export_to_folder
from experiments.actions.intake import submit_intake
from experiments.actions.joining import sign_consent
from experiments.actions.references import set_reference
from experiments.actions.reviews import open_review, submit
from experiments.exports.scope import Rights
from experiments.exports.study import Study
from experiments.models import Enrolment
from experiments.screens.joining.tests import helpers
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened

pytestmark = pytest.mark.django_db


def tell(enrolment, study, **answers):
    document = study.consent_documents.get()
    sign_consent(
        enrolment=enrolment, name="Ada Secretname", agrees=True, shown=shown_sha256(document), by=enrolment.user
    )
    version = study.intake_questionnaire.versions.get()
    return submit_intake(enrolment=enrolment, version=version.public_id, answers=answers, by=enrolment.user)


def practise(enrolment):
    for review in helpers.practice(enrolment):
        open_review(public_id=review.public_id, by=enrolment.user)
        answers = {"diagnosis": "yes", "risk": "1", "remarks": "practised sentinel"}
        submit(public_id=review.public_id, answers=answers, by=enrolment.user)


@pytest.fixture
def study(lead):
    return helpers.joining_study(lead)


@pytest.fixture
def told(study, clinician, other_clinician):
    first, second = (factories.make_enrolment(study, person) for person in (clinician, other_clinician))
    tell(first, study, experience="more", years="12.5")
    tell(second, study, experience="< 5 years")
    return first, second


def test_every_signature_is_a_row_with_its_version_and_its_words(study, told, lead, tmp_path):
    first, second = told
    publish_consent_document(
        experiment=study, title="Information", text="New.", asks_again=True, what_changed="All of it.", by=lead
    )
    newest = study.consent_documents.get(number=2)
    sign_consent(enrolment=first, name="Ada Secretname", agrees=True, shown=shown_sha256(newest), by=first.user)
    rows = export(study, tmp_path).rows("consents")
    assert [(row["pseudonym"], row["kind"], row["version"], row["language"]) for row in rows] == [
        (first.pseudonym, "given", "1", "en"),
        (first.pseudonym, "given", "2", "en"),
        (second.pseudonym, "given", "1", "en"),
    ]
    assert rows[1]["text_sha256"] == shown_sha256(newest)
    assert "Secretname" not in str(rows)


def export(study, folder):
    export_to_folder(experiment=study, folder=folder)
    return Opened(folder / f"{study.code}.zip")


def test_every_reader_who_answered_is_a_row(study, told, tmp_path):
    factories.make_enrolment(study)  # has not answered yet
    opened = export(study, tmp_path)
    rows = opened.rows("intake")
    assert [row["pseudonym"] for row in rows] == [one.pseudonym for one in told]
    assert [(row["answer.experience"], row["answer.years"]) for row in rows] == [("more", "12.5"), ("< 5 years", "")]
    assert {(row["questionnaire"], row["questionnaire_version"], row["language"]) for row in rows} == {
        ("About you", "1", "en")
    }
    [file] = [file for file in opened.json("codebook.json")["files"] if file["name"] == "intake"]
    for line in opened.lines("intake"):
        jsonschema.validate(line, file["json_schema"])


def test_the_codebook_names_the_questions_and_reviews_have_no_column_of_them(study, told, tmp_path):
    opened = export(study, tmp_path)
    codebook = opened.json("codebook.json")
    assert [one["key"] for one in codebook["questions_about_readers"]] == ["experience", "years"]
    assert [one["key"] for one in codebook["questions"]] == ["diagnosis", "risk", "remarks"]
    assert "answer.experience" not in opened.text("reviews.csv").split("\n")[0]
    assert "How experienced are you?" in opened.text("codebook.csv")


def test_the_enrolment_says_which_consent_was_given_and_nothing_says_by_which_name(study, told, tmp_path):
    opened = export(study, tmp_path)
    assert {row["consent_document"] for row in opened.rows("enrolments")} == {"Information and consent (version 1)"}
    assert "Secretname" not in opened.everything()


def test_practice_is_nowhere(study, told, tmp_path, lead):
    case = study.training_cases.get().case
    set_reference(experiment=study, case=case, question_key="diagnosis", value="no", rule="one", by=lead)
    before = export(study, tmp_path / "before")
    practise(told[0])
    after = export(study, tmp_path / "after")
    assert "practised sentinel" not in after.everything()
    training = Enrolment.objects.get(kind="training")
    assert training.pseudonym not in after.everything()
    for name in ("reviews", "events", "assignments", "enrolments", "intake"):
        assert before.text(f"{name}.csv") == after.text(f"{name}.csv")


def test_what_was_erased_is_empty(study, told, tmp_path, administrator):
    erase_enrolment(enrolment=told[0], by=administrator, reason="Asked for.")
    rows = {row["pseudonym"]: row for row in export(study, tmp_path).rows("intake")}
    assert (rows[told[0].pseudonym]["answer.experience"], rows[told[0].pseudonym]["answer.years"]) == ("", "")
    assert rows[told[1].pseudonym]["answer.experience"] == "< 5 years"


def test_who_is_left_out_of_the_study_is_left_out_here(lead, clinician, tmp_path):
    from experiments.actions.joining import leave_study

    study = helpers.joining_study(lead, withdrawal_policy="exclude")
    enrolment = factories.make_enrolment(study, clinician)
    tell(enrolment, study, experience="more")
    leave_study(enrolment=enrolment, words="", by=clinician)
    assert export(study, tmp_path).rows("intake") == []


def test_with_masked_arms_it_is_a_day(study, told):
    masked = Study.of(study, Rights(by_arm=False, references=False, identified=False))
    from experiments.exports.intake import intake_table

    [first, _second] = list(intake_table(masked).rows())
    assert len(first[1]) == len("2026-01-31")


def test_a_study_that_asks_nothing_has_no_such_file(lead, tmp_path):
    opened = export(factories.make_study(by=lead), tmp_path)
    assert "intake.csv" not in opened.content
    assert json.loads(opened.text("codebook.json"))["questions_about_readers"] == []


def test_the_number_of_statements_does_not_grow_with_the_readers(study, django_assert_num_queries):
    from experiments.exports.intake import intake_table
    from experiments.exports.scope import everything

    for number in range(3):
        tell(factories.make_enrolment(study), study, experience="more", years=str(number))
    table = intake_table(Study.of(study, everything(identified=False)))
    with django_assert_num_queries(2):
        assert len(list(table.rows())) == 3
