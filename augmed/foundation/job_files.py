"""What a job and those who watch it say to each other by files, below MEDIA_ROOT/jobs.

SQLite has one writer: while a job's transaction writes, nobody else can write that the job shall stop, nor can the job
write elsewhere that it lives. A file needs no database. On PostgreSQL there are no such files.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

_CANCEL, _ALIVE, _TOLD = "cancel", "alive", "told"


@dataclass(frozen=True, slots=True)
class Told:
    """How far a job said it is, at a moment."""

    at: datetime
    done: int
    total: int | None
    message: str


def ask_to_stop(job_id: uuid.UUID, *, by: str) -> None:
    """`by` is the primary key of a user, "" for the system."""
    _write(job_id, _CANCEL, by)


def is_asked_to_stop(job_id: uuid.UUID) -> bool:
    """Cheap enough to be asked before each statement."""
    return os.path.exists(_path(job_id, _CANCEL))  # noqa: PTH110 - an error of the file system is no cancel


def who_asked(job_id: uuid.UUID) -> str | None:
    """As given to `ask_to_stop`, None where nobody asked."""
    return _read(job_id, _CANCEL)


def beat(job_id: uuid.UUID) -> None:
    """The job lives."""
    _write(job_id, _ALIVE, "")


def last_beat(job_id: uuid.UUID) -> datetime | None:
    """When the job last said that it lives, None where it never did so by a file."""
    with suppress(OSError):
        return datetime.fromtimestamp(_path(job_id, _ALIVE).stat().st_mtime, UTC)
    return None


def tell(job_id: uuid.UUID, done: int, total: int | None, message: str) -> None:
    """How far the job is."""
    told = {"at": timezone.now().isoformat(), "done": done, "total": total, "message": message}
    _write(job_id, _TOLD, json.dumps(told))


def told(job_id: uuid.UUID) -> Told | None:
    """What was last told by a file, None where nothing was."""
    text = _read(job_id, _TOLD)
    if text is None:
        return None
    said = json.loads(text)
    return Told(datetime.fromisoformat(said["at"]), said["done"], said["total"], said["message"])


def forget(job_id: uuid.UUID) -> None:
    """Remove the job's files."""
    for kind in (_CANCEL, _ALIVE, _TOLD):
        with suppress(OSError):
            _path(job_id, kind).unlink(missing_ok=True)


def _path(job_id: uuid.UUID, kind: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "jobs" / f"{job_id}.{kind}"


def _read(job_id: uuid.UUID, kind: str) -> str | None:
    with suppress(FileNotFoundError):
        return _path(job_id, kind).read_text(encoding="utf-8")
    return None


def _write(job_id: uuid.UUID, kind: str, text: str) -> None:
    """Whoever reads it finds the old text or the new one, never a part."""
    path = _path(job_id, kind)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
