"""Files that wait for their import, under MEDIA_ROOT, readable by this service only."""

import re
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from augmed.foundation.errors import Invalid

_KEPT_SECONDS = 7 * 24 * 3600  # a checked upload that nobody confirms goes away after a week


def store(files: Sequence[UploadedFile]) -> str:
    """Write the files into a new folder; its name. Raises Invalid for no file, and for two of the same name."""
    names = [Path(file.name or "").name for file in files]
    if not names or not all(names):
        raise Invalid("Choose at least one file.")
    if len(set(map(str.lower, names))) < len(names):
        raise Invalid("Two files have the same name. A file is named as its table, so send each table once.")
    _forget_old()
    name = uuid.uuid4().hex
    target = _root() / name
    target.mkdir(mode=0o700, parents=True)
    for file, file_name in zip(files, names, strict=True):
        with (target / file_name).open("wb") as out:
            for chunk in file.chunks():
                out.write(chunk)
    return name


def folder(name: str) -> Path:
    """The folder of that name. Raises Invalid where it is gone."""
    path = _root() / name
    if re.fullmatch(r"[0-9a-f]{32}", name) is None or not path.is_dir():
        raise Invalid("The uploaded files are no longer there. Upload them again.")
    return path


def forget(name: str) -> None:
    """Remove the files."""
    shutil.rmtree(folder(name))


def _root() -> Path:
    return Path(settings.MEDIA_ROOT) / "omop-uploads"


def _forget_old() -> None:
    if not _root().is_dir():
        return
    for path in _root().iterdir():
        if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
            shutil.rmtree(path)
