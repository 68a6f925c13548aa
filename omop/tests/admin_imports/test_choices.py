"""From the fields of the form to ImportOptions and back; each error at its field."""

from datetime import date

import pytest

from omop.admin.imports.forms import TOLERABLE, OptionsForm
from omop.imports.options import (
    DateOrder,
    Duplicates,
    Encoding,
    ImportOptions,
    Indexes,
    LongText,
    Mode,
    Quoting,
    UnknownColumns,
)
from omop.tests.admin_imports.conftest import plain_choices

EVERYTHING = ImportOptions(
    mode=Mode.REPLACE_PERSON,
    duplicates=Duplicates.FIRST,
    aliases={"DEVICES_EXPOSURE.csv": "device_exposure", "my notes.csv": "note"},
    null_tokens={"value_source_value": ("NA", "a = b"), "person.ethnicity_source_value": ("-",)},
    zero_as_null=frozenset({"provider_id", "visit_occurrence.visit_detail_id"}) - {"visit_occurrence.visit_detail_id"},
    headerless=frozenset({"person", "death"}),
    date_order=DateOrder.DAY_FIRST,
    encoding=Encoding.LATIN_1,
    quoting=Quoting.UNQUOTED,
    long_text=LongText.TRUNCATE,
    unknown_columns=UnknownColumns.IGNORE,
    indexes=Indexes.KEEP,
    thresholds={"value_type": 0.5, "value_type:measurement": 2.0, "value_type:measurement.unit_concept_id": 3.0},
    earliest=date(1900, 1, 1),
    latest=date(2026, 1, 31),
)


def shown(options):
    """What a browser sends back of a form that was shown and not touched."""
    form = OptionsForm(options=options)
    return {field.name: "" if field.value() is None else str(field.value()) for field in form}


@pytest.mark.parametrize("options", [ImportOptions(), EVERYTHING], ids=["plain", "everything"])
def test_a_form_that_is_not_touched_gives_the_same_options(options):
    form = OptionsForm(shown(options), options=options)
    assert form.is_valid(), form.errors
    assert form.options == options
    assert ImportOptions.from_json(form.options.to_json()) == options


def test_it_unfolds_what_differs():
    plain, other = OptionsForm(), OptionsForm(options=EVERYTHING)
    assert (plain.more_open, plain.tolerated_open) == (False, False)
    assert (other.more_open, other.tolerated_open) == (True, True)
    wrong = OptionsForm({**plain_choices(), "headerless": "persons", "tolerate_value_type": "101"})
    assert (wrong.more_open, wrong.tolerated_open) == (True, True)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("mode", "guess", "Select a valid choice"),
        ("null_tokens", "value_source_value NA", "Line 1 is not of the form"),
        ("null_tokens", "\nvalue_source_value = ", "Line 2 is not of the form"),
        ("null_tokens", "no_column = NA", "CDM 5.4 has no column no_column"),
        ("null_tokens", "person.year_of_birth = NA", "person.year_of_birth is required, so it cannot be none"),
        ("zero_as_null", "provider_id, stop_reason", "stop_reason is a text, in which 0 is a value like any other"),
        ("zero_as_null", "visit_occurrence.visit_occurrence_id", "is part of the key, so it cannot be none"),
        ("zero_as_null", "provider_id, persons.provider_id", "There is no table persons"),
        ("zero_as_null", "person.visit_occurrence_id", "The table person has no column visit_occurrence_id"),
        ("headerless", "persons", "There is no table persons in CDM 5.4."),
        ("aliases", "x.csv = devices", "There is no table devices"),
        ("exact", "no_check = 1", "There is no check no_check"),
        ("exact", "table_known = 1", "There is no check table_known"),
        ("exact", "value_type:persons = 1", "There is no table persons"),
        ("exact", "value_type:person.no_column = 1", "has no column no_column"),
        ("exact", "value_type:person = many", "many is not a percentage"),
        ("exact", "value_type:person = nan", "nan is not a percentage"),
        ("exact", "value_type:person = 101", "101 is not a percentage"),
        ("tolerate_value_type", "101", "less than or equal to 100"),
        ("tolerate_value_type", "-1", "greater than or equal to 0"),
        ("earliest", "", "required"),
        ("latest", "1949-12-31", "before the earliest"),
    ],
)
def test_an_error_is_at_its_field(field, value, said):
    form = OptionsForm({**plain_choices(), field: value})
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert said in form.errors[field][0]


def test_every_check_that_may_be_tolerated_has_a_field():
    form = OptionsForm()
    assert [check.code for check, _ in form.tolerated] == [check.code for check in TOLERABLE]
    assert "tolerate_columns_known" not in form.fields
