"""Mode replace-person: rows that stay and would refer to nothing refuse the run, with a remedy that helps."""

import pytest

from omop.actions import import_files
from omop.imports.options import ImportOptions, Mode
from omop.models import Cost, Measurement, Note, NoteNlp, PayerPlanPeriod

pytestmark = pytest.mark.django_db
TYPED = {"measurement_concept_id": 0, "measurement_date": "2020-01-31", "measurement_type_concept_id": 32817}
NOTE = {
    "person_id": 1,
    "note_date": "2020-01-31",
    "note_type_concept_id": 32817,
    "note_class_concept_id": 0,
    "note_text": "well",
    "encoding_concept_id": 0,
    "language_concept_id": 0,
}


def remedy(table, column, *paths):
    report = import_files(paths=paths, by=None, options=ImportOptions(mode=Mode.REPLACE_PERSON)).report
    assert report.status == "refused"
    (finding,) = report.checks["rows_that_stay", table, column].first
    return finding.reason.partition("; ")[2]


@pytest.fixture
def visits(write_table):
    """A visit that goes, as the file has another one."""
    import_files(paths=[write_table("person"), write_table("visit_occurrence")], by=None)
    return write_table("person"), write_table("visit_occurrence", {"visit_occurrence_id": 11})


def test_of_a_table_that_the_run_lacks(visits):
    Measurement.objects.create(measurement_id=1, person_id=1, visit_occurrence_id=10, **TYPED)
    said = remedy("measurement", "visit_occurrence_id", *visits)
    assert said == "add the file of measurement, so that it is replaced too"


def test_of_a_person_whose_rows_are_not_replaced(visits, write_table):
    Measurement.objects.create(measurement_id=1, person_id=2, visit_occurrence_id=10, **TYPED)
    said = remedy("measurement", "visit_occurrence_id", *visits, write_table("measurement"))
    assert said == "keep these in the file of visit_occurrence, or add the persons of the others to the file of person"


def test_of_a_table_whose_rows_are_the_persons_of_their_notes(write_table, tmp_path):
    import_files(paths=[write_table("person")], by=None)
    Note.objects.create(note_id=1, **NOTE)
    NoteNlp.objects.create(note_nlp_id=1, note_id=1, lexical_variant="well", nlp_date="2020-01-31")
    notes = tmp_path / "note.csv"
    notes.write_text(",".join(["note_id", *NOTE]) + "\n" + ",".join(["2", *map(str, NOTE.values())]) + "\n")
    said = remedy("note_nlp", "note_id", write_table("person"), notes)
    assert said == "add the file of note_nlp, so that it is replaced too"


def test_of_a_table_whose_rows_are_nobodys(write_table, tmp_path):
    import_files(paths=[write_table("person")], by=None)
    dates = {"payer_plan_period_start_date": "2020-01-01", "payer_plan_period_end_date": "2020-12-31"}
    PayerPlanPeriod.objects.create(payer_plan_period_id=1, person_id=1, **dates)
    typed = {"cost_event_id": 1, "cost_domain_id": "Visit", "cost_type_concept_id": 0}
    Cost.objects.create(cost_id=1, payer_plan_period_id=1, **typed)
    periods = tmp_path / "payer_plan_period.csv"
    periods.write_text(f"payer_plan_period_id,person_id,{','.join(dates)}\n2,1,{','.join(dates.values())}\n")
    said = remedy("cost", "payer_plan_period_id", write_table("person"), periods)
    assert said == "keep these in the file of payer_plan_period, as rows of cost are nobody's and stay"
