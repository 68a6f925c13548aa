"""What is remembered of a run, and what is kept of it for a while."""

import json
import os
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from augmed.foundation import jobs
from augmed.foundation.models import AuditEvent, Job
from omop import actions
from omop.actions import ImportFailed, UsageError, import_files
from omop.imports import engine, runs
from omop.imports.options import ImportOptions, Mode
from omop.models import Person
from omop.models.imports import CheckOutcome, ImportedFile, ImportRun, TableLoad

pytestmark = pytest.mark.django_db


def stop_with(error):
    def progress(done, total, rows, message):
        if message.startswith("Loading"):
            raise error

    return progress


class TestRemembered:
    def test_a_load_with_its_files_tables_and_checks(self, write_table, data_staff):
        path = write_table("person")
        outcome = import_files(paths=[path], by=data_staff, source=ImportRun.Source.FOLDER)
        run = ImportRun.objects.get()
        assert run == outcome.run
        assert (run.kind, run.status, run.source, run.mode) == ("load", "loaded", "folder", "insert")
        assert (run.created_by, run.rows, run.bytes) == (data_staff, 1, path.stat().st_size)
        assert (run.error, run.error_count) == ("", 0)
        assert run.started_at <= run.finished_at
        file = ImportedFile.objects.get()
        assert (file.name, file.table, file.rows, len(file.sha256)) == ("person.csv", "person", 1, 64)
        assert file.recognised["separator"] == "comma"
        table = TableLoad.objects.get()
        assert (table.table, table.read, table.new, table.loaded, table.unchanged) == ("person", 1, 1, 1, 0)
        assert CheckOutcome.objects.filter(run=run).count() == len(outcome.report.checks)
        unknown = CheckOutcome.objects.get(code="concept_exists", column="gender_concept_id")
        assert (unknown.outcome, unknown.level, unknown.checked, unknown.count) == ("failed", "warn", 1, 1)

    def test_a_check_and_a_refusal_are_remembered_too(self, write_table):
        import_files(paths=[write_table("person")], by=None, dry_run=True)
        import_files(paths=[write_table("person", {"year_of_birth": "old"})], by=None)
        found = ImportRun.objects.order_by("finished_at").values_list("kind", "status", "error_count")
        assert list(found) == [("check", "checked", 0), ("load", "refused", 1)]

    def test_no_value_of_a_file_is_in_the_database(self, write_table):
        secret = "Mrs Secret"
        import_files(paths=[write_table("person", {"year_of_birth": secret})], by=None)
        for model in (ImportRun, ImportedFile, TableLoad, CheckOutcome, AuditEvent):
            assert secret not in repr(list(model.objects.values()))

    def test_the_report_and_the_rejects_are_files_for_this_service_alone(self, write_table):
        outcome = import_files(paths=[write_table("person", {"year_of_birth": "old"})], by=None)
        report = runs.report_of(outcome.run)
        assert report is not None
        assert (report["run"], report["status"], report["error_count"]) == (str(outcome.run.pk), "refused", 1)
        rejects = runs.rejects_path(outcome.run)
        assert rejects is not None
        assert "person.csv,2,year_of_birth,value_type" in rejects.read_text()
        assert rejects.parent.stat().st_mode & 0o777 == 0o700

    def test_wrong_use_leaves_nothing(self, tmp_path):
        with pytest.raises(UsageError):
            import_files(paths=[tmp_path / "nowhere"], by=None)
        assert not ImportRun.objects.exists()

    def test_a_file_that_is_written_while_it_is_read_is_not_loaded(self, write_table):
        path = write_table("person")

        def progress(done, total, rows, message):
            if rows:
                write_table("person", {}, {"person_id": 2})

        with pytest.raises(UsageError, match="changed while it was read"):
            import_files(paths=[path], by=None, progress=progress)
        assert not Person.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestStopped:
    def test_an_unforeseen_error_is_a_failed_run_without_its_text(self, write_table):
        with pytest.raises(RuntimeError, match="Mrs Secret"):
            import_files(paths=[write_table("person")], by=None, progress=stop_with(RuntimeError("Mrs Secret")))
        run = ImportRun.objects.get()
        assert (run.status, run.error) == ("failed", "Stopped by an unexpected RuntimeError.")
        assert TableLoad.objects.get().loaded == 0
        assert not Person.objects.exists()

    @pytest.mark.parametrize("error", [jobs.Cancelled(), KeyboardInterrupt()])
    def test_a_cancel_while_loading_loads_nothing(self, write_table, error):
        with pytest.raises(type(error)):
            import_files(paths=[write_table("person")], by=None, progress=stop_with(error))
        assert ImportRun.objects.get().status == "cancelled"
        assert not Person.objects.exists()
        assert import_files(paths=[write_table("person")], by=None).report.status == "loaded"

    def test_what_comes_after_the_commit_stops_nothing(self, write_table, monkeypatch):
        def stopped(changes):
            if Person.objects.exists():
                raise KeyboardInterrupt

        monkeypatch.setattr(engine.Changes, "drop", stopped)
        outcome = import_files(paths=[write_table("person")], by=None)
        assert outcome.report.status == outcome.run.status == "loaded"
        assert outcome.report.tables["person"].loaded == 1
        assert ImportRun.objects.get() == outcome.run
        assert runs.report_of(outcome.run)["status"] == "loaded"

    def test_a_database_that_is_gone_is_told_in_words(self, write_table):
        error = OperationalError("the connection is closed")
        error.__cause__ = psycopg.OperationalError("the connection is closed")
        with pytest.raises(ImportFailed) as raised:
            import_files(paths=[write_table("person")], by=None, progress=stop_with(error))
        assert raised.value.detail.startswith("The connection to the database was lost. Nothing was loaded.")
        assert raised.value.run == ImportRun.objects.get()
        assert raised.value.run.error == raised.value.detail

    def test_a_job_that_fails_so_is_a_failed_job(self, write_table, data_staff, monkeypatch):
        def full(*_):
            raise OperationalError("database or disk is full")

        monkeypatch.setattr(engine.Engine, "run", full)
        monkeypatch.setattr(jobs, "dispatch", lambda job: None)
        source = SimpleNamespace(paths=lambda: [write_table("person")], kind="upload")
        monkeypatch.setattr("omop.jobs.ImportSource", SimpleNamespace(from_json=lambda data: source))
        parameters = {"source": {}, "options": {}, "dry_run": False}
        job = jobs.run(job_id=jobs.create(kind=actions.IMPORT_JOB, parameters=parameters, by=data_staff).pk)
        assert job.status == Job.Status.FAILED
        assert job.error.startswith("The database ran out of disk space. Nothing was loaded.")
        run = ImportRun.objects.get()
        assert (run.status, run.job_id) == ("failed", job.pk)


