"""Rows of one key: what is kept where the first of them cannot be read."""

import pytest

from omop.actions import import_files
from omop.imports.options import Duplicates, ImportOptions
from omop.models import Person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("duplicates", [Duplicates.FIRST, Duplicates.IDENTICAL])
def test_a_person_is_not_lost_with_a_line_that_cannot_be_read(write_table, duplicates):
    path = write_table("person", {"gender_concept_id": "x"}, {}, {"person_id": 2}, {})
    options = ImportOptions(duplicates=duplicates, thresholds={"value_type": 50})
    report = import_files(paths=[path], by=None, options=options).report
    assert report.status == "loaded", report.errors
    counts = report.tables["person"]
    assert (counts.loaded, counts.rejected, counts.duplicates) == (2, 1, 1)
    assert set(Person.objects.values_list("pk", flat=True)) == {1, 2}
