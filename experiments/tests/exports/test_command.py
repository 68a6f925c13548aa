"""manage.py export_experiment EXPERIMENT --output FOLDER."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from augmed.foundation.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("by", ["code", "name"])
def test_archive_and_files_are_written_and_it_says_that_arms_are_shown(answered, tmp_path, by):
    out = StringIO()
    call_command("export_experiment", getattr(answered, by), output=tmp_path / "new" / "folder", stdout=out)
    folder = tmp_path / "new" / "folder"
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        assert hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert zipfile.is_zipfile(folder / f"{answered.code}.zip")
    assert "unblinded" in out.getvalue()
    assert "E-mail" not in out.getvalue()
    event = AuditEvent.objects.get(action="exported")
    assert event.actor == "system"


def test_identified_adds_addresses_and_says_so(answered, tmp_path, clinician):
    out = StringIO()
    call_command("export_experiment", answered.code, "--identified", "--archive-only", output=tmp_path, stdout=out)
    assert [path.name for path in tmp_path.iterdir()] == [f"{answered.code}.zip"]
    with zipfile.ZipFile(tmp_path / f"{answered.code}.zip") as archive:
        assert clinician.email in archive.read("reviews.csv").decode()
    assert "E-mail addresses are in these files." in out.getvalue()


def test_an_unknown_study_is_an_error(db, tmp_path):
    with pytest.raises(CommandError, match="no study 'none'") as refused:
        call_command("export_experiment", "none", output=tmp_path)
    assert refused.value.returncode == 2


def test_a_folder_that_cannot_be_is_an_error(answered, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="Cannot write"):
        call_command("export_experiment", answered.code, output=tmp_path / "file")
