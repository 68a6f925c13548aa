"""The import through the admin, as a browser does it: upload, check, confirm; who may."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from augmed.foundation import jobs
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent, Job
from omop import actions, uploads
from omop.imports.options import ImportOptions, Mode
from omop.models import Person, VisitOccurrence
from omop.sources import ImportSource
from omop.tests.admin_imports.conftest import END, finished, plain_choices, sent, signed_in, upload
from omop.tests.test_import_sample import SAMPLE

__all__ = ["finished", "signed_in", "upload"]
pytestmark = pytest.mark.django_db(transaction=True)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def uploads_folder(settings):
    return Path(settings.MEDIA_ROOT) / "omop-uploads"


def kept(*paths: Path) -> ImportSource:
    return ImportSource("upload", uploads.store([sent(path) for path in paths]))


def check(*paths: Path, by, **options) -> Job:
    return actions.start_import(source=kept(*paths), options=ImportOptions(**options), by=by)


def test_files_are_checked_shown_and_then_loaded(signed_in, upload, data_staff, uploads_folder):
    page = upload(*SAMPLE.glob("*.csv"))
    assert "Checked: no errors" in page.content.decode()
    assert Person.objects.count() == 0
    job = Job.objects.get()
    page = signed_in.post(reverse("admin:omop_bulk_report", args=[job.pk]), follow=True)
    assert "<h2>Loaded</h2>" in page.content.decode()
    assert (Person.objects.count(), VisitOccurrence.objects.count()) == (3, 30)
    assert AuditEvent.objects.get(action="omop_imported").actor == str(data_staff.pk)
    assert list(uploads_folder.iterdir()) == []
    again = signed_in.get(reverse("admin:omop_bulk_report", args=[job.pk])).content.decode()
    assert "see its import" in again
    assert "Change choices" not in again


def test_errors_are_listed_and_the_files_wait_for_other_choices(signed_in, upload, write_table, uploads_folder):
    path = write_table("person", {"year_of_birth": "<b>old</b>"}, {"person_id": 2})
    page = upload(path).content.decode()
    assert "1 error and" in page
    assert "<q>&lt;b&gt;old&lt;/b&gt;</q> is not a whole number" in page
    assert "Load now" not in page
    assert len(list(uploads_folder.iterdir())) == 1

    again = reverse("admin:omop_bulk_again", args=[Job.objects.get().pk])
    page = signed_in.post(again, {**plain_choices(), "tolerate_value_type": "50"}, follow=True)
    assert "what is wrong is within what you tolerate" in page.content.decode()
    report = reverse("admin:omop_bulk_report", args=[Job.objects.latest("created_at").pk])
    assert "Say that these rows may be left out." in signed_in.post(report).content.decode()
    signed_in.post(report, {"leave_out": "on"})
    assert list(Person.objects.values_list("pk", flat=True)) == [2]
    assert len(list(uploads_folder.iterdir())) == 0


def test_an_unknown_name_is_confirmed_without_a_new_upload(signed_in, upload, write_table, uploads_folder):
    page = upload(write_table("person", name="CDM_PERSON_2020.csv")).content.decode()
    assert '<option value="person" selected>person (most like it)</option>' in page
    first = Job.objects.get()
    page = signed_in.post(reverse("admin:omop_bulk_alias", args=[first.pk]), {"table_0": "person"}, follow=True)
    assert "Checked: no errors" in page.content.decode()
    job = Job.objects.latest("created_at")
    assert job.parameters["source"] == first.parameters["source"]
    signed_in.post(reverse("admin:omop_bulk_report", args=[job.pk]))
    assert Person.objects.count() == 1
    assert list(uploads_folder.iterdir()) == []


def test_replacing_persons_asks_for_the_number_of_rows(signed_in, upload, write_table):
    actions.import_files(paths=[write_table("person"), write_table("visit_occurrence")], by=None)
    person = write_table("person", {"year_of_birth": 1970})
    visit = write_table("visit_occurrence", {"visit_occurrence_id": 11})
    page = upload(person, visit, mode="replace-person").content.decode()
    report = reverse("admin:omop_bulk_report", args=[Job.objects.latest("created_at").pk])
    totals = signed_in.get(report).context["view"].totals
    assert totals["removed"] > 0
    assert f"Type {totals['removed']} to say that you want this." in page
    body = {"remove": str(totals["removed"]), "overwrite": "on"}
    assert signed_in.post(report, {**body, "remove": "no"}).status_code == 422
    assert Person.objects.get().year_of_birth == 1980
    assert signed_in.post(report, body).status_code == 302
    assert Person.objects.get().year_of_birth == 1970
    assert VisitOccurrence.objects.get().pk == 11


def test_files_of_a_folder_are_loaded_and_stay(signed_in, settings, tmp_path, write_table):
    write_table("person")
    settings.OMOP_IMPORT_FOLDERS = [str(tmp_path)]
    body = {"root": 0, "path": "", "names": ["person.csv"], **plain_choices()}
    signed_in.post(reverse("admin:omop_bulk_folder"), body)
    signed_in.post(reverse("admin:omop_bulk_report", args=[Job.objects.get().pk]))
    assert Person.objects.count() == 1
    assert (tmp_path / "person.csv").is_file()


def test_the_same_files_again_say_so(signed_in, upload, write_table):
    for _ in range(2):
        upload(write_table("person"))
        report = reverse("admin:omop_bulk_report", args=[Job.objects.latest("created_at").pk])
        page = signed_in.post(report, follow=True).content.decode()
    assert "No row was new or changed" in page
    assert "These files were loaded before" in page


def test_a_second_click_gives_the_same_import(data_staff, write_table):
    job = check(write_table("person"), by=data_staff)
    first = actions.confirm_import(job=job, by=data_staff)
    assert actions.confirm_import(job=job, by=data_staff) == first
    assert Job.objects.count() == 2


def test_who_may_not_import_any_more_loads_nothing(data_staff, write_table, monkeypatch):
    """A job can wait for long; what counts is whether its person may import when it runs."""
    job = check(write_table("person"), by=data_staff)
    monkeypatch.setattr("augmed.foundation.jobs.dispatch", lambda job: None)
    waiting = actions.confirm_import(job=job, by=data_staff)
    data_staff.is_data_staff = False
    data_staff.save()
    over = jobs.run(job_id=waiting.pk)
    assert over.status == Job.Status.FAILED
    assert over.error == "Who started this may no longer import OMOP data, so nothing was done."
    assert Person.objects.count() == 0


def test_what_was_refused_cannot_be_confirmed(signed_in, data_staff, write_table):
    job = check(write_table("person", {"year_of_birth": "old"}), by=data_staff)
    with pytest.raises(Conflict):
        actions.confirm_import(job=job, by=data_staff)
    page = signed_in.post(reverse("admin:omop_bulk_report", args=[job.pk]), follow=True)
    assert "Only files that were checked" in page.content.decode()
    assert Job.objects.count() == 1


def test_files_that_changed_since_the_check_are_not_loaded(signed_in, settings, tmp_path, write_table):
    write_table("person")
    settings.OMOP_IMPORT_FOLDERS = [str(tmp_path)]
    signed_in.post(
        reverse("admin:omop_bulk_folder"), {"root": 0, "path": "", "names": ["person.csv"], **plain_choices()}
    )
    report = reverse("admin:omop_bulk_report", args=[Job.objects.get().pk])
    write_table("person", {"year_of_birth": 1970})
    page = signed_in.post(report, follow=True).content.decode()
    assert "The files changed after they were checked. Check them again; nothing was loaded." in page
    assert not Person.objects.exists()


def test_what_would_now_overwrite_rows_that_nobody_confirmed_is_not_loaded(signed_in, data_staff, write_table):
    job = check(write_table("person"), by=data_staff, mode=Mode.UPSERT)
    actions.import_files(paths=[write_table("person", {"year_of_birth": 1900})], by=None)
    page = signed_in.post(reverse("admin:omop_bulk_report", args=[job.pk]), follow=True).content.decode()
    assert "The database has changed since the check: of person it said 1 new, 0 changed, 0 removed" in page
    assert "now it would be 0 new, 1 changed, 0 removed. Check the files again; nothing was loaded." in page
    assert Person.objects.get().year_of_birth == 1900


def test_what_changed_since_the_check_is_found_at_the_import(signed_in, data_staff, write_table):
    job = check(write_table("person"), by=data_staff)
    actions.import_files(paths=[write_table("person", {"year_of_birth": 1900})], by=None)
    page = signed_in.post(reverse("admin:omop_bulk_report", args=[job.pk]), follow=True)
    assert "The files or the database changed since the check." in page.content.decode()
    assert Person.objects.get().year_of_birth == 1900


def test_a_job_that_is_cancelled_loads_nothing_and_can_be_checked_again(
    signed_in, data_staff, write_table, monkeypatch
):
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    job = check(write_table("person"), by=data_staff)
    report = reverse("admin:omop_bulk_report", args=[job.pk])
    assert "Waiting to start" in signed_in.get(report).content.decode()
    state = signed_in.get(reverse("admin:omop_bulk_progress", args=[job.pk]))
    waiting = {"over": False, "percent": None, "phase": "Waiting to start", "numbers": "", "dead": False}
    assert state.json() == waiting
    assert "no-store" in state["Cache-Control"]
    cancel = reverse("admin:omop_bulk_cancel", args=[job.pk])
    assert signed_in.get(cancel).status_code == 405
    page = signed_in.post(cancel, follow=True).content.decode()
    assert "Cancelled. Nothing was loaded" in page
    assert "Change choices and check again" in page
    assert "already cancelled" in signed_in.post(cancel, follow=True).content.decode()

    signed_in.post(reverse("admin:omop_bulk_again", args=[job.pk]), plain_choices())
    again = Job.objects.latest("created_at")
    assert jobs.run(job_id=again.pk).result["status"] == "checked"


def test_a_job_whose_files_are_gone_says_so(signed_in, data_staff, write_table, monkeypatch):
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    job = check(write_table("person"), by=data_staff)
    uploads.forget(job.parameters["source"]["place"])
    job = jobs.run(job_id=job.pk)
    assert job.status == Job.Status.FAILED
    page = signed_in.get(reverse("admin:omop_bulk_report", args=[job.pk])).content.decode()
    assert "no longer there" in page
    assert "Change choices" not in page


def test_a_job_of_an_earlier_version_is_shown(signed_in, data_staff):
    job = Job.objects.create(
        kind=actions.IMPORT_JOB,
        created_by=data_staff,
        parameters={"folder": "0" * 32, "dry_run": True},
        status="succeeded",
        result={"status": "checked", "tables": {}},
    )
    assert signed_in.get(reverse("admin:omop_bulk_report", args=[job.pk])).status_code == 200
    assert signed_in.get(reverse("admin:omop_bulk_again", args=[job.pk])).status_code == 404


@pytest.mark.parametrize("names", [[], ["person.csv", "PERSON.csv"]])
def test_no_file_and_two_of_a_name_are_refused(signed_in, names):
    files = [SimpleUploadedFile(name, b"x") for name in names]
    page = signed_in.post(reverse("admin:omop_bulk_import"), {**plain_choices(), "uploaded": files, END: "1"})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["uploaded"]
    assert Job.objects.count() == 0


def test_a_name_with_a_path_stays_in_its_folder():
    name = uploads.store([SimpleUploadedFile("../../person.csv", b"x")])
    assert [path.name for path in uploads.folder(name).iterdir()] == ["person.csv"]
    for wrong in ["..", "../files", name + "/.."]:
        with pytest.raises(Invalid):
            uploads.folder(wrong)


def code_of(answer) -> int:
    answer.close()  # a download holds its file
    return answer.status_code


def test_who_may_open_the_pages(client, data_staff, administrator, owner, clinician, make_user, write_table):
    job = check(write_table("person"), by=data_staff)
    colleague = make_user("data2@example.org", is_staff=True, is_data_staff=True)
    people = {
        None: (302, 302),
        clinician: (302, 302),
        owner: (403, 403),
        colleague: (200, 404),
        data_staff: (200, 200),
        administrator: (200, 200),
    }
    common = [reverse("admin:omop_bulk_import"), reverse("admin:omop_bulk_folder")]
    names = ("report", "again", "progress", "report_file")
    own = [reverse(f"admin:omop_bulk_{name}", args=[job.pk]) for name in names]
    for user, (on_common, on_own) in people.items():
        client.logout()
        if user is not None:
            client.force_login(user, backend=BACKEND)
        assert {code_of(client.get(page)) for page in common} == {on_common}, user
        assert {code_of(client.get(page)) for page in own} == {on_own}, user
        if user not in (data_staff, administrator):
            posts = [*own, *(reverse(f"admin:omop_bulk_{name}", args=[job.pk]) for name in ("cancel", "alias"))]
            assert {client.post(page).status_code for page in posts} == {on_own}, user
    assert Person.objects.count() == 0


def test_recent_imports_are_listed_with_their_outcome(signed_in, upload, write_table):
    upload(write_table("person", {"year_of_birth": "old"}))
    page = signed_in.get(reverse("admin:omop_bulk_import")).content.decode()
    assert '<span class="badge refused">refused</span>' in page


def test_the_first_page_takes_the_same_queries_for_many(signed_in, data_staff, django_assert_num_queries, finished):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for more in (1, 7):
        for _ in range(more):
            finished()
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(reverse("admin:omop_bulk_import"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_lists_link_to_it(signed_in):
    assert "bulk-import" in signed_in.get(reverse("admin:omop_person_changelist")).content.decode()
    assert "bulk-import" in signed_in.get(reverse("admin:omop_provider_changelist")).content.decode()
