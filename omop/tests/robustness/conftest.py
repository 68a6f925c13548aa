"""Databases and files for imports that are stopped in the middle."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection

from omop.tests.robustness.children import Children
from omop.tests.robustness.cluster import CannotMake, Cluster, small_disk
from omop.tests.robustness.state import Live
from omop.tests.test_import_sample import SAMPLE

DISK = 160  # megabytes: an empty server takes half of them
ROWS = 30_000


@pytest.fixture
def changed_sample(tmp_path: Path) -> Path:
    """The sample with other values, rows that are gone and rows that are new: every statement has something to do."""
    folder = shutil.copytree(SAMPLE, tmp_path / "changed")
    with (folder / "MEASUREMENT.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    value = header.index("value_as_number")
    changed = [[*row[:value], "1.5", *row[value + 1 :]] for row in rows[1:]]
    new = [[str(10**9 + n), *row[1:]] for n, row in enumerate(rows)]
    with (folder / "MEASUREMENT.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *changed, *new])
    return folder


@pytest.fixture
def live(transactional_db: Any, tmp_path: Path) -> Live:
    """The database of the children: the test's own on PostgreSQL, a copy of it in a file on SQLite."""
    if connection.vendor == "postgresql":
        given = connection.settings_dict
        user, password = (quote(str(given[name] or ""), safe="") for name in ("USER", "PASSWORD"))
        who = f"{user}:{password}" if password else user
        return Live(f"postgres://{who}@{given['HOST']}:{given['PORT'] or 5432}/{given['NAME']}?application_name=killed")
    path = tmp_path / "live.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    return Live(f"sqlite:///{path}")


@pytest.fixture
def start_children() -> Iterator[Callable[..., Children]]:
    started: list[Children] = []

    def start(database_url: str, media_root: Path, **environment: str) -> Children:
        started.append(Children(database_url, media_root, **environment))
        return started[-1]

    yield start
    for children in started:
        children.close()


@pytest.fixture
def children(live: Live, start_children: Callable[..., Children]) -> Children:
    return start_children(live.url, Path(django_settings.MEDIA_ROOT))


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small file system; the folder above it can be entered by the server's user."""
    with ExitStack() as stack:
        top = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omop-disk-")))
        top.chmod(0o755)
        try:
            yield stack.enter_context(small_disk(top / "disk", DISK))
        except CannotMake as reason:
            pytest.skip(str(reason))


@pytest.fixture
def cluster(live: Live, disk: Path) -> Iterator[Cluster]:
    """A server of our own with its data on the small disk, and the tables of the tests' database in it."""
    beside = disk.parent / "beside"
    beside.mkdir()
    try:
        made = Cluster(disk, beside)
    except CannotMake as reason:
        pytest.skip(str(reason))
    made.make()
    try:
        made.create_like(live.url)
        yield made
    except CannotMake as reason:
        pytest.skip(str(reason))
    finally:
        made.stop()


@pytest.fixture
def many_rows(tmp_path: Path) -> Path:
    """A person, and measurements that take about 4 MB each time they are written down."""
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "person.csv").write_text(
        "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n-1,0,1980,0,0\n"
    )
    names = "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_type_concept_id"
    rows = "".join(f"{10**12 + n},-1,0,2020-01-31,0,{'x' * 50}\n" for n in range(ROWS))
    (folder / "measurement.csv").write_text(f"{names},measurement_source_value\n{rows}")
    return folder
