"""How an upload comes in: straight to where it will stay, in chunks, with an end that tells it from a broken one."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from omop import uploads

# The last field of the form. A connection that broke leaves a body without it, however many files had come whole.
END = "end_of_upload"
_SPARE_BYTES = 64 * 1024 * 1024  # never fill the disk to the last byte: the database may be on it

_FORM_BYTES = 1_000_000  # what the form's other fields and the boundaries may take


class ReceivedFile(TemporaryUploadedFile):
    """A file on the disk of the uploads, removed when it is closed unless it was moved away."""

    def __init__(
        self, name: str, content_type: str | None, charset: str | None, extra: dict[str, Any] | None = None
    ) -> None:
        # Unbuffered, so that a full disk is told by the write that meets it and not by a later close.
        file = tempfile.NamedTemporaryFile(prefix="upload-", dir=uploads.incoming(), buffering=0)  # noqa: SIM115
        UploadedFile.__init__(self, file, name, content_type, 0, charset, extra)


class DiskUploadHandler(FileUploadHandler):
    """Receives files on the disk. What forbids one is said in `problem`, and the rest of the body is passed over, so
    that the page can answer in place."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.problem: str | None = None
        self._file: ReceivedFile | None = None

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        limit = settings.OMOP_UPLOAD_MAX_MB
        free = shutil.disk_usage(uploads.incoming()).free
        if content_length > limit * 1_000_000 + _FORM_BYTES:
            self.problem = (
                f"These files are {content_length / 1_000_000:,.0f} MB, and an upload may have {limit:,} MB. Send fewer"
                " at a time, compress them with gzip, or use a folder of the server or the command line."
            )
        elif content_length + _SPARE_BYTES > free:
            self.problem = (
                f"The server has no room for {content_length / 1_000_000:,.0f} MB. Nothing was kept."
                " Tell whoever runs this server."
            )

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.problem:
            raise SkipFile
        try:
            self._file = ReceivedFile(self.file_name or "", self.content_type, self.charset, self.content_type_extra)
        except OSError as error:
            self._refuse(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._file is not None
        rest = memoryview(raw_data)
        try:
            while rest:  # without a buffer a nearly full disk takes less than it was given
                rest = rest[self._file.file.write(rest) :]  # type: ignore[union-attr]
        except OSError as error:
            self._refuse(error)

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        file, self._file = self._file, None
        if file is not None:
            file.seek(0)
            file.size = file_size
        return file

    def upload_complete(self) -> None:
        self.discard()  # the one that was not complete when the body ended

    def discard(self) -> None:
        """Remove the file that is being received."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _refuse(self, error: OSError) -> None:
        self.problem = uploads.why_not_written(error)
        self.discard()
        raise SkipFile from error


def came_whole(request: HttpRequest) -> bool:
    """Whether the body of the form came to its end."""
    return request.POST.get(END) == "1"
