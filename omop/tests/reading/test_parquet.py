"""Parquet: its types as the text that the parsers take, and types that no column takes."""

import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omop.imports import cells
from omop.imports.options import ImportOptions
from omop.imports.reading.dialect import recognise
from omop.imports.reading.parquet import cell_texts, parquet_batches, raw_rows
from omop.imports.reading.sources import UnreadableFile, find_files
from omop.imports.report import ImportReport
from omop.imports.schema import schemas
from omop.tests.reading.conftest import read_files

PERSON = {
    "person_id": pa.array([1], pa.int64()),
    "gender_concept_id": pa.array([8507], pa.int32()),
    "year_of_birth": pa.array([1980], pa.int16()),
    "race_concept_id": pa.array([0], pa.int32()),
    "ethnicity_concept_id": pa.array([0], pa.int32()),
}


@pytest.fixture
def read_parquet(tmp_path):
    def read(*, rows=1, row_group_size=None, **columns):
        table = pa.table({**{name: pa.concat_arrays([array] * rows) for name, array in PERSON.items()}, **columns})
        path = tmp_path / "PERSON.parquet"
        pq.write_table(table, path, row_group_size=row_group_size)
        return read_files([path])

    return read


def parsed(column, text):
    table = "measurement" if column in schemas()["measurement"].columns else "person"
    return cells.parser_of(schemas()[table].columns[column], table, ImportOptions(), None)(text)


def test_rows_are_read_and_told(read_parquet):
    found = read_parquet(person_source_value=pa.array(["a"]))
    assert found.errors == []
    assert found.only.rows == [
        {
            "person_id": "1",
            "gender_concept_id": "8507",
            "year_of_birth": "1980",
            "race_concept_id": "0",
            "ethnicity_concept_id": "0",
            "person_source_value": "a",
        }
    ]
    assert found.only.file.recognised == {"format": "Parquet, 1 rows", "compression": "none"}
    assert "location_id" in found.only.file.missing


def test_lines_go_on_over_row_groups_and_batches(read_parquet):
    found = read_parquet(rows=12_345, row_group_size=700, person_source_value=pa.array(map(str, range(12_345))))
    assert found.only.lines == list(range(2, 12_347))
    assert [row["person_source_value"] for row in found.only.rows] == list(map(str, range(12_345)))


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([1, None, -(2**63)], pa.int64()), ["1", "", "-9223372036854775808"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([12.0, 12.5, None, 1e15, 2.0**53 - 1]), ["12", "12.5", "", "1000000000000000", "9007199254740991"]),
        (pa.array([2.0**53, 1e22]), ["9.007199254740992e+15", "1e+22"]),
        (pa.array([float("nan"), float("inf"), -float("inf")]), ["nan", "inf", "-inf"]),
        (pa.array([0.1, 7.0], pa.float32()), ["0.1", "7"]),
        (pa.array([Decimal("12.00"), Decimal("12.50"), None], pa.decimal128(38, 2)), ["12", "12.50", ""]),
        (pa.array([Decimal("0.0000000001")], pa.decimal128(38, 10)), ["1E-10"]),
        (pa.array(["a", "", None, "é"]), ["a", "", "", "é"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", "", "a"]),
        (pa.array([b"a", None, b"\xff"]), ["a", "", "\udcff"]),
        (pa.array([date(2020, 1, 31), None], pa.date32()), ["2020-01-31", ""]),
        (pa.array([date(2020, 1, 31)], pa.date64()), ["2020-01-31"]),
        (pa.array([datetime(2020, 1, 31, 8, 15)], pa.timestamp("ms")), ["2020-01-31 08:15:00.000"]),  # noqa: DTZ001
        (pa.array([None, None], pa.null()), ["", ""]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array([2.5, None], pa.float64()).dictionary_encode(), ["2.5", ""]),
    ],
)
def test_values_become_the_text_of_a_csv_file(array, texts):
    assert cell_texts(array) == texts


@pytest.mark.parametrize("value", [2.0**53, 1e22, 12.5, float("nan"), float("inf")])
def test_no_id_is_made_of_a_double_with_a_fraction_or_beyond_what_is_exact(value):
    (text,) = cell_texts(pa.array([value]))
    with pytest.raises(cells.CellError, match="not a whole number"):
        parsed("person_id", text)


def test_nan_is_no_number_even_here():
    with pytest.raises(cells.CellError, match="not a finite decimal number"):
        parsed("value_as_number", cell_texts(pa.array([float("nan")]))[0])


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value == 0 or 1e-290 < abs(value) < 1e290))
def test_doubles_keep_their_value(value):
    (text,) = cell_texts(pa.array([value]))
    assert float(parsed("value_as_number", text)) == value


@given(st.datetimes(min_value=datetime(1680, 1, 1), max_value=datetime(2260, 1, 1)), st.sampled_from(["us", "ns"]))  # noqa: DTZ001
def test_times_keep_their_value(value, unit):
    (text,) = cell_texts(pa.array([value], pa.timestamp(unit)))
    assert parsed("measurement_datetime", text) == value.isoformat(sep=" ")


