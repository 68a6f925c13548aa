"""The upload page: check, report, import; who may."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from augmed.foundation import jobs
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent, Job
from omop import actions, uploads
from omop.models import Person, VisitOccurrence
from omop.tests.test_import_sample import SAMPLE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def uploads_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files" / "omop-uploads"


@pytest.fixture
def staff():
    return get_user_model().objects.create_user("data@example.org", "pass", is_staff=True, is_data_staff=True)


@pytest.fixture
def signed_in(client, staff):
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def files_of(*paths: Path):
    return [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]


def upload(client, *paths):
    return client.post(reverse("admin:omop_bulk_import"), {"uploaded": files_of(*paths)}, follow=True)


def test_files_are_checked_shown_and_then_loaded(signed_in, staff, uploads_folder):
    page = upload(signed_in, *SAMPLE.glob("*.csv"))
    assert "Checked: no error, nothing loaded yet." in page.content.decode()
    assert Person.objects.count() == 0
    check = Job.objects.get()
    page = signed_in.post(reverse("admin:omop_bulk_report", args=[check.pk]), follow=True)
    assert "<strong>Loaded.</strong>" in page.content.decode()
    assert (Person.objects.count(), VisitOccurrence.objects.count()) == (3, 30)
    assert AuditEvent.objects.get(action="omop_imported").actor == str(staff.pk)
    assert list(uploads_folder.iterdir()) == []


def test_errors_are_listed_and_nothing_waits(signed_in, write_table, uploads_folder):
    page = upload(signed_in, write_table("person", {"year_of_birth": "<b>old</b>"})).content.decode()
    assert "Refused: 1 error. Nothing was loaded." in page
    assert "<td>year_of_birth</td><td>&lt;b&gt;old&lt;/b&gt;</td><td>is not a whole number</td>" in page
    assert "Import now" not in page
    assert list(uploads_folder.iterdir()) == []


def test_a_second_click_gives_the_same_import(signed_in, staff, write_table):
    upload(signed_in, write_table("person"))
    check = Job.objects.get()
    first = actions.confirm_import(job=check, by=staff)
    assert actions.confirm_import(job=check, by=staff) == first
    assert Job.objects.count() == 2


def test_what_was_refused_cannot_be_confirmed(signed_in, staff, write_table):
    upload(signed_in, write_table("person", {"year_of_birth": "old"}))
    with pytest.raises(Conflict, match="without an error"):
        actions.confirm_import(job=Job.objects.get(), by=staff)


def test_what_changed_since_the_check_is_found_at_the_import(signed_in, staff, write_table):
    upload(signed_in, write_table("person"))
    check = Job.objects.get()
    actions.import_files(paths=[write_table("person", {"year_of_birth": 1900})], by=None)
    job = actions.confirm_import(job=check, by=staff)
    job.refresh_from_db()
    assert job.result["status"] == "refused"
    assert Person.objects.get().year_of_birth == 1900


def test_a_job_that_is_cancelled_loads_nothing_and_can_be_sent_again(staff, write_table, monkeypatch):
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    check = actions.start_import(files=files_of(write_table("person")), by=staff)
    Job.objects.filter(pk=check.pk).update(cancel_requested=True)
    assert jobs.run(job_id=check.pk).status == Job.Status.CANCELLED
    again = actions.start_import(files=files_of(write_table("person")), by=staff)
    assert jobs.run(job_id=again.pk).result["status"] == "checked"
    load = actions.confirm_import(job=again, by=staff)
    assert jobs.run(job_id=load.pk).result["tables"]["person"]["loaded"] == 1


def test_a_job_whose_files_are_gone_says_so(staff, write_table, monkeypatch):
    monkeypatch.setattr(jobs, "dispatch", lambda job: None)
    job = actions.start_import(files=files_of(write_table("person")), by=staff)
    uploads.forget(job.parameters["folder"])
    job = jobs.run(job_id=job.pk)
    assert job.status == Job.Status.FAILED
    assert "no longer there" in job.error


@pytest.mark.parametrize("names", [[], ["person.csv", "PERSON.csv"]])
def test_no_file_and_two_of_a_name_are_refused(signed_in, names):
    files = [SimpleUploadedFile(name, b"x") for name in names]
    page = signed_in.post(reverse("admin:omop_bulk_import"), {"uploaded": files})
    assert page.status_code == 200
    assert page.context["form"].errors["uploaded"]
    assert Job.objects.count() == 0


def test_a_file_that_is_no_table_is_named(signed_in, tmp_path):
    path = tmp_path / "persons.csv"
    path.write_text("a\n1\n")
    assert "no table of CDM 5.4 is called persons" in upload(signed_in, path).content.decode()


def test_a_name_with_a_path_stays_in_its_folder(uploads_folder):
    name = uploads.store([SimpleUploadedFile("../../person.csv", b"x")])
    assert [path.name for path in uploads.folder(name).iterdir()] == ["person.csv"]
    for wrong in ["..", "../files", name + "/.."]:
        with pytest.raises(Invalid):
            uploads.folder(wrong)


def test_uploads_nobody_confirms_go_away_after_a_week(uploads_folder):
    import os

    old = uploads_folder / uploads.store([SimpleUploadedFile("person.csv", b"x")])
    os.utime(old, (0, 0))
    new = uploads.store([SimpleUploadedFile("person.csv", b"x")])
    assert [path.name for path in uploads_folder.iterdir()] == [new]


def test_who_may_open_the_pages(client, staff, write_table):
    User = get_user_model()
    job = actions.start_import(files=files_of(write_table("person")), by=staff)
    people = {
        None: (302, 302),
        User.objects.create_user("reader@example.org", "pass"): (302, 302),
        User.objects.create_user("staff@example.org", "pass", is_staff=True): (403, 403),
        User.objects.create_user("data2@example.org", "pass", is_staff=True, is_data_staff=True): (200, 404),
        staff: (200, 200),
        User.objects.create_superuser("admin@example.org", "pass"): (200, 200),
    }
    for user, statuses in people.items():
        client.logout()
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        pages = [reverse("admin:omop_bulk_import"), reverse("admin:omop_bulk_report", args=[job.pk])]
        assert tuple(client.get(page).status_code for page in pages) == statuses, user
    assert Person.objects.count() == 0


def test_recent_imports_are_listed_with_their_outcome(signed_in, write_table):
    upload(signed_in, write_table("person", {"year_of_birth": "old"}))
    page = signed_in.get(reverse("admin:omop_bulk_import")).content.decode()
    assert "<td>check</td>" in page
    assert "<td>refused</td>" in page


def test_the_lists_link_to_it(signed_in):
    assert "bulk-import" in signed_in.get(reverse("admin:omop_person_changelist")).content.decode()
    assert "bulk-import" in signed_in.get(reverse("admin:omop_provider_changelist")).content.decode()
