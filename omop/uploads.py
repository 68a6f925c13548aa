"""Files that wait for their import, below MEDIA_ROOT, readable by this service only.

They stay until they are loaded, or for a week after somebody last used them, so that a check can be made again with
other options without another upload.
"""

import os
import re
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Invalid

KEPT_SECONDS = 7 * 24 * 3600
_BROKEN_SECONDS = 24 * 3600  # what a killed worker left half received
_NAME = re.compile(r"[0-9a-f]{32}")


def receive(*, files: Sequence[UploadedFile], by: Any) -> str:
    """Keep uploaded files; the name of their folder. Audited with names and sizes.

    Raises Invalid as `store` does.
    """
    sizes = {Path(file.name or "").name: file.size for file in files}
    with transaction.atomic():
        name = store(files)
        try:
            audit.record(
                action="omop_files_uploaded",
                by=by,
                target=("omop.upload", name),
                data={"files": [{"name": file, "bytes": size} for file, size in sizes.items()]},
            )
        except BaseException:
            forget(name)
            raise
    return name


def store(files: Sequence[UploadedFile]) -> str:
    """Put the files into a new folder; its name. A file that was received on this disk is moved, not copied.

    Raises Invalid for no file, for two of the same name, and where the disk has no room; then nothing is left behind.
    """
    names = [Path(file.name or "").name for file in files]
    if not names or not all(names):
        raise Invalid("Choose at least one file.")
    if len(set(map(str.lower, names))) < len(names):
        raise Invalid("Two files have the same name. A file is named as its table, so send each table once.")
    forget_old()
    name = uuid.uuid4().hex
    target = _root() / name
    target.mkdir(mode=0o700, parents=True)
    try:
        for file, file_name in zip(files, names, strict=True):
            _place(file, target / file_name)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise Invalid(why_not_written(error)) from error
    return name


def _place(file: UploadedFile, target: Path) -> None:
    received = getattr(file, "temporary_file_path", None)
    if received is not None and Path(received()).is_relative_to(incoming()):
        Path(received()).rename(target)
        return
    with target.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)


def why_not_written(error: OSError) -> str:
    """In words for the person who sent the file."""
    return (
        f"The server could not keep the files ({os.strerror(error.errno or 0)}). Nothing was kept."
        " Tell whoever runs this server, then send them again."
    )


def folder(name: str) -> Path:
    """The folder of that name, kept for a week from now. Raises Invalid where it is gone."""
    path = _root() / name
    if _NAME.fullmatch(name) is None or not path.is_dir():
        raise Invalid("The uploaded files are no longer there. Upload them again.")
    os.utime(path)
    return path


def forget(name: str) -> None:
    """Remove the files."""
    shutil.rmtree(folder(name))


def forget_old() -> None:
    """Remove uploads that nobody used for a week, and what uploads that broke off left behind."""
    for root, seconds in ((_root(), KEPT_SECONDS), (_incoming(), _BROKEN_SECONDS)):
        for path in root.iterdir() if root.is_dir() else ():
            try:
                if path.stat().st_mtime >= time.time() - seconds:
                    continue
            except FileNotFoundError:
                continue  # another request removed it at the same time
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def incoming() -> Path:
    """Where files are received: on the same file system as those kept, so that none is ever copied."""
    path = _incoming()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _root() -> Path:
    return Path(settings.MEDIA_ROOT) / "omop-uploads"


def _incoming() -> Path:
    return Path(settings.MEDIA_ROOT) / "omop-incoming"
