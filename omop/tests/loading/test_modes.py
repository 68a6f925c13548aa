"""What each mode does with rows that are there: insert, upsert, replace-person."""

from datetime import date
from decimal import Decimal

import pytest

from omop.actions import UsageError, import_files
from omop.imports.options import ImportOptions, Mode
from omop.models import ConceptRelationship, Death, Measurement, ObservationPeriod, Person, VisitOccurrence

pytestmark = pytest.mark.django_db


def load(*paths, mode=Mode.INSERT, dry_run=False, **options):
    """The report of a dry run and of the load after it must count alike; the load's is returned."""
    options = ImportOptions(mode=mode, **options)
    checked = import_files(paths=paths, by=None, options=options, dry_run=True).report
    if dry_run:
        return checked
    report = import_files(paths=paths, by=None, options=options).report
    assert counted(report) == counted(checked)
    return report


def counted(report):
    names = ("read", "new", "changed", "removed", "unchanged", "duplicates", "rejected")
    return {table: tuple(getattr(counts, name) for name in names) for table, counts in report.tables.items()}


def some(report, table):
    """The counts that are not 0."""
    counts = report.tables[table]
    return {
        name: value
        for name in ("new", "changed", "removed", "unchanged", "loaded", "rejected")
        if (value := getattr(counts, name))
    }


class TestInsert:
    def test_a_known_key_with_other_content_is_refused_and_nothing_changes(self, write_table):
        load(write_table("person"))
        report = load(write_table("person", {"year_of_birth": 1990}))
        assert report.status == "refused"
        assert some(report, "person") == {"rejected": 1}
        assert Person.objects.get().year_of_birth == 1980

    def test_known_and_new_rows_are_told_apart(self, write_table):
        load(write_table("person"))
        report = load(write_table("person", {}, {"person_id": 2}))
        assert some(report, "person") == {"new": 1, "unchanged": 1, "loaded": 1}

    def test_rows_whose_keys_lie_among_known_ones(self, write_table):
        load(write_table("person", {"person_id": 1}, {"person_id": 9}))
        report = load(write_table("person", {"person_id": 4}))
        assert some(report, "person") == {"new": 1, "loaded": 1}
        assert Person.objects.count() == 3


class TestUpsert:
    def test_only_rows_that_differ_are_changed(self, write_table):
        load(write_table("person"), write_table("measurement", {}, {"measurement_id": 101}))
        path = write_table("measurement", {"value_as_number": "7"}, {"measurement_id": 101}, {"measurement_id": 102})
        report = load(path, mode=Mode.UPSERT)
        assert some(report, "measurement") == {"new": 1, "changed": 1, "unchanged": 1, "loaded": 2}
        values = dict(Measurement.objects.values_list("measurement_id", "value_as_number"))
        assert values == {100: Decimal("7"), 101: Decimal("48.1"), 102: Decimal("48.1")}

    def test_twice_changes_nothing_more(self, write_table):
        load(write_table("person"))
        path = write_table("person", {"year_of_birth": 1990})
        load(path, mode=Mode.UPSERT)
        report = load(path, mode=Mode.UPSERT)
        assert some(report, "person") == {"unchanged": 1}

    def test_a_column_that_the_file_lacks_keeps_what_is_there(self, write_table):
        load(write_table("person", {"gender_source_value": "F", "person_source_value": "P-1"}))
        report = load(write_table("person", {"year_of_birth": 1990}), mode=Mode.UPSERT)
        assert some(report, "person") == {"changed": 1, "loaded": 1}
        person = Person.objects.get()
        assert (person.year_of_birth, person.gender_source_value, person.person_source_value) == (1990, "F", "P-1")

    def test_an_empty_cell_of_a_column_that_the_file_has_does_blank_it(self, write_table):
        load(write_table("person", {"gender_source_value": "F"}))
        load(write_table("person", {"gender_source_value": ""}), mode=Mode.UPSERT)
        assert Person.objects.get().gender_source_value is None

    def test_each_row_keeps_what_its_own_file_lacks(self, write_table):
        both = {"gender_source_value": "F", "person_source_value": "P"}
        load(write_table("person", both, {**both, "person_id": 2}))
        first = write_table("person", {"gender_source_value": "M"}, name="one.csv")
        second = write_table("person", {"person_id": 2, "person_source_value": "Q"}, name="two.csv")
        report = load(first, second, mode=Mode.UPSERT, aliases={"one.csv": "person", "two.csv": "person"})
        assert some(report, "person") == {"changed": 2, "loaded": 2}
        found = Person.objects.order_by("pk").values_list("gender_source_value", "person_source_value")
        assert list(found) == [("M", "P"), ("F", "Q")]

    def test_rows_of_a_table_without_a_key_are_found_by_their_natural_key(self, tmp_path):
        header = "concept_id_1,concept_id_2,relationship_id,valid_start_date,valid_end_date,invalid_reason\n"
        path = tmp_path / "concept_relationship.csv"
        path.write_text(header + "1,2,Maps to,1970-01-01,2099-12-31,\n")
        load(path)
        path.write_text(header + "1,2,Maps to,1970-01-01,2020-12-31,U\n1,3,Maps to,1970-01-01,2099-12-31,\n")
        report = load(path, mode=Mode.UPSERT)
        assert some(report, "concept_relationship") == {"new": 1, "changed": 1, "loaded": 2}
        found = ConceptRelationship.objects.order_by("concept_id_2").values_list("concept_id_2", "invalid_reason")
        assert list(found) == [(2, "U"), (3, None)]

    def test_periods_stay_apart_from_one_whose_update_is_rejected(self, write_table, tmp_path):
        path = tmp_path / "observation_period.csv"
        header = (
            "observation_period_id,person_id,observation_period_start_date,observation_period_end_date,"
            "period_type_concept_id\n"
        )
        path.write_text(header + "1,1,2020-01-01,2020-12-31,0\n")
        load(write_table("person"), path)
        moved, in_its_way, in_its_place = (
            "1,1,2018-02-01,2018-12-31",
            "2,1,2018-01-01,2018-06-30",
            "3,1,2020-06-01,2021-01-01",
        )
        path.write_text(header + "".join(f"{row},0\n" for row in (moved, in_its_way, in_its_place)))
        report = load(path, mode=Mode.UPSERT, thresholds={"observation_periods_apart": 100})
        assert some(report, "observation_period") == {"new": 1, "loaded": 1, "rejected": 2}
        rows = ObservationPeriod.objects.order_by("pk").values_list("pk", "observation_period_start_date")
        assert list(rows) == [(1, date(2020, 1, 1)), (2, date(2018, 1, 1))]

    def test_a_row_never_moves_to_another_person(self, write_table):
        load(write_table("person", {}, {"person_id": 2}), write_table("measurement"))
        report = load(write_table("measurement", {"person_id": 2}), mode=Mode.UPSERT)
        assert report.status == "refused"
        assert report.checks["key_conflict", "measurement", "measurement_id"].count == 1
        assert Measurement.objects.get().person_id == 1


