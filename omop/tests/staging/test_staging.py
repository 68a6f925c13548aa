"""How files are staged: order, counts, progress, keys; the same on both databases."""

import threading
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omop.imports.backends import backend, query, quoted, staging
from omop.imports.convert.ahead import ahead
from omop.imports.options import ImportOptions, LongText
from omop.imports.reading.sources import find_files
from omop.imports.report import ImportReport, TableCounts
from omop.imports.schema import schemas
from omop.imports.staging import Stager
from omop.tests.staging.harness import stage, stage_file

HEADER = "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_type_concept_id,value_as_number"


def lines(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def fine(key: int) -> str:
    return f"{key},1,3000963,2020-01-31,32817,48.1"


def many(count: int = 500) -> bytes:
    """Every tenth row has a fault, each seventh a short line beside it."""
    rows = [fine(key) if key % 10 else f"{key},x,,2020-02-30,32817,nan" for key in range(1, count)]
    return lines(*(f"{row}\n1,2" if key % 7 == 0 else row for key, row in enumerate(rows)))


@pytest.mark.parametrize("threads", [2, 5])
def test_any_number_of_threads_gives_the_same(threads):
    one, more = stage(many(), chunk=700), stage(many(), chunk=700, threads=threads)
    assert more.rows == one.rows
    assert more.told == one.told
    assert more.progress == one.progress


def test_findings_come_in_the_order_of_the_file():
    report = stage(many(), chunk=700).report
    found = [(error.line, error.column) for error in report.errors]
    assert [line for line, _ in found] == sorted(line for line, _ in found)
    first = [column for line, column in found if line == found[3][0]]
    assert first == ["person_id", "measurement_concept_id", "measurement_date", "value_as_number"]


def test_counts_and_rows_that_could_not_be_staged():
    staged = stage(lines(fine(1), "2,1", fine(3), f"{fine(4)},5", "5,1,,2020-01-31,32817,"))
    assert staged.report.tables["measurement"].read == 5
    assert staged.stager.unstaged == {"measurement": 2}
    assert [(row["_line"], row["_rejected"]) for row in staged.rows] == [(2, 0), (4, 0), (6, 1)]
    assert staged.report.files[0].rows == 5


def test_shortened_texts_are_told_once_a_column_whatever_the_chunks():
    header = f"{HEADER},measurement_source_value"
    rows = "\n".join(f"{fine(key)},{'x' * (49 + key % 3)}" for key in range(1, 31))
    options = ImportOptions(long_text=LongText.TRUNCATE)
    staged = stage(f"{header}\n{rows}\n".encode(), options=options, chunk=400)
    (result,) = [check for check in staged.report.checks.values() if check.code == "value_truncated"]
    assert (result.count, len(result.first), result.column) == (10, 1, "measurement_source_value")
    assert {len(row["measurement_source_value"]) for row in staged.rows} == {49, 50}


# --- keys


@pytest.mark.parametrize(
    ("keys", "increasing"),
    [
        ([1, 2, 3, 9], True),
        ([-5, 0, 7], True),
        ([1, 2, 2], False),
        ([1, 3, 2], False),
        ([1, "", 3], False),
        ([1, "x", 3], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("chunk", [50, 100_000])
@pytest.mark.parametrize("exact", [False, True])
def test_rising_keys_are_noticed(keys, increasing, chunk, exact):
    staged = stage(lines(*(fine(key) for key in keys)), chunk=chunk, exact=exact)
    assert staged.stager.increasing == ({"measurement"} if increasing else set())


@pytest.mark.parametrize(("second", "increasing"), [([4, 5], True), ([3, 4], False), ([1], False)])
def test_rising_keys_over_two_files(tmp_path, second, increasing):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "measurement.csv").write_bytes(lines(*map(fine, [1, 2, 3])))
    (folder / "MEASUREMENT.txt").write_bytes(lines(*map(fine, second)))
    staged = stage_file(folder)
    first_file = staged.report.files[0].name
    keys = [1, 2, 3, *second] if first_file == "measurement.csv" else [*second, 1, 2, 3]
    rising = keys == sorted(set(keys))
    assert staged.stager.increasing == ({"measurement"} if rising else set())
    assert len(staged.rows) == len(keys)


# --- progress and ends


def test_progress_ends_with_the_whole_file():
    content = many()
    progress = stage(content, chunk=700).progress
    assert progress == sorted(progress)
    assert progress[-1] == (len(content), content.count(b"\n") - 1)


def test_whoever_stops_the_run_stops_its_threads(tmp_path):
    path = tmp_path / "measurement.csv"
    path.write_bytes(many())
    database, report = backend(), ImportReport(dry_run=True)
    database.write = lambda *arguments: None
    (source,) = find_files([path], report.options, report)
    report.tables = {source.table: TableCounts()}

    def stop(done: int, rows: int) -> None:
        raise KeyboardInterrupt

    stager = Stager(database, report, threads=3, chunk=700)
    with pytest.raises(KeyboardInterrupt):
        stager.stage(source, schemas()[source.table], report.files[0], stop)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("omop-import")]


def test_no_more_than_a_few_pieces_are_under_way():
    taken = []

    def pieces():
        for number in range(20):
            taken.append(number)
            yield number

    for done, result in enumerate(ahead(pieces(), lambda number: number * 2, threads=2)):
        assert result == done * 2
        assert len(taken) <= done + 3
    assert len(taken) == 20


def test_an_error_of_the_work_ends_it():
    def fail(number: int) -> int:
        raise ValueError(f"piece {number}")

    with pytest.raises(ValueError, match="piece 0"):
        list(ahead(range(9), fail, threads=2))


# --- Parquet


@pytest.fixture
def parquet(tmp_path):
    def write(**columns: pa.Array):
        rows = len(next(iter(columns.values())))
        filled = {
            "measurement_id": pa.array(range(1, rows + 1), pa.int32()),
            "person_id": pa.array([1] * rows, pa.int64()),
            "measurement_concept_id": pa.array(["3000963"] * rows).dictionary_encode(),
            "measurement_date": pa.array([18292] * rows, pa.date32()),
            "measurement_type_concept_id": pa.array([32817.0] * rows),
            **columns,
        }
        path = tmp_path / "measurement.parquet"
        pq.write_table(pa.table(filled), path)
        return path

    return write


@pytest.mark.parametrize(
    "columns",
    [
        {"value_as_number": pa.array([48.1, None, float("nan"), 1e300])},
        {"value_as_number": pa.array(["48.1", "", None, "x"])},
        {"person_id": pa.array([1, None, 2**40])},
        {"person_id": pa.array([1, 2**63], pa.uint64())},
        {"measurement_datetime": pa.array([0, 1_600_000_000_000_001, None], pa.timestamp("us"))},
        {"measurement_date": pa.array([0, 10**18], pa.timestamp("ns"))},
        {"measurement_source_value": pa.array(["a,b", 'a"b', "a\nb", "", None, "x" * 51, "\0"])},
        {"measurement_source_value": pa.array([b"plain", None, b"\xff"])},
        {"value_as_number": pa.array([Decimal("1.50"), Decimal(7), None], pa.decimal128(20, 2))},
    ],
    ids=lambda columns: "-".join(f"{name}:{values.type}" for name, values in columns.items()),
)
def test_parquet_is_read_the_same_both_ways(parquet, columns):
    path = parquet(**columns)
    natively, exactly = stage_file(path), stage_file(path, exact=True)
    assert natively.rows == exactly.rows
    assert natively.told == exactly.told
    assert [row["_line"] for row in natively.rows] == list(range(2, len(natively.rows) + 2))


# --- the databases

ODD = [
    '1,1,3000963,2020-01-31,32817,1.50,"a, ""b"" and\nc",2020-01-31 10:11:12.5',
    "2,1,3000963,20200131,32817,1e-7,\\N,2020-01-31T10:11",
    "3,-9223372036854775808,3000963,2020-01-31,32817,-0.25,\\.,",
    '4,1,3000963,2020-01-31,32817,,"""",2020-01-31',
    "5,1,3000963,2020-01-31,32817,x, ñ\t– ,",
    "6,1,00012,2020-01-31,32817,123456789.123456,,",
]


@pytest.mark.django_db
@pytest.mark.parametrize("exact", [False, True])
def test_staging_tables_hold_the_same_on_both_databases(tmp_path, exact):
    path = tmp_path / "measurement.csv"
    path.write_text(f"{HEADER},measurement_source_value,measurement_datetime\n" + "\n".join(ODD) + "\n")
    report = ImportReport(dry_run=True)
    database = backend()
    (source,) = find_files([path], report.options, report)
    schema = schemas()[source.table]
    report.tables = {source.table: TableCounts()}
    database.create(schema)
    Stager(database, report, exact=exact, chunk=80).stage(source, schema, report.files[0], lambda done, rows: None)
    database.finish(schema)
    columns = "_line, _rejected, measurement_id, person_id, measurement_concept_id, value_as_number"
    rows = query(f"SELECT {columns}, measurement_source_value FROM {quoted(staging('measurement'))} ORDER BY 1")
    numbers = [None if row[5] is None else float(row[5]) for row in rows]
    assert [(*row[:5], row[6]) for row in rows] == [
        (2, 0, 1, 1, 3000963, 'a, "b" and\nc'),
        (4, 0, 2, 1, 3000963, "\\N"),
        (5, 0, 3, -(2**63), 3000963, "\\."),
        (6, 0, 4, 1, 3000963, '"'),
        (7, 1, 5, 1, 3000963, " ñ\t– "),
        (8, 0, 6, 1, 12, None),
    ]
    assert numbers == [1.5, 1e-7, -0.25, None, None, 123456789.123456]
    times = query(
        f"SELECT CAST(measurement_date AS text), CAST(measurement_datetime AS text)"
        f" FROM {quoted(staging('measurement'))} ORDER BY _line"
    )
    assert {day for day, _ in times} == {"2020-01-31"}
    moments = [moment and moment.ljust(26, "0") for _, moment in times]
    assert [moment and moment[:21] for moment in moments] == [
        "2020-01-31 10:11:12.5",
        "2020-01-31 10:11:0000",
        None,
        "2020-01-31 00:00:0000",
        None,
        None,
    ]
    database.drop()


@pytest.mark.django_db
@pytest.mark.postgresql
def test_what_copy_took_is_counted():
    schema = schemas()["death"]
    database = backend()
    database.create(schema)
    rows = pa.table([["1", "2"], ["2020-01-31", "2020-01-31"]], names=["person_id", "death_date"])
    encoded = database.encode(schema, rows)
    with pytest.raises(RuntimeError, match="COPY took 2 of 3 rows"):
        database.write(schema, rows.column_names, 3, encoded)
    database.drop()
