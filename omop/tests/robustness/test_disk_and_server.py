"""No space left, and a database that goes away: a clear word, nothing changed, and made again it completes."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings

from omop.tests.robustness.cluster import MEGABYTE, filled
from omop.tests.robustness.state import Live, wait_until
from omop.tests.test_import_sample import SAMPLE

FAILED = 3
DATABASE_FULL = "The database ran out of disk space. Nothing was loaded."
FILES_FULL = "The disk for uploads and reports is full. Nothing was loaded."
GONE = "The connection to the database was lost. Nothing was loaded."


@pytest.mark.postgresql
def test_the_server_runs_out_of_disk_space(cluster, disk, start_children, many_rows):
    database = Live(cluster.url)
    children = start_children(cluster.url, Path(django_settings.MEDIA_ROOT))
    assert children.run("import_omop", SAMPLE, "--quiet").code == 0
    before = database.contents()
    # First there is no room for the staging tables, then for them but not for the rows beside them.
    for left in (2 * MEGABYTE, 7 * MEGABYTE):
        with filled(disk, left):
            failed = children.run("import_omop", many_rows, "--quiet")
            assert (failed.code, DATABASE_FULL in failed.output) == (FAILED, True), failed.output
            assert database.leftovers() == []
            assert database.contents() == before
    assert database.runs() == ["loaded", "failed", "failed"]
    again = children.run("import_omop", many_rows, "--quiet")
    assert again.code == 0, again.output
    assert database.contents()["measurement"][0] == before["measurement"][0] + 30_000


@pytest.mark.postgresql
def test_the_server_is_restarted_in_the_middle_of_loading(cluster, start_children, changed_sample):
    database = Live(cluster.url)
    children = start_children(cluster.url, Path(django_settings.MEDIA_ROOT))
    assert children.run("import_omop", SAMPLE, "--quiet").code == 0
    before = database.contents()
    with database.held("death"):

        def restart(process: int) -> None:
            wait_until(lambda: database.waiting("death"))
            cluster.restart_at_once()

        failed = children.run("import_omop", changed_sample, "--mode", "upsert", "--quiet", meanwhile=restart)
    assert (failed.code, GONE in failed.output) == (FAILED, True), failed.output
    assert database.contents() == before
    # The names of temporary tables outlive a crash of the server until it clears them away itself; no lock does.
    assert database.locks() == []
    assert database.runs() == ["loaded", "failed"]
    again = children.run("import_omop", changed_sample, "--mode", "upsert", "--quiet")
    assert again.code == 0, again.output
    assert database.contents()["measurement"] != before["measurement"]


@pytest.mark.sqlite
def test_the_file_of_the_database_is_on_a_full_disk(live, disk, start_children, many_rows):
    path = disk / "live.sqlite3"
    path.write_bytes(Path(live.url.removeprefix("sqlite:///")).read_bytes())
    database = Live(f"sqlite:///{path}")
    media, beside = Path(django_settings.MEDIA_ROOT), str(disk.parent)
    children = start_children(database.url, media, SQLITE_TMPDIR=beside)
    assert children.run("import_omop", SAMPLE, "--quiet").code == 0
    before = database.contents()
    # First there is no room for the staging tables, then for them, elsewhere, but not for the rows.
    for temporary, left in ((str(disk), MEGABYTE // 2), (beside, MEGABYTE)):
        with filled(disk, left):
            failed = start_children(database.url, media, SQLITE_TMPDIR=temporary).run("import_omop", many_rows)
            assert (failed.code, DATABASE_FULL in failed.output) == (FAILED, True), failed.output
            assert database.contents() == before
    assert database.leftovers() == []
    again = children.run("import_omop", many_rows, "--quiet")
    assert again.code == 0, again.output
    assert database.contents()["measurement"][0] == before["measurement"][0] + 30_000


def test_the_disk_for_files_is_full(live, disk, start_children):
    children = start_children(live.url, disk)
    with filled(disk, 0):
        failed = children.run("import_omop", SAMPLE, "--quiet")
        assert (failed.code, FILES_FULL in failed.output) == (FAILED, True), failed.output
        assert live.contents() == {}
        assert live.runs() == ["failed"]
    again = children.run("import_omop", SAMPLE, "--quiet")
    assert again.code == 0, again.output
    assert live.runs() == ["failed", "loaded"]