def test_what_is_finer_than_a_microsecond_is_refused():
    (text,) = cell_texts(pa.array([1], pa.timestamp("ns")))
    with pytest.raises(cells.CellError):
        parsed("measurement_datetime", text)


@pytest.mark.parametrize(
    ("column", "array", "reason"),
    [
        (
            "birth_datetime",
            pa.array([datetime(2020, 1, 31)], pa.timestamp("us", "Europe/Madrid")),  # noqa: DTZ001
            "has the time zone Europe/Madrid; OMOP times are local and have none",
        ),
        ("person_source_value", pa.array([1.0]), "is double in the file, which the column cannot take"),
        ("person_source_value", pa.array([True]), "is bool in the file, which the column cannot take"),
        ("location_id", pa.array([[1]]), "is list<element: int64> in the file, which the column cannot take"),
        ("birth_datetime", pa.array([timedelta(1)]), "is duration[us] in the file, which the column cannot take"),
        ("birth_datetime", pa.array([1.5]), "is double in the file, which the column cannot take"),
        ("location_id", pa.array([date(2020, 1, 1)]), "is date32[day] in the file, which the column cannot take"),
    ],
)
def test_types_that_a_column_cannot_take_refuse_the_file(read_parquet, column, array, reason):
    found = read_parquet(**{column: array})
    assert found.errors == [f"PERSON.parquet, line 1, {column}: {reason}"]
    assert found.only.dialect is None


@pytest.mark.parametrize(
    "array", [pa.array([7]), pa.array(["7"]).dictionary_encode(), pa.array([b"7"]), pa.array([None], pa.null())]
)
def test_types_that_a_text_column_takes(read_parquet, array):
    assert read_parquet(person_source_value=array).only.rows[0]["person_source_value"] in {"7", ""}


def test_names_are_treated_as_in_text_files(read_parquet):
    assert read_parquet(x=pa.array([1])).errors == ["PERSON.parquet, line 1, x: person has no such column in CDM 5.4"]


def test_upper_case_names_and_an_archive_around_the_file(tmp_path):
    path = tmp_path / "PERSON.parquet"
    pq.write_table(pa.table({name.upper(): array for name, array in PERSON.items()}), path)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(path, "in/PERSON.parquet")
    found = read_files([tmp_path / "all.zip"])
    assert found.errors == []
    assert found.only.rows[0]["gender_concept_id"] == "8507"
    assert next(raw_rows(found.only.source))[0] == 2


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"person_id,x\n1,2\n"])
def test_what_is_no_parquet_is_refused(read, content):
    assert "the Parquet file cannot be read" in read(content, "person.parquet").errors[0]


def test_original_rows_are_json(read_parquet, tmp_path):
    read_parquet(person_source_value=pa.array(["ü"]), birth_datetime=pa.array([datetime(2020, 1, 31)]))  # noqa: DTZ001
    source = read_files([tmp_path / "PERSON.parquet"]).only.source
    assert list(raw_rows(source)) == [
        (
            2,
            '{"person_id": 1, "gender_concept_id": 8507, "year_of_birth": 1980, "race_concept_id": 0,'
            ' "ethnicity_concept_id": 0, "person_source_value": "ü", "birth_datetime": "2020-01-31 00:00:00"}',
        )
    ]


def test_original_rows_show_times_that_python_does_not_have(read_parquet, tmp_path):
    odd = pa.array([253402300800, None], pa.timestamp("s"))
    days = pa.array([2932897, None], pa.int32()).cast(pa.date32())
    read_parquet(rows=2, birth_datetime=odd, person_source_value=days)
    source = read_files([tmp_path / "PERSON.parquet"]).only.source
    (_, row), (_, other) = raw_rows(source)
    assert '"person_source_value": null' in other
    assert '"birth_datetime": "10000-01-01 00:00:00' in row
    assert '"person_source_value": "10000-01-01"' in row


def test_batches_of_long_rows_are_short(tmp_path):
    path = tmp_path / "concept_class.parquet"
    texts = [chr(97 + n) * 2_000_000 for n in range(20)]
    columns = {"concept_class_id": texts, "concept_class_name": texts, "concept_class_concept_id": range(20)}
    pq.write_table(pa.table(columns), path)
    report = ImportReport(dry_run=True)
    (source,) = find_files([path], ImportOptions(), report)
    dialect = recognise(source, schemas()["concept_class"], ImportOptions(), report, report.files[0])
    sizes = [batch.num_rows for batch in parquet_batches(source, dialect)]
    assert sum(sizes) == 20
    assert max(sizes) < 10


def test_text_that_is_no_utf_8_is_damage_and_reaches_nobody(tmp_path):
    path = tmp_path / "concept_class.parquet"
    names = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"], pa.binary()).buffers())
    columns = {"concept_class_id": names, "concept_class_name": ["x"], "concept_class_concept_id": [1]}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(UnreadableFile, match="Invalid UTF8"):
        read_files([path])
