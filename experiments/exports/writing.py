"""Write the archive of one study: all tables from one consistent read, then codebook and manifest."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from cases.disclosure import ENGINE_VERSION
from experiments.exports import codebook
from experiments.exports.archive import Archive, WrittenFile, archive_at, file_sha256
from experiments.exports.augmed.rows import answered_reviews, answers_table
from experiments.exports.background import protocols_table, references_table
from experiments.exports.consents import consents_table, has_consents
from experiments.exports.events import events_table
from experiments.exports.intake import intake_table
from experiments.exports.looks import tracing_tables
from experiments.exports.participants import assignments_table, enrolments_table
from experiments.exports.reading import consistent_read
from experiments.exports.reviews import exported_reviews, reviews_table
from experiments.exports.scope import Rights
from experiments.exports.study import Study
from experiments.exports.tables import Spool, Table
from experiments.models import Experiment

MANIFEST_VERSION = 1


class Profile(StrEnum):
    """What an archive holds."""

    FULL = "full"
    AUGMED = "augmed"


Seen = Callable[[int, int, str], None]
"""Told (rows written, rows in all, what is being written); may raise to stop."""


@dataclass(frozen=True)
class Export:
    """What was written: `filters` says with which rights, `sha256` is the archive's."""

    filters: dict[str, Any]
    files: tuple[WrittenFile, ...]
    bytes: int
    sha256: str

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {file.name: file.rows for file in self.files if file.rows is not None and file.name.endswith(".csv")}


def write_export(
    *,
    experiment: Experiment,
    rights: Rights,
    path: Path,
    asked_by: str,
    job: str | None = None,
    seen: Seen = lambda _done, _total, _what: None,
    reading: Callable[[bool], None] = lambda _alone: None,
    profile: Profile = Profile.FULL,
) -> Export:
    """Write the archive at `path`. `asked_by` is an opaque id. `reading(True)` is called when the read begins in a
    transaction of its own, `reading(False)` when it is over."""
    begun = timezone.now()
    with archive_at(path) as archive:
        with consistent_read() as alone:
            reading(alone)
            try:
                # The study's own row too is of this moment.
                study = Study.of(Experiment.objects.select_related("protocol").get(pk=experiment.pk), rights)
                tables = study_tables(study, profile)
                _write_tables(archive, tables, _main_rows(study, profile), seen)
            finally:
                reading(False)
        archive.add("codebook.csv", codebook.codebook_lines(study, tables), header=codebook.HEADER)
        archive.add("codebook.json", [codebook.codebook_json(study, tables)], is_table=False)
        filters = _filters(study, profile)
        manifest = {
            "manifest_version": MANIFEST_VERSION,
            "study": {"code": study.experiment.code, "name": study.experiment.name, "status": study.experiment.status},
            "made_at": begun.isoformat(timespec="seconds"),
            "asked_by": asked_by,
            "job": job,
            "filters": filters,
            "application_version": application_version(),
            "disclosure_engine_version": ENGINE_VERSION,
            "files": [asdict(file) for file in archive.files],
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
        archive.add("manifest.json", [text], is_table=False)
    return Export(filters, tuple(archive.files), path.stat().st_size, file_sha256(path))


def study_tables(study: Study, profile: Profile) -> list[Table]:
    """The first one has by far the most rows."""
    if profile == Profile.AUGMED:
        return [answers_table(study)]
    tables = [reviews_table(study), events_table(study), *tracing_tables(study)]
    tables += [assignments_table(study), enrolments_table(study)]
    if has_consents(study):
        tables.append(consents_table(study))
    if study.asked_of_readers:
        tables.append(intake_table(study))
    if study.scope.rights.references:
        tables.append(references_table(study))
    return [*tables, protocols_table(study)]


def _main_rows(study: Study, profile: Profile) -> int:
    """About how many rows the first table has."""
    reviews = answered_reviews(study) if profile == Profile.AUGMED else exported_reviews(study)
    return reviews.order_by().count()


def _write_tables(archive: Archive, tables: Sequence[Table], rows: int, seen: Seen) -> None:
    # The first table is most of the work by far; progress is told in its rows, each of which is written twice.
    total = 2 * rows
    done = 0
    for table in tables:
        is_first = table is tables[0]

        def tell(rows: int, *, name: str, counts: bool = is_first, before: int = done) -> None:
            seen(before + rows if counts else before, total, f"{name}: {rows} rows")

        # Unnamed, so that nothing of it stays, whatever happens.
        with tempfile.TemporaryFile(dir=archive.folder) as file:
            spool = Spool(file)
            name = f"{table.name}.csv"
            lines = table.csv_lines(spool.noting(table.rows()))
            written = archive.add(name, lines, header=table.header, seen=partial(tell, name=name))
            done += (written.rows or 0) if is_first else 0
            name = f"{table.name}.jsonl"
            archive.add(name, table.json_lines(spool.again()), seen=partial(tell, name=name, before=done))
            done += (written.rows or 0) if is_first else 0


def _filters(study: Study, profile: Profile) -> dict[str, Any]:
    """What is in the archive and what is not, in words that tell no arm."""
    masked = not study.visible.by_arm
    return {
        "profile": profile.value,
        "kinds": ["real"],
        "arms": "masked" if masked else "shown",
        "identified": study.scope.rights.identified,
        "reference_standard": profile == Profile.FULL and study.scope.rights.references,
        "undisclosed_values": profile == Profile.AUGMED and study.scope.rights.cases,
        "withdrawal_policy": study.scope.policy,
        "withdrawn_left_out": study.scope.left_out,
        "stages": study.visible.stages,
        "questions_left_out": len(study.visible.hidden_questions),
        "times": "days" if masked else "exact",
    }


@cache
def application_version() -> str:
    """As pyproject.toml, which is installed beside the code, says."""
    with (Path(settings.BASE_DIR) / "pyproject.toml").open("rb") as source:
        return str(tomllib.load(source)["project"]["version"])
