"""The same Parquet, read natively and exactly, gives the same; and no database refuses what staging lets pass."""

import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omop.actions import import_files
from omop.imports.options import DateOrder, ImportOptions, LongText
from omop.models import Measurement
from omop.tests.staging.harness import stage_file
from omop.tests.staging.test_both_ways import DATES, INTEGERS, MOMENTS, NUMBERS, TEXTS

BYTES = [b"a", b"", b"a\0b", b"\xff", b"Gen\xe8ve", "ñ".encode(), b"1", None]
# Days and times that lie beyond what a date of Python, of ISO 8601 or of PostgreSQL can be.
DAYS = pa.array([0, -719162, -719163, 2932896, 2932897, -10_000_000, 2**31 - 1, None], pa.int32()).cast(pa.date32())
MILLISECONDS = pa.array(
    [0, 253402300799_000, 253402300800_000, -62135596800_000, -62135596801_000, 2**62, None], pa.int64()
)
NANOSECONDS = pa.array([0, 1, 1000, 1580460900 * 10**9, 2**63 - 1, -(2**63), None], pa.int64())
DOUBLES = [0.0, -0.0, 1.0, 1.5, 1e-7, 123456789012345.0, 1e15, 2.0**53, 1e22, 1e301, 5e-324, None]
DOUBLES += [float("nan"), float("inf"), -float("inf")]
DECIMALS = [Decimal("0.0000000000"), Decimal("-0.5"), Decimal("12"), Decimal("1E-10"), Decimal("9" * 28), None]

TEXTUAL = [*TEXTS, "a\0b", "\0", None]
WHOLE = [pa.array([0, 1, -1, 127, None], pa.int8()), pa.array([0, 1, None, 2**64 - 1], pa.uint64())]
WHOLE += [pa.array([0, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), None], pa.int64())]
FRACTIONS = [
    pa.array(DOUBLES),
    pa.array(DOUBLES, pa.float32()),
    pa.array([1.5, 1.0, 65504.0, None], pa.float16()),
    pa.array(DECIMALS, pa.decimal128(38, 10)),
    pa.array([*DECIMALS, Decimal("9" * 60)], pa.decimal256(76, 10)),
]
TIMES = [
    DAYS,
    DAYS.slice(0, 4).cast(pa.date64()),
    MILLISECONDS.cast(pa.timestamp("ms")),
    NANOSECONDS.cast(pa.timestamp("ns")),
]


def texts(values):
    """The values as every type that Parquet has for texts."""
    known = [*values, "a\0b", None]
    plain = pa.array(known, pa.string())
    odd = pa.array([*[None if value is None else value.encode() for value in known], *BYTES], pa.binary())
    return [plain, plain.cast(pa.large_string()), plain.dictionary_encode(), odd, odd.cast(pa.large_binary())]


NOTHING = [pa.nulls(3)]
COLUMNS = {
    "measurement_id": [*texts(INTEGERS), *WHOLE, *FRACTIONS, *NOTHING],
    "person_id": [*texts(INTEGERS), *WHOLE, *FRACTIONS],
    "measurement_concept_id": [*texts(INTEGERS), *WHOLE, *FRACTIONS],
    "measurement_date": [*texts(DATES), *TIMES, *WHOLE, *NOTHING],
    "measurement_type_concept_id": [pa.array([32817])],
    "measurement_datetime": [*texts(MOMENTS), *TIMES, *WHOLE, *NOTHING],
    "value_as_number": [*texts(NUMBERS), *WHOLE, *FRACTIONS, *NOTHING],
    "measurement_source_value": [*texts(TEXTUAL), *WHOLE, *TIMES[:2], *NOTHING],
    "unit_source_value": [*texts(TEXTUAL)],
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    count = draw(st.integers(1, 6))
    columns = {}
    for name, choices in COLUMNS.items():
        chosen = draw(st.sampled_from(choices))
        places = draw(st.lists(st.integers(0, len(chosen) - 1), min_size=count, max_size=count))
        columns[name] = chosen.take(pa.array(places))
    return pa.table(columns)


options = st.builds(
    ImportOptions,
    null_tokens=st.sampled_from([{}, {"value_as_number": ("NA",), "measurement_source_value": ("NA", "a")}]),
    date_order=st.sampled_from(DateOrder),
    long_text=st.sampled_from(LongText),
)


@settings(max_examples=300, deadline=None)
@given(table=tables(), options=options)
def test_native_and_exact_reading_agree(table, options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measurement.parquet"
        pq.write_table(table, path)
        exactly = stage_file(path, options, exact=True)
        natively = stage_file(path, options)
    assert natively.rows == exactly.rows
    assert natively.told == exactly.told
    for row in natively.rows:
        held = [value for value in row.values() if isinstance(value, str)]
        assert not any("\0" in value for value in held)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "array"), [(name, array) for name, arrays in COLUMNS.items() for array in arrays if name != "person_id"]
)
def test_no_value_stops_a_database(name, array, tmp_path):
    count = len(array)
    columns = {
        "measurement_id": pa.array(range(1, count + 1)),
        "person_id": pa.array([1] * count),
        "measurement_concept_id": pa.array([0] * count),
        "measurement_date": pa.array([date(2020, 1, 31)] * count),
        "measurement_type_concept_id": pa.array([32817] * count),
        name: array,
    }
    path, person = tmp_path / "measurement.parquet", tmp_path / "person.csv"
    pq.write_table(pa.table(columns), path)
    person.write_text("person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n1,0,1980,0,0\n")
    some = {"value_type": 100.0, "value_required": 100.0, "value_length": 100.0, "primary_key_unique": 100.0}
    report = import_files(paths=[path, person], by=None, options=ImportOptions(thresholds=some)).report
    assert report.status == "loaded", [str(error) for error in report.errors]
    assert Measurement.objects.count() == report.tables["measurement"].loaded


@pytest.mark.django_db
def test_a_nul_in_a_text_is_refused_with_its_row(tmp_path):
    path = tmp_path / "person.parquet"
    columns = {
        "person_id": [1, 2],
        "gender_concept_id": [0, 0],
        "year_of_birth": [1980, 1981],
        "race_concept_id": [0, 0],
    }
    columns |= {"ethnicity_concept_id": [0, 0], "person_source_value": ["a", "a\0b"]}
    columns |= {"birth_datetime": [datetime(1980, 1, 1), None]}  # noqa: DTZ001 - OMOP times are local
    pq.write_table(pa.table(columns), path)
    report = import_files(paths=[path], by=None).report
    assert [str(error) for error in report.errors] == [
        "person.parquet, line 3, person_source_value = 'a\\\\0b': holds a NUL byte"
    ]
    assert report.checks[("value_type", "person", "person_source_value")].count == 1
