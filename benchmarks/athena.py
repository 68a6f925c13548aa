"""A vocabulary download of Athena: how long it takes to load and to search, and what that means at full size.

The download is synthetic: true dialect, lengths of names, share of each vocabulary and shape of the hierarchy as in a
default bundle, which has 6 M concepts, 39 M relationships and 72 M ancestors. ATHENA_SCALES says which parts of that
are loaded (default 60,20: a sixtieth and a twentieth, which shows whether time grows in line with rows); ATHENA_SEARCH
how many concepts are searched (default 6000000). Files are below BENCH_FOLDER (default: a temporary folder);
PostgreSQL gets a database of its own beside that of the other benchmarks, dropped at the end.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from benchmarks.athena_download import FULL, HEADERS, concepts, names, write_download

ROOT = Path(__file__).resolve().parent.parent
SCALES = [int(scale) for scale in os.environ.get("ATHENA_SCALES", "60,20").split(",")]
SEARCHED = int(os.environ.get("ATHENA_SEARCH", "6000000"))
NAME = "augmed_bench_athena"
Say = Callable[[str], None]


@dataclass(frozen=True)
class AthenaRow:
    """One table of one load. Seconds are of the whole run where `table` is "all"."""

    scale: int
    run: str
    table: str
    rows: int
    megabytes: float = 0.0
    seconds: float = 0.0
    growth_mb: float = 0.0
    staged_mb: float = 0.0


@dataclass(frozen=True)
class SearchRow:
    """Searches of one kind, milliseconds."""

    database: str
    concepts: int
    kind: str
    searches: int
    p50: float
    p95: float
    most: float


# --- searches, in a process that has Django set up


def searches(kind: str, number: int) -> list[str]:
    """What people may write: words of names, each cut after its third letter or later; or far too few letters."""
    draw = random.Random(kind)
    if kind == "one or two letters":
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        return ["".join(draw.choices(letters, k=draw.randint(1, 2))) for _ in range(number)]
    if kind == "id or code":
        return [f"{draw.randint(1, 60_000_000) * draw.choice((1, 7)):08d}" for _ in range(number)]
    found = []
    for name, _, _ in names(draw):
        words = [word for word in "".join(c if c.isalnum() else " " for c in name).split() if len(word) >= 3]
        if words:
            some = draw.sample(words, min(len(words), draw.randint(1, 3)))
            found.append(" ".join(word[: draw.randint(3, len(word))] for word in some))
        if len(found) == number:
            break
    return found


KINDS = ("words of three letters or more", "one or two letters", "id or code")


def measure_searches(number: int = 400) -> list[SearchRow]:
    """Of the concepts in the database that Django is set up for; each search once, after a few that warm up."""
    from django.db import connection

    from omop.concept_search import search_concepts
    from omop.models import Concept

    count = Concept.objects.count()
    rows = []
    for kind in KINDS:
        taken = []
        for at, text in enumerate(searches(kind, number + 20)):
            begun = time.perf_counter()
            search_concepts(text)
            if at >= 20:
                taken.append(1_000 * (time.perf_counter() - begun))
        taken.sort()
        p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
        rows.append(SearchRow(connection.vendor, count, kind, number, p50, p95, taken[-1]))
    return rows


def fill_concepts(count: int) -> None:
    """As many concepts into the empty table of Django's database, past the import, their indexes built after."""
    from django.db import connection, transaction

    from omop import concept_search_index

    draw = random.Random(6)
    concept_search_index.drop(connection)
    ids = iter(sorted(draw.sample(range(1, 10 * count), count)))
    while ids_now := [concept_id for _, concept_id in zip(range(100_000), ids, strict=False)]:
        rows = [[cell or None for cell in row] for row in concepts(draw, ids_now)]
        for row in rows:
            row[7:9] = "1970-01-01", "2099-12-31"
        columns = HEADERS["concept"].split()
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY concept ({', '.join(columns)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(f"INSERT INTO concept ({', '.join(columns)}) VALUES ({marks})", rows)
    concept_search_index.create(connection)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE concept")


# --- one measured step, in a process of its own: python -m benchmarks.athena STEP ...


def _load(file: Path, mode: str) -> None:
    """Import one file and say how it went, as JSON."""
    from benchmarks.import_step import forget, memory
    from omop.actions import import_files
    from omop.imports.options import ImportOptions, Mode

    forget()
    before, _ = memory()
    begun = time.perf_counter()
    report = import_files(paths=[file], by=None, options=ImportOptions(mode=Mode(mode))).report
    seconds = time.perf_counter() - begun
    if report.status != "loaded":
        raise SystemExit(f"{file.name} was {report.status}: {[str(error) for error in report.errors[:3]]}")
    counts = report.tables[file.stem.lower()]
    changed = counts.new + counts.changed
    print(json.dumps({"rows": counts.read, "changed": changed, "seconds": seconds, "growth": memory()[1] - before}))


def _step(url: str, *arguments: object) -> dict[str, float]:
    environment = {**os.environ, "DATABASE_URL": url}
    command = [sys.executable, "-m", "benchmarks.athena", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2_000:] or done.stdout[-2_000:])
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


class _Disk:
    """The most that a database has on disk while the block runs, beside what it has before; megabytes."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.before = self.most = self._size()

    def _size(self) -> float:
        found = self._connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert found is not None
        return found[0] / 1e6

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self.most = max(self.most, self._size())

    def __enter__(self) -> _Disk:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()


def measure(url: str, say: Say) -> tuple[list[AthenaRow], list[SearchRow]]:
    server = url.rpartition("/")[0]
    loads: list[AthenaRow] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as place:
        for scale in SCALES:
            with _database(server) as database:
                folder = Path(place) / str(scale)
                folder.mkdir()
                say(f"1/{scale} of Athena: writing files")
                write_download(folder, scale)
                loads += [_measured(database, folder, scale, table, say) for table in FULL]
                loads += [_next_release(database, folder, scale, table, say) for table in FULL]
        searches_found: list[SearchRow] = []
        if SEARCHED:
            with _database(server) as database:
                searches_found += _search(database, SEARCHED, say)
            lite = f"sqlite:///{Path(place) / 'athena.sqlite3'}"
            _migrate(lite)
            searches_found += _search(lite, min(SEARCHED, 1_000_000), say)
    return loads, searches_found


def _measured(url: str, folder: Path, scale: int, table: str, say: Say, run: str = "first load") -> AthenaRow:
    file = folder / f"{table.upper()}.csv"
    with _Disk(url) as disk:
        found = _step(url, "load", file, "insert" if run == "first load" else "upsert")
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT pg_total_relation_size(%s::regclass)", [table]).fetchone()
    assert stored is not None
    row = AthenaRow(
        scale,
        run,
        table,
        int(found["rows"]),
        stored[0] / 1e6,
        found["seconds"],
        found["growth"],
        disk.most - disk.before,
    )
    say(f"  1/{scale} {run:<13}{table:<22}{row.rows:>10,} rows {row.seconds:7.1f} s, {row.rows / row.seconds:,.0f}/s")
    return row


def _next_release(url: str, folder: Path, scale: int, table: str, say: Say) -> AthenaRow:
    """The same download with one row in a hundred changed, in the mode upsert."""
    file = folder / f"{table.upper()}.csv"
    newer = folder / "newer"
    with file.open(encoding="utf-8") as old, newer.open("w", encoding="utf-8") as new:
        for number, line in enumerate(old):
            changed = number % 100 == 50
            if (changed and table == "concept") or (changed and table == "concept_relationship"):
                line = line.replace("\t20991231", "\t20250131")
            elif changed:
                line = line.rstrip("\n") + "0\n"
            new.write(line)
    newer.replace(file)
    return _measured(url, folder, scale, table, say, "next release")


def _search(url: str, count: int, say: Say) -> list[SearchRow]:
    _step(url, "fill", count)
    rows = [SearchRow(**row) for row in _step(url, "search")]  # type: ignore[arg-type]
    for row in rows:
        say(f"  {row.database}, {row.kind}: p50 {row.p50:.1f}, p95 {row.p95:.1f}, most {row.most:.1f} ms")
    return rows


@contextmanager
def _database(server: str) -> Iterator[str]:
    """An empty, migrated database that is gone afterwards."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
        connection.execute(f"CREATE DATABASE {NAME}")
    try:
        _migrate(f"{server}/{NAME}")
        yield f"{server}/{NAME}"
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def _migrate(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)


def _main(step: str, *arguments: str) -> None:
    import django

    django.setup()
    if step == "load":
        _load(Path(arguments[0]), arguments[1])
    elif step == "fill":
        fill_concepts(int(arguments[0]))
    else:
        print(json.dumps([asdict(row) for row in measure_searches()]))


if __name__ == "__main__":
    _main(*sys.argv[1:])