class TestReplacePerson:
    @pytest.fixture(autouse=True)
    def _two_persons(self, write_table):
        load(
            write_table("person", {}, {"person_id": 2}),
            write_table("visit_occurrence", {}, {"visit_occurrence_id": 20, "person_id": 2}),
            write_table("measurement", {}, {"measurement_id": 101}, {"measurement_id": 200, "person_id": 2}),
            write_table("death", {}, {"person_id": 2}),
        )

    def replace(self, *paths, **options):
        return load(*paths, mode=Mode.REPLACE_PERSON, **options)

    def test_rows_of_the_persons_in_the_person_file_are_replaced_and_no_others(self, write_table):
        report = self.replace(
            write_table("person", {"year_of_birth": 1981}),
            write_table("measurement", {"value_as_number": "5"}, {"measurement_id": 102}),
        )
        assert report.status == "loaded"
        assert some(report, "person") == {"changed": 1, "loaded": 1}
        assert some(report, "measurement") == {"new": 1, "changed": 1, "removed": 1, "loaded": 2}
        assert set(Measurement.objects.values_list("pk", flat=True)) == {100, 102, 200}
        assert list(Person.objects.order_by("pk").values_list("year_of_birth", flat=True)) == [1981, 1980]

    def test_tables_that_the_run_has_no_file_for_stay(self, write_table):
        self.replace(write_table("person"), write_table("measurement"))
        assert (VisitOccurrence.objects.count(), Death.objects.count()) == (2, 2)

    def test_a_person_without_rows_in_a_file_loses_those(self, write_table):
        rows = [{}, {"person_id": 2}]
        report = self.replace(write_table("person", *rows), write_table("measurement", {}, {"measurement_id": 101}))
        assert some(report, "measurement") == {"removed": 1, "unchanged": 2}

    def test_a_person_id_that_only_stands_in_another_file_loses_nothing(self, write_table):
        new = {"measurement_id": 201, "person_id": 2}
        report = self.replace(write_table("person"), write_table("measurement", {}, {"measurement_id": 101}, new))
        assert report.status == "loaded"
        assert some(report, "measurement") == {"new": 1, "unchanged": 2, "loaded": 1}
        assert Measurement.objects.filter(person_id=2).count() == 2

    def test_deaths_are_replaced_too(self, write_table):
        report = self.replace(write_table("person"), write_table("death", {"death_date": "2021-06-06"}))
        assert some(report, "death") == {"new": 1, "removed": 1, "loaded": 1}
        assert Death.objects.filter(person_id=1).get().death_date.isoformat() == "2021-06-06"

    def test_columns_that_the_file_lacks_are_none_afterwards(self, write_table):
        load(write_table("person", {"gender_source_value": "F"}), mode=Mode.UPSERT)
        report = self.replace(write_table("person"))
        assert some(report, "person") == {"changed": 1, "loaded": 1}
        assert Person.objects.get(pk=1).gender_source_value is None

    def test_rows_that_stay_must_keep_what_they_refer_to(self, write_table):
        load(write_table("measurement", {"measurement_id": 103, "visit_occurrence_id": 10}))
        report = self.replace(write_table("person"), write_table("visit_occurrence", {"visit_occurrence_id": 11}))
        assert report.status == "refused"
        (finding,) = report.checks["rows_that_stay", "measurement", "visit_occurrence_id"].first
        assert finding.reason == (
            "1 rows of measurement in the database refer to rows of visit_occurrence that this run takes away;"
            " add the file of measurement, so that it is replaced too"
        )
        assert VisitOccurrence.objects.filter(pk=10).exists()
        everything = [{}, {"measurement_id": 101}, {"measurement_id": 103, "visit_occurrence_id": 11}]
        report = self.replace(
            write_table("person"),
            write_table("visit_occurrence", {"visit_occurrence_id": 11}),
            write_table("measurement", *everything),
        )
        assert report.status == "loaded"
        assert some(report, "visit_occurrence") == {"new": 1, "removed": 1, "loaded": 1}

    def test_a_visit_that_becomes_another_persons_is_gone_for_rows_that_stay(self, write_table):
        load(write_table("measurement", {"measurement_id": 103, "visit_occurrence_id": 10}))
        report = self.replace(
            write_table("person", {}, {"person_id": 2}),
            write_table("visit_occurrence", {"visit_occurrence_id": 10, "person_id": 2}),
        )
        assert report.checks["rows_that_stay", "measurement", "visit_occurrence_id"].count == 1
        assert report.status == "refused"

    def test_keys_may_go_round_among_the_persons_that_are_replaced(self, write_table):
        report = self.replace(
            write_table("person", {}, {"person_id": 2}),
            write_table("measurement", {"person_id": 2}, {"measurement_id": 200, "person_id": 1}),
        )
        assert some(report, "measurement") == {"changed": 2, "removed": 1, "loaded": 2}
        assert dict(Measurement.objects.values_list("pk", "person_id")) == {100: 2, 200: 1}

    def test_a_key_of_somebody_who_is_not_replaced_is_a_conflict(self, write_table):
        report = self.replace(write_table("person"), write_table("measurement", {"measurement_id": 200}))
        assert report.status == "refused"
        assert report.checks["key_conflict", "measurement", "measurement_id"].count == 1

    def test_a_key_of_somebody_whose_own_row_is_rejected_is_a_conflict_too(self, write_table):
        """Nobody replaces that person, so the rows stay, and no other person's row may refer to them."""
        report = self.replace(
            write_table("person", {"year_of_birth": "unknown"}, {"person_id": 2}),
            write_table("visit_occurrence", {"person_id": 2}, {"visit_occurrence_id": 20, "person_id": 2}),
            write_table(
                "measurement",
                {"measurement_id": 102, "person_id": 2, "visit_occurrence_id": 10},
                {"measurement_id": 200, "person_id": 2, "visit_occurrence_id": 20},
            ),
            thresholds={"value_type": 100, "key_conflict": 100, "visit_same_person": 100},
        )
        assert some(report, "visit_occurrence") == {"unchanged": 1, "rejected": 1}
        assert some(report, "measurement") == {"changed": 1, "loaded": 1, "rejected": 1}
        assert report.checks["key_conflict", "visit_occurrence", "visit_occurrence_id"].count == 1
        assert dict(VisitOccurrence.objects.values_list("pk", "person_id")) == {10: 1, 20: 2}
        assert dict(Measurement.objects.values_list("pk", "visit_occurrence_id")) == {100: None, 101: None, 200: 20}

    def test_without_a_person_file_it_is_wrong_use(self, write_table):
        with pytest.raises(UsageError, match="needs the file of person"):
            self.replace(write_table("measurement"))

    def test_twice_changes_nothing_more(self, write_table):
        paths = write_table("person", {"year_of_birth": 1981}), write_table("measurement", {"measurement_id": 102})
        self.replace(*paths)
        report = self.replace(*paths)
        assert some(report, "person") == some(report, "measurement") == {"unchanged": 1}
