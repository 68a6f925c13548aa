"""Mode replace-person: rows of note_nlp and episode_event belong to the person of their note and episode."""

import pytest

from omop.actions import import_files
from omop.imports.options import ImportOptions, Mode
from omop.models import EpisodeEvent, Note, NoteNlp
from omop.tests.conftest import DEFAULTS

pytestmark = pytest.mark.django_db
NOTE = {
    "note_id": 1,
    "person_id": 1,
    "note_date": "2020-01-31",
    "note_type_concept_id": 32817,
    "note_class_concept_id": 0,
    "note_text": "well",
    "encoding_concept_id": 0,
    "language_concept_id": 0,
}
NOTE_NLP = {"note_nlp_id": 1, "note_id": 1, "lexical_variant": "well", "nlp_date": "2020-01-31"}
EPISODE = {
    "episode_id": 1,
    "person_id": 1,
    "episode_concept_id": 0,
    "episode_start_date": "2020-01-31",
    "episode_object_concept_id": 0,
    "episode_type_concept_id": 32817,
}
EPISODE_EVENT = {"episode_id": 1, "event_id": 100, "episode_event_field_concept_id": 1147138}


@pytest.fixture(autouse=True)
def _two_persons(write_table, monkeypatch):
    """Persons 1 and 2, each with a note, of which a term is known, and an episode with an event."""
    for table, row in (
        ("note", NOTE),
        ("note_nlp", NOTE_NLP),
        ("episode", EPISODE),
        ("episode_event", EPISODE_EVENT),
    ):
        monkeypatch.setitem(DEFAULTS, table, row)
    report = import_files(
        paths=[
            write_table("person", {}, {"person_id": 2}),
            write_table("note", {}, {"note_id": 2, "person_id": 2}),
            write_table("note_nlp", {}, {"note_nlp_id": 2, "note_id": 2}),
            write_table("episode", {}, {"episode_id": 2, "person_id": 2}),
            write_table("episode_event", {}, {"episode_id": 2}),
        ],
        by=None,
    ).report
    assert report.status == "loaded", report.errors


def replace(*paths, **options):
    """The report of the load, which counts as the dry run before it."""
    options = ImportOptions(mode=Mode.REPLACE_PERSON, **options)
    checked = import_files(paths=paths, by=None, options=options, dry_run=True).report
    report = import_files(paths=paths, by=None, options=options).report
    names = {*checked.tables, *report.tables}
    assert {name: counted(report, name) for name in names} == {name: counted(checked, name) for name in names}
    return report


def counted(report, table):
    counts = report.tables[table]
    names = ("new", "changed", "removed", "unchanged", "rejected")
    return {name: value for name in names if (value := getattr(counts, name))}


def terms():
    return dict(NoteNlp.objects.values_list("pk", "note_id"))


def test_the_terms_of_replaced_notes_go(write_table):
    new = write_table("note", {"note_id": 7}), write_table("note_nlp", {"note_nlp_id": 8, "note_id": 7})
    report = replace(write_table("person"), *new)
    assert report.status == "loaded", report.errors
    assert counted(report, "note") == counted(report, "note_nlp") == {"new": 1, "removed": 1}
    assert set(Note.objects.values_list("pk", flat=True)) == {2, 7}
    assert terms() == {2: 2, 8: 7}
    again = replace(write_table("person"), *new)
    assert counted(again, "note") == counted(again, "note_nlp") == {"unchanged": 1}


def test_the_events_of_replaced_episodes_go(write_table):
    report = replace(
        write_table("person"),
        write_table("episode", {"episode_id": 7}),
        write_table("episode_event", {"episode_id": 7}),
    )
    assert report.status == "loaded", report.errors
    assert counted(report, "episode_event") == {"new": 1, "removed": 1}
    assert set(EpisodeEvent.objects.values_list("episode_id", flat=True)) == {2, 7}


def test_a_known_term_of_a_replaced_person_is_changed(write_table):
    report = replace(
        write_table("person"), write_table("note", {"note_id": 7}), write_table("note_nlp", {"note_id": 7})
    )
    assert report.status == "loaded", report.errors
    assert counted(report, "note_nlp") == {"changed": 1}
    assert terms() == {1: 7, 2: 2}


def test_without_the_file_of_notes_their_terms_are_replaced(write_table):
    report = replace(write_table("person"), write_table("note_nlp", {"note_nlp_id": 8}))
    assert counted(report, "note_nlp") == {"new": 1, "removed": 1}
    assert terms() == {2: 2, 8: 1}


def test_a_term_of_another_persons_note_is_as_in_insert(write_table):
    rows = [{"note_nlp_id": 2, "note_id": 2}, {"note_nlp_id": 3, "note_id": 2}]
    report = replace(write_table("person"), write_table("note"), write_table("note_nlp", {}, *rows))
    assert counted(report, "note_nlp") == {"new": 1, "unchanged": 2}
    report = replace(write_table("person"), write_table("note"), write_table("note_nlp", {}, {"note_nlp_id": 2}))
    assert report.status == "refused"
    assert report.checks["key_conflict", "note_nlp", "note_nlp_id"].count == 1


def test_terms_go_with_the_person_that_the_note_had(write_table):
    report = replace(
        write_table("person", {}, {"person_id": 2}),
        write_table("note", {"person_id": 2}, {"note_id": 2, "person_id": 1}),
        write_table("note_nlp", {"note_nlp_id": 3}),
    )
    assert counted(report, "note_nlp") == {"new": 1, "removed": 2}
    assert terms() == {3: 1}


UNKNOWN = {"year_of_birth": "unknown"}, {"person_id": 2}
LEFT_OUT = {"value_type": 100, "person_exists": 100, "reference_exists": 100}


def test_terms_of_a_person_whose_own_row_is_rejected_stay(write_table):
    report = replace(
        write_table("person", *UNKNOWN),
        write_table("note", {}, {"note_id": 2, "person_id": 2}),
        write_table("note_nlp", {"lexical_variant": "ill"}, {"note_nlp_id": 4, "note_id": 2}),
        thresholds=LEFT_OUT,
    )
    assert report.status == "loaded", report.errors
    assert counted(report, "note_nlp") == {"new": 1, "removed": 1, "rejected": 1}
    assert report.checks["key_conflict", "note_nlp", "note_nlp_id"].count == 0
    assert terms() == {1: 1, 4: 2}
    assert NoteNlp.objects.get(pk=1).lexical_variant == "well"


def test_a_key_of_such_a_term_is_a_conflict_for_another_persons(write_table):
    report = replace(
        write_table("person", *UNKNOWN),
        write_table("note", {"note_id": 2, "person_id": 2}),
        write_table("note_nlp", {"note_id": 2}, {"note_nlp_id": 2, "note_id": 2}),
        thresholds={**LEFT_OUT, "key_conflict": 100},
    )
    assert report.status == "loaded", report.errors
    assert report.checks["key_conflict", "note_nlp", "note_nlp_id"].count == 1
    assert counted(report, "note_nlp") == {"unchanged": 1, "rejected": 1}
    assert terms() == {1: 1, 2: 2}
