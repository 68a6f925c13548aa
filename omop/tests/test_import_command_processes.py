"""The command as a process of its own: what the shell gets, and what a terminal shows."""

import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from omop.imports.command_line.progress import ProgressBar
from omop.models import Person

pytestmark = pytest.mark.django_db(transaction=True)
MINUTES = 300  # seconds; a machine with other work to do is slow, but a process that hangs must not hang the suite


@pytest.fixture
def environment(tmp_path):
    """Of a process that sees the tables of this test: the test's own database, or its copy in a file on SQLite."""
    if connection.vendor == "postgresql":
        each = connection.settings_dict
        login = f"{each['USER']}:{each['PASSWORD']}@{each['HOST']}:{each['PORT']}"
        url = f"postgres://{login}/{each['NAME']}"
    else:
        connection.ensure_connection()
        with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
            connection.connection.backup(copy)
        url = f"sqlite:///{tmp_path / 'copy.sqlite3'}"
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "ENVIRONMENT": "test",
        "DATABASE_URL": url,
        "MEDIA_ROOT": str(tmp_path / "files"),
        "TERM": "xterm",
    }


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "import_omop", *map(str, arguments)]


def run(environment, *arguments):
    return subprocess.run(
        command(*arguments), env=environment, capture_output=True, text=True, timeout=MINUTES, check=False
    )


def persons(environment, tmp_path) -> int:
    if connection.vendor == "postgresql":
        return Person.objects.count()
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        return copy.execute("SELECT count(*) FROM person").fetchone()[0]


def test_exit_statuses(environment, write_table, tmp_path):
    bad = write_table("person", {"year_of_birth": "old"}, name="PERSON.csv")
    refused = run(environment, bad)
    assert (refused.returncode, refused.stderr) == (1, "CommandError: Refused: 1 error, nothing was loaded.\n")
    bad.unlink()
    loaded = run(environment, write_table("person"))
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert "Loaded, in" in loaded.stdout
    assert persons(environment, tmp_path) == 1
    wrong = run(environment, "--mode", "overwrite")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "invalid choice: 'overwrite'" in wrong.stderr


def test_a_reader_that_goes_away_is_no_failure(environment, write_table, tmp_path):
    """As `| head -1` does, here before the first line."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command(write_table("person")), env=environment, stdout=writing, stderr=subprocess.PIPE, timeout=MINUTES,
        check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert persons(environment, tmp_path) == 1


def test_a_terminal_shows_a_bar_and_takes_it_away(environment, write_table, tmp_path):
    own, other = pty.openpty()
    with (tmp_path / "printed.txt").open("wb") as printed:
        process = subprocess.Popen(command(write_table("person")), env=environment, stdout=printed, stderr=other)
    os.close(other)
    shown = _read_to_the_end(own)
    assert process.wait(MINUTES) == 0
    assert "%" in shown
    assert "rows" in shown
    assert shown.endswith("\r\x1b[K")
    assert "%" not in (tmp_path / "printed.txt").read_text().splitlines()[-1]
    assert "\x1b" not in (tmp_path / "printed.txt").read_text()


def _read_to_the_end(terminal: int) -> str:
    parts = []
    try:
        while part := os.read(terminal, 65_536):
            parts.append(part)
    except OSError:
        pass  # so Linux says that nobody writes there any more
    finally:
        os.close(terminal)
    return b"".join(parts).decode()


class Terminal:
    """Keeps what was written; it has no size, so 80 columns are taken."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text.removeprefix("\r\x1b[K"))

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        raise OSError


def test_the_bar_tells_percent_rows_pace_and_time_left():
    now, terminal = [100.0], Terminal()
    bar = ProgressBar(terminal, lambda: now[0])  # type: ignore[arg-type]
    bar(0, 1_000, 0, "Reading measurement.csv")
    now[0] += 0.05
    bar(10, 1_000, 50, "Reading measurement.csv")  # too soon after the first
    now[0] += 9.95
    bar(250, 1_000, 20_000, "Reading measurement.csv")
    bar(750, 1_000, 60_000, "Checking measurement")  # another phase is shown at once
    now[0] += 3_590
    bar(1_000, 1_000, 60_000, "Loading measurement")
    bar.clear()
    assert terminal.lines == [
        "  0 % [............] 0 rows, 0:00 so far, Reading measurement.csv",
        " 25 % [###.........] 20,000 rows, 2,000 rows/s, 0:30 left, Reading measurement.",
        " 75 % [#########...] 60,000 rows, 6,000 rows/s, 0:03 left, Checking measurement",
        "100 % [############] 60,000 rows, 17 rows/s, 1:00:00 so far, Loading measuremen",
        "",
    ]