@pytest.mark.parametrize(("source", "logged"), [(ImportRun.Source.COMMAND, 0), (ImportRun.Source.UPLOAD, 2)])
def test_what_the_command_says_by_itself_is_not_logged_too(source, logged, write_table, monkeypatch, caplog):
    def away(*_):
        raise DatabaseError("the server closed the connection")

    monkeypatch.setattr(runs, "record", away)
    monkeypatch.setattr(runs, "write_report", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(DatabaseError):
        import_files(paths=[write_table("person")], by=None, source=source)
    assert len([each for each in caplog.records if each.name == "omop.actions.imports"]) == logged


class TestAgain:
    def load(self, path, **options):
        return import_files(paths=[path], by=None, **options)

    def test_the_same_files_again_change_nothing_and_it_says_so(self, write_table, data_staff):
        path = write_table("person")
        first = import_files(paths=[path], by=data_staff)
        again = self.load(path)
        on = f"{first.run.finished_at:%Y-%m-%d %H:%M} UTC"
        assert again.message == f"These files were loaded on {on} by {data_staff}; nothing changed."
        report = runs.report_of(again.run)
        assert report is not None
        assert report["message"] == again.message
        assert [each["run"] for each in report["loaded_before"]] == [str(first.run.pk)]
        assert (again.report.tables["person"].unchanged, again.report.status) == (1, "loaded")

    def test_a_dry_run_says_it_beforehand(self, write_table):
        path = write_table("person")
        self.load(path)
        assert self.load(path, dry_run=True).message.endswith("; nothing would change.")

    def test_what_somebody_edited_since_is_found_whatever_the_checksum_says(self, write_table):
        path = write_table("person")
        upsert = ImportOptions(mode=Mode.UPSERT)
        self.load(path, options=upsert)
        Person.objects.update(year_of_birth=1900)
        again = self.load(path, options=upsert)
        assert again.message.endswith("; the tables have changed since.")
        assert again.report.tables["person"].changed == 1

    def test_other_files_other_options_and_refused_ones_are_new(self, write_table):
        path = write_table("person")
        self.load(path, dry_run=True)
        assert self.load(path).message == ""
        assert self.load(path, options=ImportOptions(threads=2)).message != ""
        assert self.load(path, options=ImportOptions(mode=Mode.UPSERT)).message == ""
        assert self.load(write_table("person", {"person_id": 5})).message == ""


def test_the_tables_are_checked_by_a_job_that_is_remembered(write_table, data_staff, monkeypatch):
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    import_files(paths=[write_table("person")], by=None)
    job = jobs.run(job_id=actions.check_database(by=data_staff).pk)
    run = ImportRun.objects.get(kind="database")
    assert job.result == {"run": str(run.pk), "status": "checked"}
    assert (run.status, run.source, run.created_by, run.job_id) == ("checked", "database", data_staff, job.pk)
    assert TableLoad.objects.get(run=run, table="person").read == 1
    outcome = CheckOutcome.objects.get(run=run, code="concept_exists", table="person", column="gender_concept_id")
    assert (outcome.checked, outcome.count) == (1, 1)


class TestPurge:
    def aged(self, run, days):
        then = timezone.now() - timedelta(days=days)
        os.utime(runs.folder_of(run), (then.timestamp(), then.timestamp()))
        return then

    def test_old_reports_go_and_what_is_remembered_stays(self, write_table, settings):
        settings.IMPORT_REPORT_DAYS = 90
        run = import_files(paths=[write_table("person")], by=None).run
        later = timezone.now() + timedelta(days=91)
        assert actions.purge_import_reports(now=timezone.now() + timedelta(days=89)) == 0
        assert runs.report_of(run) is not None
        assert actions.purge_import_reports(now=later) == 1
        assert runs.report_of(run) is None
        assert runs.rejects_path(run) is None
        assert ImportRun.objects.get().status == "loaded"
        event = AuditEvent.objects.get(action="import_reports_purged")
        assert json.loads(event.data) == {"runs": [str(run.pk)]}
        assert actions.purge_import_reports(now=later) == 0

    def test_the_command(self, capsys):
        call_command("purge_import_reports")
        assert capsys.readouterr().out == "The reports of 0 imports removed.\n"


def test_the_number_of_statements_of_remembering_does_not_grow(write_table, django_assert_num_queries):
    outcome = import_files(paths=[write_table("person")], by=None, dry_run=True)
    report = outcome.report
    for count in (1, 30):
        for n in range(count):
            report.check("value_type", "person", f"column_{n}")
        run = ImportRun(kind="check", status="checked", source="command", started_at=timezone.now())
        with django_assert_num_queries(4):
            runs.record(run, report)
