"""Uploads go straight to the disk; one that breaks off, is too large or meets a full disk leaves nothing behind."""

import errno
import os
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.http import UnreadablePostError
from django.test import RequestFactory
from django.urls import reverse

from augmed.foundation.errors import Invalid
from augmed.foundation.models import AuditEvent, Job
from omop import uploads
from omop.admin.imports import receiving
from omop.admin.imports.receiving import END, DiskUploadHandler, ReceivedFile
from omop.tests.admin_imports.conftest import plain_choices, sent

pytestmark = pytest.mark.django_db
BOUNDARY = "boundary7MA4YWxk"


def body_of(**parts):
    """A multipart body; bytes are files, named as their field says after a double underscore."""
    lines = []
    for name, value in parts.items():
        disposition = f'form-data; name="{name}"'
        if isinstance(value, bytes):
            disposition = f'form-data; name="uploaded"; filename="{name}.csv"'
        content = value if isinstance(value, bytes) else str(value).encode()
        lines.append(f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


def send(client, body, **headers):
    return client.generic(
        "POST",
        reverse("admin:omop_bulk_import"),
        body,
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        **headers,
    )


def left_behind():
    root = Path(django_settings.MEDIA_ROOT)
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def started(monkeypatch):
    """No job runs: what is tested here ends before."""
    monkeypatch.setattr("augmed.foundation.jobs.dispatch", lambda job: None)


def test_a_file_is_moved_not_copied(signed_in, started, data_staff):
    written = []
    original = ReceivedFile.__init__

    def remember(self, *args, **kwargs):
        original(self, *args, **kwargs)
        written.append(Path(self.temporary_file_path()).stat().st_ino)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReceivedFile, "__init__", remember)
        answer = send(signed_in, body_of(person=b"person_id\n" * 50_000, **plain_choices(), **{END: "1"}))
    assert answer.status_code == 302
    (kept,) = left_behind()
    assert kept.name == "person.csv"
    assert kept.read_bytes() == b"person_id\n" * 50_000
    assert [kept.stat().st_ino] == written
    assert kept.stat().st_mode & 0o077 == 0
    event = AuditEvent.objects.get(action="omop_files_uploaded")
    assert event.actor == str(data_staff.pk)
    assert event.data == '{"files":[{"bytes":500000,"name":"person.csv"}]}'


@pytest.mark.parametrize("share", [0.2, 0.6, 0.97])
def test_an_upload_that_breaks_off_leaves_nothing(signed_in, started, share):
    whole = body_of(person=b"p" * 100_000, death=b"d" * 100_000, **plain_choices(), **{END: "1"})
    answer = send(signed_in, whole[: int(len(whole) * share)])
    assert answer.status_code == 422
    assert "broke off before its end" in answer.content.decode()
    assert left_behind() == []
    assert not Job.objects.exists()


def test_a_body_that_breaks_in_its_last_field_leaves_nothing(signed_in, started):
    whole = body_of(person=b"p" * 1000, **plain_choices(), **{END: "1"})
    answer = send(signed_in, whole[: whole.index(END.encode()) + 5])
    assert answer.status_code == 422
    assert left_behind() == []


def test_a_connection_that_fails_while_it_is_read_leaves_nothing(data_staff, monkeypatch):
    class Breaks(BytesIO):
        def read(self, *args):
            if self.tell() > 70_000:
                raise ConnectionResetError
            return super().read(*args)

    whole = body_of(person=b"p" * 500_000, **{END: "1"})
    request = RequestFactory().generic("POST", "/", whole, content_type=f"multipart/form-data; boundary={BOUNDARY}")
    request._stream = Breaks(whole)
    handler = DiskUploadHandler(request)
    request.upload_handlers = [handler]
    with pytest.raises(UnreadablePostError):
        _ = request.POST
    handler.discard()
    assert left_behind() == []


