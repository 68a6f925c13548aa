"""Folders of the server: only those of the setting, however an address or a link tries to leave them."""

import pytest
from django.urls import reverse

from augmed.foundation.errors import Invalid
from augmed.foundation.models import Job
from omop import folders
from omop.sources import ImportSource
from omop.tests.admin_imports.conftest import plain_choices

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(settings, tmp_path):
    """A root with files, a subfolder, and links that lead inside and outside; beside it what nobody may see."""
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    for path in ("person.csv", "visit_occurrence.csv.gz", "notes.docx", ".hidden.csv", "sub/death.csv"):
        (root / path).write_text("x\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("secret\n")
    (root / "secret.csv").symlink_to(outside / "secret.csv")
    (root / "out").symlink_to(outside)
    (root / "alias.csv").symlink_to(root / "sub" / "death.csv")
    (root / "loop").symlink_to(root / "loop")
    (tmp_path / "root-twin").mkdir()
    settings.OMOP_IMPORT_FOLDERS = [str(root)]
    return root


@pytest.fixture
def started(monkeypatch):
    monkeypatch.setattr("augmed.foundation.jobs.dispatch", lambda job: None)


def test_a_listing_shows_what_may_be_read(root):
    listing = folders.listing(0, "")
    assert [entry.name for entry in listing.folders] == ["sub"]
    assert [(entry.name, entry.size) for entry in listing.files] == [
        ("alias.csv", 2), ("person.csv", 2), ("visit_occurrence.csv.gz", 2),
    ]  # fmt: skip
    deep = folders.listing(0, "sub/deep")
    assert (deep.path, deep.name, [above.path for above in deep.above]) == ("sub/deep", "deep", ["sub"])


@pytest.mark.parametrize(
    "path", ["..", "../outside", "sub/../../outside", "out", "/etc", "/", "none", "person.csv", "loop", "a\x00b"]
)
def test_nothing_outside_is_reached(root, path):
    with pytest.raises(Invalid, match="no such folder"):
        folders.listing(0, path)


def test_a_folder_whose_name_begins_alike_is_outside(root):
    with pytest.raises(Invalid):
        folders.inside(root.parent / "root-twin")
    assert folders.inside(root / "sub" / ".." / "sub") == root / "sub"


@pytest.mark.parametrize("number", [-1, 1, 10**9])
def test_there_is_no_other_root(root, number):
    with pytest.raises(Invalid):
        folders.listing(number, "")


def test_without_the_setting_there_is_none(settings, tmp_path):
    settings.OMOP_IMPORT_FOLDERS = [str(tmp_path / "gone")]
    assert folders.roots() == []
    with pytest.raises(Invalid):
        folders.inside(tmp_path)


def test_a_source_asks_anew_when_it_is_read(root, settings):
    source = ImportSource("folder", str(root), ("person.csv",))
    assert source.paths() == [root / "person.csv"]
    (root / "person.csv").unlink()
    with pytest.raises(Invalid, match=r"No longer there: person\.csv"):
        source.paths()
    (root / "person.csv").symlink_to(root.parent / "outside" / "secret.csv")
    assert not source.is_there()
    settings.OMOP_IMPORT_FOLDERS = []
    with pytest.raises(Invalid):
        ImportSource("folder", str(root)).paths()


def test_an_empty_folder_and_a_source_as_json(root):
    with pytest.raises(Invalid, match="no file to import"):
        ImportSource("folder", str(root / "sub" / "deep")).paths()
    source = ImportSource("folder", str(root), ("person.csv",))
    assert ImportSource.from_json(source.to_json()) == source
    source.forget()
    assert source.is_there()
    with pytest.raises(Invalid, match="inside another file"):
        ImportSource("folder", str(root)).without({"x.zip/person.csv"})
    with pytest.raises(Invalid, match="at least one"):
        ImportSource("folder", str(root / "sub")).without({"death.csv"})


def test_the_chooser_leads_to_a_check(signed_in, root, started):
    address = reverse("admin:omop_bulk_folder")
    assert f'<a href="?root=0"><span aria-hidden="true">▸</span> {root}</a>' in signed_in.get(address).content.decode()
    page = signed_in.get(address, {"root": 0, "path": "sub"}).content.decode()
    assert "death.csv" in page
    assert "secret" not in page
    body = {"root": 0, "path": "", "names": ["person.csv"], **plain_choices()}
    answer = signed_in.post(address, body)
    job = Job.objects.get()
    assert answer.url == reverse("admin:omop_bulk_report", args=[job.pk])
    assert job.parameters["source"] == {"kind": "folder", "place": str(root), "names": ["person.csv"]}


def test_the_chooser_refuses_in_place(signed_in, root, started):
    address = reverse("admin:omop_bulk_folder")
    body = {"root": 0, "path": "", "names": ["person.csv"], **plain_choices()}
    for wrong in ({"names": ["secret.csv"]}, {"names": []}, {"earliest": "soon"}, {"mode": "guess"}):
        assert signed_in.post(address, {**body, **wrong}).status_code == 422
    for wrong in ({"root": "x"}, {"root": "7"}, {"path": "../outside"}):
        assert signed_in.post(address, {**body, **wrong}).status_code == 404
    assert signed_in.post(address, {**body, "path": "sub/deep"}).status_code == 422
    assert not Job.objects.exists()


def test_without_folders_the_page_says_how_to_get_some(signed_in):
    assert "OMOP_IMPORT_FOLDERS" in signed_in.get(reverse("admin:omop_bulk_folder")).content.decode()
    assert "omop_bulk_folder" not in signed_in.get(reverse("admin:omop_bulk_import")).content.decode()
