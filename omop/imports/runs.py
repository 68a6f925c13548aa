"""What is kept of a run: counts in the database for good, its report and rejects as files that can be removed.

The files are in MEDIA_ROOT/omop-runs/<run id>/, readable by this service only: they quote cells of the imported files.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from omop.imports.report import ImportReport
from omop.models.imports import CheckOutcome, ImportedFile, ImportRun, TableLoad

FOLDER = "omop-runs"
_REPORT, _REJECTS = "report.json", "rejects.csv"
_NO_MATTER = {"threads", "indexes"}  # options that cannot change what is loaded


def folder_of(run: ImportRun) -> Path:
    """Where the files of a run are, whether or not they are there."""
    return Path(settings.MEDIA_ROOT) / FOLDER / str(run.pk)


def make_folder(run: ImportRun) -> Path:
    """The folder of a run, made."""
    root = Path(settings.MEDIA_ROOT) / FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder_of(run)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def report_of(run: ImportRun) -> dict[str, Any] | None:
    """The whole report of a run, as `write_report` wrote it; None where it was removed, or never written."""
    path = report_path(run)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path else None


def report_path(run: ImportRun) -> Path | None:
    """report.json of a run; None where it was removed, or never written."""
    path = folder_of(run) / _REPORT
    return path if path.is_file() else None


def rejects_path(run: ImportRun) -> Path | None:
    """The CSV of all rejected lines of a run; None where it was removed, or no line was rejected."""
    path = folder_of(run) / _REJECTS
    return path if path.is_file() else None


def write_report(run: ImportRun, report: ImportReport, extra: Mapping[str, Any]) -> None:
    """Write report.json: ImportReport.to_json and `run`, `error`, and what `extra` adds."""
    folder = make_folder(run)
    content = {"run": str(run.pk), **report.to_json(), "error": run.error, **extra}
    path = folder / f"{_REPORT}.new"
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.replace(folder / _REPORT)


def checksum_of(report: ImportReport) -> str:
    """SHA-256 over each file's table and checksum and the options that matter; "" where a checksum is unknown."""
    if not report.files or not all(file.sha256 for file in report.files):
        return ""
    options = {name: value for name, value in report.options.to_json().items() if name not in _NO_MATTER}
    files = sorted((file.table or "", file.sha256) for file in report.files)
    return sha256(json.dumps([files, options], sort_keys=True).encode()).hexdigest()


def loaded_before(report: ImportReport) -> ImportRun | None:
    """The last run that loaded the same files with the same options."""
    checksum = checksum_of(report)
    if not checksum:
        return None
    same = ImportRun.objects.loaded().filter(checksum=checksum, kind=ImportRun.Kind.LOAD)
    return same.select_related("created_by").order_by("-finished_at").first()


def told(before: Sequence[ImportRun]) -> list[dict[str, str]]:
    """Earlier runs as the report lists them: run, at, by."""
    return [{"run": str(run.pk), "at": run.finished_at.isoformat(), "by": str(run.created_by or "")} for run in before]


def record(run: ImportRun, report: ImportReport) -> None:
    """Insert a run that is over, with its files, tables and checks, in the caller's transaction."""
    run.finished_at = timezone.now()
    run.options = report.options.to_json()
    run.mode = report.options.mode.value
    run.checksum = checksum_of(report)
    run.error_count = report.error_count
    run.warning_count = sum(result.count for result in report.warnings)
    run.bytes = sum(file.bytes for file in report.files)
    run.rows = sum(counts.read for counts in report.tables.values())
    run.seconds = report.seconds
    run.save(force_insert=True)
    ImportedFile.objects.bulk_create(_files(run, report))
    TableLoad.objects.bulk_create(_tables(run, report))
    CheckOutcome.objects.bulk_create(_checks(run, report), batch_size=500)


def old_folders(ended: datetime) -> list[Path]:
    """The folders of runs that ended before, and of killed ones that nothing is remembered of, by name."""
    root = Path(settings.MEDIA_ROOT) / FOLDER
    if not root.is_dir():
        return []
    kept = {str(pk) for pk in ImportRun.objects.filter(finished_at__gte=ended).values_list("pk", flat=True)}
    # A folder of which nothing is remembered may belong to a run that is not over yet.
    old = (path for path in root.iterdir() if path.name not in kept and path.stat().st_mtime < ended.timestamp())
    return sorted(old)


def remove(folders: Sequence[Path]) -> None:
    """Remove folders of runs."""
    for folder in folders:
        shutil.rmtree(folder)


def _files(run: ImportRun, report: ImportReport) -> list[ImportedFile]:
    return [
        ImportedFile(
            run=run,
            name=file.name[:255],
            table=file.table or "",
            bytes=file.bytes,
            sha256=file.sha256,
            rows=file.rows,
            recognised=file.recognised,
            renamed=file.renamed,
            ignored=file.ignored,
            missing=file.missing,
        )
        for file in report.files
    ] + [ImportedFile(run=run, name=name[:255], bytes=0) for name in _unreadable(report)]


def _unreadable(report: ImportReport) -> list[str]:
    """The names of files that could not even be looked into, such as damaged archives: they have no FileReport."""
    told = {file.name for file in report.files}
    findings = (each for result in report.checks.values() if result.code == "file_readable" for each in result.first)
    return [name for name in dict.fromkeys(each.file for each in findings) if name and name not in told]


def _tables(run: ImportRun, report: ImportReport) -> list[TableLoad]:
    return [
        TableLoad(
            run=run,
            table=name,
            read=counts.read,
            new=counts.new,
            changed=counts.changed,
            removed=counts.removed,
            loaded=counts.loaded,
            unchanged=counts.unchanged,
            duplicates=counts.duplicates,
            rejected=counts.rejected,
        )
        for name, counts in report.tables.items()
    ]


def _checks(run: ImportRun, report: ImportReport) -> list[CheckOutcome]:
    return [
        CheckOutcome(
            run=run,
            finished_at=run.finished_at,
            code=result.code,
            table=result.table[:64],
            column=(result.column or "")[:64],
            level=result.level.value,
            outcome=result.outcome.value,
            checked=result.checked,
            count=result.count,
            threshold=result.threshold,
        )
        for result in report.checks.values()
    ]
