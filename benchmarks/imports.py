"""Imports of OMOP files: rows of `measurement` per second, beside psql's \\copy of the same file into the same table.

BENCH_ROWS says how many (default 1000000,10000000). Files and the SQLite database are below BENCH_FOLDER (default: a
temporary folder); PostgreSQL gets a database of its own beside that of the other benchmarks. Each step runs in a
process of its own; of the smallest size, the best of BENCH_REPEAT (default 3) runs is told.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

SIZES = [int(size) for size in os.environ.get("BENCH_ROWS", "1000000,10000000").split(",")]
REPEAT = int(os.environ.get("BENCH_REPEAT", "3"))
BULK_ROWS, SMALL_ROWS = 100_000, 3_000  # what takes too long for more
ROOT = Path(__file__).resolve().parent.parent
CONCEPTS = [*range(3_000_000, 3_002_000), 0, 8507, 8840, 9202, 32817, 4172703, 8527, 38003564]
KEPT, AFTER, LITE = (
    "import, live indexes kept",
    "import into an empty table, indexes built after",
    "import, SQLite",
)
BARS = {
    KEPT: "40,000 rows/s and 0.30; less than 250 MB",
    AFTER: "80,000 rows/s; less than 250 MB",
    LITE: "20,000 rows/s; less than 250 MB",
}
Say = Callable[[str], None]


@dataclass(frozen=True)
class ImportRow:
    """One way to load. `ratio` is to \\copy into the indexed table, of the same size and run; `bar` is what is
    promised of it."""

    way: str
    rows: int
    seconds: float
    cpu_seconds: float | None = None
    growth_mb: float | None = None
    ratio: float | None = None
    bar: str = ""

    @property
    def per_second(self) -> float:
        return self.rows / self.seconds


def measure(url: str, say: Say) -> list[ImportRow]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as place:
        folder = Path(place)
        server = _database(url)
        found: list[ImportRow] = []
        for size in SIZES:
            found += _measure_size(size, server, folder / str(size), say, smallest=size == min(SIZES))
        return found


def _measure_size(size: int, server: str, folder: Path, say: Say, *, smallest: bool) -> list[ImportRow]:
    folder.mkdir()
    say(f"{size:,} measurements: writing files")
    parents, file = write_files(folder, size)
    _empty(server, "measurement, person, visit_occurrence, concept")
    _step("kept", server, *parents)
    repeat = REPEAT if smallest else 1
    plain = best(repeat, lambda: copy(server, file, "\\copy into the indexed table"), say)
    kept = best(repeat, lambda: ours("kept", KEPT, server, file), say)
    after = best(repeat, lambda: ours("after", AFTER, server, file), say)
    rows = [plain, kept, after]
    if smallest:
        rows.insert(1, best(repeat, lambda: bare_copy(server, file), say))
        rows += _others(server, parents, file, folder, say)
    for path in folder.iterdir():
        path.unlink()
    return [replace(row, ratio=row.per_second / plain.per_second, bar=BARS.get(row.way, "")) for row in rows]


def _others(server: str, parents: list[Path], file: Path, folder: Path, say: Say) -> list[ImportRow]:
    lite = f"sqlite:///{folder / 'bench.sqlite3'}"
    _manage(lite, "migrate")
    _step("kept", lite, *parents)
    rows = [best(1, lambda: ours("kept", LITE, lite, file), say)]
    for way, count, step in (
        ("bulk_create, batches of 5,000, nothing checked", BULK_ROWS, "bulk_create"),
        ("django-import-export, its defaults", SMALL_ROWS, "import_export"),
    ):
        part = head(file, folder / f"part_{count}.csv", count)
        rows.append(best(1, lambda way=way, step=step, part=part: ours(step, way, server, part), say))
    return rows


def best(repeat: int, run: Callable[[], ImportRow], say: Say) -> ImportRow:
    row = min((run() for _ in range(repeat)), key=lambda row: row.seconds)
    growth = "" if row.growth_mb is None else f", {row.growth_mb:.0f} MB more"
    say(f"  {row.way:<50}{row.rows:>11,} rows {row.per_second:>9,.0f} rows/s{growth}")
    return row


# --- ways


def copy(server: str, file: Path, way: str) -> ImportRow:
    """psql's own \\copy, timed by the server's side of it: connecting is not part of it."""
    _empty(server, "measurement")
    return _copy(server, file, way, "measurement")


def bare_copy(server: str, file: Path) -> ImportRow:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (LIKE measurement)")
        connection.execute("CHECKPOINT")
    row = _copy(server, file, "\\copy into a table without an index", "bare")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE bare")
    return row


def _copy(server: str, file: Path, way: str, table: str) -> ImportRow:
    with file.open() as stream:
        columns = stream.readline().strip()
    command = f"\\copy {table} ({columns}) FROM '{file}' (FORMAT csv, HEADER)"
    answer = subprocess.run(
        ["psql", server, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "\\timing on", "-c", command],
        capture_output=True,
        text=True,
        check=True,
    )
    milliseconds = float(answer.stdout.partition("Time: ")[2].split()[0])
    with psycopg.connect(server) as connection:
        counted = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert counted is not None
    return ImportRow(way, counted[0], milliseconds / 1000)


def ours(step: str, way: str, url: str, file: Path) -> ImportRow:
    if url.startswith("postgres"):
        _empty(url, "measurement")
    found = _step(step, url, file)
    return ImportRow(way, int(found["rows"]), found["seconds"], found["cpu_seconds"], found["growth_mb"])


def _step(step: str, url: str, *files: Path) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.import_step", step, *map(str, files)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


# --- databases


def _database(url: str) -> str:
    """A database of its own, made anew."""
    server, _, name = url.rpartition("/")
    own = psycopg.sql.Identifier(f"{name}_imports")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {}").format(own))
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(own))
    _manage(f"{url}_imports", "migrate")
    return f"{url}_imports"


def _manage(url: str, command: str) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), command, "--verbosity", "0"],
        env={**os.environ, "DATABASE_URL": url},
        check=True,
    )


def _empty(server: str, tables: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}")
        connection.execute("CHECKPOINT")


# --- files


def write_files(folder: Path, size: int) -> tuple[list[Path], Path]:
    """`size` measurements of size / 10 visits of size / 100 persons: their parents, and they themselves."""
    visits = max(10, size // 10)
    parents = [
        _write(folder / "concept.csv", _concepts()),
        _write(folder / "person.csv", _persons(visits // 10)),
        _write(folder / "visit_occurrence.csv", _visits(visits)),
    ]
    return parents, _write(folder / "measurement.csv", _measurements(size, visits))


def head(file: Path, to: Path, rows: int) -> Path:
    with file.open() as lines, to.open("w") as part:
        part.writelines(line for line, _ in zip(lines, range(rows + 1), strict=False))
    return to


def _write(path: Path, lines: Iterator[str]) -> Path:
    with path.open("w") as file:
        file.writelines(lines)
    return path


def _concepts() -> Iterator[str]:
    yield (
        "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code,"
        "valid_start_date,valid_end_date,invalid_reason\n"
    )
    domains = {8507: "Gender", 8527: "Race", 38003564: "Ethnicity", 8840: "Unit", 9202: "Visit", 32817: "Type Concept"}
    for concept in CONCEPTS:
        domain = domains.get(concept, "Measurement")
        name = "Meas Value Operator" if concept == 4172703 else domain
        yield f"{concept},Concept {concept},{name},LOINC,Lab Test,S,C{concept},19700101,20991231,\n"


def _persons(count: int) -> Iterator[str]:
    yield "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n"
    for person in range(1, count + 1):
        yield f"{person},8507,{1930 + person % 70},8527,38003564\n"


def _visits(count: int) -> Iterator[str]:
    yield "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_end_date,visit_type_concept_id\n"
    for visit in range(1, count + 1):
        yield f"{visit},{(visit - 1) // 10 + 1},9202,{_day(visit)},{_day(visit)},32817\n"


def _day(visit: int) -> str:
    return f"20{10 + visit % 10}-{visit % 12 + 1:02d}-{visit % 28 + 1:02d}"


def _measurements(count: int, visits: int) -> Iterator[str]:
    """All 23 columns, ids rising, visits at random, as an export by time of a hospital's laboratory has them."""
    yield (
        "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,measurement_time,"
        "measurement_type_concept_id,operator_concept_id,value_as_number,value_as_concept_id,unit_concept_id,range_low,"
        "range_high,provider_id,visit_occurrence_id,visit_detail_id,measurement_source_value,"
        "measurement_source_concept_id,unit_source_value,unit_source_concept_id,value_source_value,"
        "measurement_event_id,meas_event_field_concept_id\n"
    )
    draw = random.Random(1)
    for key in range(1, count + 1):
        visit = draw.randrange(visits) + 1
        concept = 3_000_000 + draw.randrange(2000)
        day, value = _day(visit), draw.randrange(100_000) / 100
        yield (
            f"{key},{(visit - 1) // 10 + 1},{concept},{day},{day} {key % 24:02d}:{key % 60:02d}:00,,32817,4172703,"
            f"{value},,8840,10,100.5,,{visit},,src-{concept},{concept},mg/dL,8840,{value},,\n"
        )
