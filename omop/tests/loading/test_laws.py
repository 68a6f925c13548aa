"""Laws of loading, for small data sets drawn at random: what a dry run counts is what happens, and a run made again
changes nothing."""

import csv
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omop.actions import import_files
from omop.imports.options import ImportOptions, Mode
from omop.models import Death, Measurement, Person
from omop.tests.conftest import DEFAULTS

pytestmark = pytest.mark.django_db

PERSONS = (1, 2, 3)
# Ids of a person's measurements begin with the person, as a rule; now and then an id is somebody else's.
MEASUREMENTS = tuple(10 * person + n for person in PERSONS for n in range(3))

persons = st.dictionaries(
    st.sampled_from(PERSONS),
    st.fixed_dictionaries(
        {"year_of_birth": st.sampled_from([1980, 1990])},
        optional={"gender_source_value": st.sampled_from(["F", "M", ""])},
    ),
    min_size=1,
)
measurements = st.dictionaries(
    st.sampled_from(MEASUREMENTS),
    st.fixed_dictionaries(
        {
            "value_as_number": st.sampled_from(["1", "2.50", "-3e2"]),
            "person_id": st.sampled_from([None, None, None, 1]),
        },
        optional={"value_source_value": st.sampled_from(["x", ""])},
    ),
)
deaths = st.dictionaries(st.sampled_from(PERSONS), st.sampled_from(["2021-05-05", "2021-06-06"]))
datasets = st.fixed_dictionaries({"person": persons, "measurement": measurements, "death": deaths})


def rows_of(dataset):
    """By table, the rows as the files have them; a row refers to persons of its own data set only."""
    people = dataset["person"]
    died = dataset["death"].items()
    return {
        "person": [{"person_id": person, **fields} for person, fields in people.items()],
        "measurement": [
            {"measurement_id": key, **fields, "person_id": fields["person_id"] or key // 10}
            for key, fields in dataset["measurement"].items()
            if (fields["person_id"] or key // 10) in people
        ],
        "death": [{"person_id": person, "death_date": day} for person, day in died if person in people],
    }


def write(folder: Path, rows) -> list[Path]:
    paths = []
    folder.mkdir(exist_ok=True)
    for table, found in rows.items():
        filled = [{**DEFAULTS[table], **row} for row in found]
        columns = list(dict.fromkeys(column for row in filled for column in row)) or list(DEFAULTS[table])
        path = folder / f"{table}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(filled)
        paths.append(path)
    return paths


def counted(report):
    names = ("read", "new", "changed", "removed", "unchanged", "duplicates", "rejected")
    return {table: {name: getattr(counts, name) for name in names} for table, counts in report.tables.items()}


def contents():
    return [sorted(map(repr, model.objects.values_list())) for model in (Person, Measurement)] + [
        sorted(map(repr, Death.objects.values_list("person_id", "death_date", "cause_source_value")))
    ]


def checked_twice(paths, mode):
    """Check, load, load again: the counts agree, and the second load changes nothing. The first load's report."""
    options = ImportOptions(mode=mode)
    before = contents()
    dry = import_files(paths=paths, by=None, options=options, dry_run=True).report
    assert contents() == before
    report = import_files(paths=paths, by=None, options=options).report
    assert counted(report) == counted(dry)
    assert [(key, result.count) for key, result in report.checks.items()] == [
        (key, result.count) for key, result in dry.checks.items()
    ]
    assert (dry.status == "refused") == (report.status == "refused")
    if report.status == "refused":
        assert contents() == before
        return report
    after = contents()
    again = import_files(paths=paths, by=None, options=options)
    assert contents() == after
    assert again.message.endswith("; nothing changed.")
    for counts in counted(again.report).values():
        assert counts["unchanged"] == counts["read"]
    return report


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=datasets, second=datasets, mode=st.sampled_from(Mode))
def test_counts_agree_and_a_run_made_again_changes_nothing(tmp_path, first, second, mode):
    with transaction.atomic():
        checked_twice(write(tmp_path / "first", rows_of(first)), Mode.UPSERT)
        before = Person.objects.count(), Measurement.objects.count()
        rows = rows_of(second)
        report = checked_twice(write(tmp_path / "second", rows), mode)
        if report.status == "loaded":
            counts = [report.tables[table] for table in ("person", "measurement")]
            expected = [n + table.new - table.removed for n, table in zip(before, counts, strict=True)]
            assert [Person.objects.count(), Measurement.objects.count()] == expected
            read_back(rows)
        transaction.set_rollback(True)  # an example leaves nothing to the next


def read_back(rows):
    """The tables hold what the files say."""
    for row in rows["person"]:
        person = Person.objects.get(pk=row["person_id"])
        assert person.year_of_birth == row["year_of_birth"]
        if "gender_source_value" in row:
            assert person.gender_source_value == (row["gender_source_value"] or None)
    for row in rows["measurement"]:
        measurement = Measurement.objects.get(pk=row["measurement_id"])
        assert measurement.person_id == row["person_id"]
        assert float(measurement.value_as_number) == float(row["value_as_number"])
    for row in rows["death"]:
        assert Death.objects.filter(person_id=row["person_id"], death_date=row["death_date"]).exists()