def test_a_full_disk_is_said_in_place_and_leaves_nothing(signed_in, started, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file, self.left = file, 100_000

        def write(self, data):
            if self.left <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            part = data[: self.left]  # a nearly full disk takes a part
            self.left -= len(part)
            return self.file.write(part)

        def __getattr__(self, name):
            return getattr(self.file, name)

    original = ReceivedFile.__init__

    def limited(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.file = Full(self.file)

    monkeypatch.setattr(ReceivedFile, "__init__", limited)
    answer = send(signed_in, body_of(person=b"p" * 1_000, death=b"d" * 300_000, **plain_choices(), **{END: "1"}))
    assert answer.status_code == 422
    assert "No space left on device" in answer.content.decode()
    assert left_behind() == []


def test_no_room_is_said_before_a_byte_is_written(signed_in, started, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda path: usage(10, 10, 1_000_000))
    monkeypatch.setattr(ReceivedFile, "__init__", None)
    answer = send(signed_in, body_of(person=b"p", **plain_choices(), **{END: "1"}))
    assert "The server has no room" in answer.content.decode()
    assert left_behind() == []


def test_too_large_is_said_in_place(signed_in, started, settings):
    settings.OMOP_UPLOAD_MAX_MB = 1
    answer = send(signed_in, body_of(person=b"p" * 2_100_000, **plain_choices(), **{END: "1"}))
    assert answer.status_code == 422
    assert "an upload may have 1 MB" in answer.content.decode()
    assert left_behind() == []


def test_a_script_gets_errors_as_json_and_the_files_stay_for_the_next_try(signed_in, started):
    body = body_of(person=b"person_id\n1\n", **{**plain_choices(), "earliest": "soon"}, **{END: "1"})
    answer = send(signed_in, body, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["earliest"]
    kept = answer.json()["kept"]
    body = body_of(**plain_choices(), kept=kept, **{END: "1"})
    answer = send(signed_in, body, headers={"Accept": "application/json"})
    job = Job.objects.get()
    assert answer.json() == {"location": reverse("admin:omop_bulk_report", args=[job.pk])}
    assert len(left_behind()) == 1


def test_without_a_script_the_kept_files_are_named(signed_in, started, write_table):
    body = {**plain_choices(), "earliest": "soon", "uploaded": [sent(write_table("person"))], END: "1"}
    page = signed_in.post(reverse("admin:omop_bulk_import"), body)
    assert page.status_code == 422
    assert "person.csv <span" in page.content.decode()
    kept = page.context["kept"]
    answer = signed_in.post(reverse("admin:omop_bulk_import"), {**plain_choices(), "kept": kept, END: "1"})
    assert answer.status_code == 302


def test_what_another_person_kept_is_not_taken(signed_in, started, client, administrator):
    body = body_of(person=b"person_id\n1\n", **{**plain_choices(), "earliest": "soon"}, **{END: "1"})
    kept = send(signed_in, body, headers={"Accept": "application/json"}).json()["kept"]
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post(reverse("admin:omop_bulk_import"), {**plain_choices(), "kept": kept, END: "1"})
    assert answer.status_code == 422
    assert "Choose at least one file." in answer.content.decode()


def test_nobody_without_the_verb_is_received(client, owner):
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReceivedFile, "__init__", None)
        assert send(client, body_of(person=b"p" * 100_000, **{END: "1"})).status_code == 403


def test_the_token_of_the_form_is_asked(data_staff, started):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(data_staff, backend="django.contrib.auth.backends.ModelBackend")
    assert send(strict, body_of(person=b"p" * 1000, **plain_choices(), **{END: "1"})).status_code == 403
    assert left_behind() == []
    strict.get(reverse("admin:omop_bulk_import"))
    token = strict.cookies["csrftoken"].value
    body = body_of(csrfmiddlewaretoken=token, person=b"p" * 1000, **plain_choices(), **{END: "1"})
    assert send(strict, body).status_code == 302


def test_a_kept_upload_lives_a_week_after_its_last_use(settings):
    name = uploads.store([sent_file("person.csv")])
    folder = uploads.folder(name)
    os.utime(folder, (0, 0))
    uploads.folder(name)  # used again
    uploads.forget_old()
    assert folder.is_dir()
    os.utime(folder, (0, 0))
    broken = uploads.incoming() / "upload-x"
    broken.touch()
    os.utime(broken, (0, 0))
    uploads.forget_old()
    assert not folder.exists()
    assert not broken.exists()
    with pytest.raises(Invalid, match="no longer there"):
        uploads.folder(name)


def sent_file(name):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, b"x")
