"""Choices that do not fit the files are refused in place, and files that are empty are named."""

import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from augmed.foundation.models import Job
from omop.actions import IMPORT_JOB
from omop.imports.options import ImportOptions
from omop.sources import ImportSource
from omop.tests.admin_imports.conftest import END, page_of, plain_choices

pytestmark = pytest.mark.django_db
NEEDS = "Replacing persons needs the file of person"


@pytest.fixture
def started(monkeypatch):
    """No job runs: what is tested here ends before."""
    monkeypatch.setattr("augmed.foundation.jobs.dispatch", lambda job: None)


def test_replacing_persons_needs_their_file(upload, write_table, started):
    answer = upload(write_table("death"), mode="replace-person")
    assert answer.status_code == 422
    assert NEEDS in answer.context["form"].errors["mode"][0]
    assert answer.context["kept_files"] == ["death.csv"], "the files need not be sent again"
    assert not Job.objects.exists()
    for files, choices in (
        ((write_table("death"), write_table("person")), {}),
        ((write_table("person", name="people.csv"),), {"aliases": "people.csv = person"}),
        ((write_table("death", name="deaths.csv"),), {}),  # what it is may be said on the page of the check
    ):
        assert upload(*files, follow=False, mode="replace-person", **choices).status_code == 302
    assert upload(write_table("death"), follow=False, mode="insert").status_code == 302


def test_the_file_of_person_may_be_in_an_archive(upload, write_table, started, tmp_path):
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(write_table("person"), "person.csv")
    assert upload(archive, follow=False, mode="replace-person").status_code == 302
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(archive.read_bytes()[:-30])
    assert upload(damaged, follow=False, mode="replace-person").status_code == 302, "the check says what is wrong"


def test_other_choices_are_refused_in_place_too(signed_in, finished, started):
    job = finished()
    source = ImportSource.from_json(job.parameters["source"])
    (source.paths()[0]).rename(source.paths()[0].with_name("death.csv"))
    address = reverse("admin:omop_bulk_again", args=[job.pk])
    body = {field.name: field.value() or "" for field in signed_in.get(address).context["form"]}
    answer = signed_in.post(address, {**body, "mode": "replace-person"})
    assert answer.status_code == 422
    assert NEEDS in answer.context["form"].errors["mode"][0]


def test_a_job_that_was_refused_for_its_choices_says_so(signed_in, data_staff):
    """From the command line of another version, or a folder whose files went meanwhile."""
    job = Job.objects.create(
        kind=IMPORT_JOB,
        status=Job.Status.FAILED,
        error="The mode replace-person needs the file of person: it names whose rows are replaced.",
        result={"errors": {}},
        parameters={"dry_run": True, "options": ImportOptions().to_json()},
        created_by=data_staff,
    )
    page = page_of(signed_in, job)
    assert "Not possible as asked. Nothing was loaded" in page
    assert "needs the file of person" in page
    Job.objects.filter(pk=job.pk).update(result={}, error="Stopped by an unexpected ValueError.")
    assert "<h2>Stopped. Nothing was loaded</h2>" in page_of(signed_in, job)


def test_an_empty_file_is_named(signed_in, started):
    files = [SimpleUploadedFile("person.csv", b"person_id\n1\n")]
    files += [SimpleUploadedFile(name, b"") for name in ("death.csv", "note.csv")]
    body = {**plain_choices(), "uploaded": files, END: "1"}
    answer = signed_in.post(reverse("admin:omop_bulk_import"), body)
    assert answer.status_code == 422
    assert answer.context["form"].errors["uploaded"] == ["death.csv is empty.", "note.csv is empty."]
