"""However much is wrong with a file, few of its problems are held at once; and none is lost or out of order."""

import gc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omop.imports.convert import columns, result
from omop.imports.convert.result import Problem, TooManyProblems, rows_at_once
from omop.imports.options import ImportOptions
from omop.imports.reading.sources import find_files
from omop.imports.report import ImportReport, TableCounts
from omop.imports.schema import schemas
from omop.imports.staging import Stager
from omop.tests.staging.harness import Recording, stage, stage_file

HEADER = "observation_period_id,person_id,observation_period_start_date,observation_period_end_date"
NAMES = [*HEADER.split(","), "period_type_concept_id"]
ROWS = 6_000
FIRST = ",".join(NAMES) + "\n"
BAD = {
    "same": FIRST + "x,y,z,w,v\n" * ROWS,
    "distinct": FIRST + "".join(f"a{row},b{row},c{row},d{row},e{row}\n" for row in range(ROWS)),
    "short": FIRST + "x\n" * ROWS,
    "quotes": FIRST + '"x"y\n' * ROWS,
    "one_odd": FIRST + "x,y,z,w,v\n" * ROWS + "x\n",
    "last": FIRST + "".join(f"{row},1,2020-01-01,2020-01-02,1\n" for row in range(ROWS)) + "x,y,z,w,v\n" * ROWS,
}


class Counting(ImportReport):
    """Counts the problems that are alive, each so many findings."""

    most = 0
    every = 2_000

    def found(self, *args, **kwargs) -> None:
        super().found(*args, **kwargs)
        if self.error_count % self.every == 1:
            alive = sum(type(each) in (Problem, columns.Failure) for each in gc.get_objects())
            self.most = max(self.most, alive)


def alive_at_once(path: Path, threads: int, **how) -> tuple[int, int]:
    """The most problems that were held at once, and how many there were."""
    report = Counting(dry_run=True, options=ImportOptions())
    stager = Stager(Recording(), report, threads=threads, **how)
    files = find_files([path], report.options, report)
    report.tables = {file.table: TableCounts() for file in files}
    for file in files:
        stager.stage(file, schemas()[file.table], report.files[file.number], lambda done, rows: None)
    return report.most, report.error_count


def bound(monkeypatch, problems: int) -> None:
    for module in ("convert.result", "convert.native", "staging"):
        monkeypatch.setattr(f"omop.imports.{module}.MOST_PROBLEMS", problems)


@pytest.fixture
def few(monkeypatch):
    """A bound that small files reach."""
    bound(monkeypatch, 50)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("kind", BAD)
def test_problems_held_at_once_are_bounded(few, tmp_path, kind, threads):
    path = tmp_path / "observation_period.csv"
    path.write_text(BAD[kind])
    most, count = alive_at_once(path, threads)
    assert count >= ROWS
    # A piece holds at most twice the bound (problems, and what they are made of); a piece a thread and two more.
    assert 0 < most <= (threads + 2) * 2 * result.MOST_PROBLEMS


def test_also_those_of_parquet(few, tmp_path):
    path = tmp_path / "observation_period.parquet"
    pq.write_table(pa.table({name: ["x"] * ROWS for name in NAMES}), path)
    most, count = alive_at_once(path, 1)
    assert count == 5 * ROWS
    assert most <= 6 * result.MOST_PROBLEMS


@pytest.mark.parametrize("threads", [1, 4])
def test_slices_tell_the_same_as_one_piece(few, monkeypatch, threads):
    rows = [f"{row},1,2020-01-01,2020-01-02,1" if row % 3 else f"x{row},,y,w" + ",v" * (row % 5) for row in range(400)]
    plain = [f"{row},1,2020-01-01,2020-01-02,1" if row % 3 else f"x{row},,y,w,{row}" for row in range(400)]
    for content in (rows, plain, [f'"{row}"' for row in rows], [f'a"b,{row}' for row in plain]):
        text = "\n".join([FIRST.strip(), *content, ""]).encode()
        sliced = stage(text, "observation_period.csv", threads=threads)
        with monkeypatch.context() as patch:
            bound(patch, 1_000_000)
            whole = stage(text, "observation_period.csv")
        assert sliced.rows == whole.rows
        assert sliced.told == whole.told
        assert sliced.progress == whole.progress
        assert [error.line for error in sliced.report.errors] == sorted(error.line for error in sliced.report.errors)


def test_rising_keys_are_seen_over_slices(few):
    text = FIRST + "".join(f"{row},x,y,z,v\n" for row in range(200))
    assert stage(text.encode(), "observation_period.csv").stager.increasing == {"observation_period"}
    again = text + "150,x,y,z,v\n"
    assert not stage(again.encode(), "observation_period.csv").stager.increasing


def test_parquet_in_slices(few, tmp_path):
    path = tmp_path / "observation_period.parquet"
    pq.write_table(pa.table({name: ["x"] * 100 for name in NAMES}), path)
    native_way, exact = stage_file(path), stage_file(path, exact=True)
    assert native_way.rows == exact.rows
    assert native_way.told == exact.told
    assert native_way.report.error_count == 500


def test_a_slice_never_has_too_many():
    assert rows_at_once(5) * 5 <= result.MOST_PROBLEMS
    assert rows_at_once(0) == result.MOST_PROBLEMS
    assert rows_at_once(result.MOST_PROBLEMS + 1) == 1
    assert issubclass(TooManyProblems, Exception)
