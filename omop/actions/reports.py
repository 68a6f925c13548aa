"""The files that imports leave behind."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from omop import uploads
from omop.imports import runs


def purge_import_reports(*, by: Any = None, now: datetime | None = None) -> int:
    """Remove the reports and rejects of runs that ended more than settings.IMPORT_REPORT_DAYS ago, and uploads that
    nobody used; return of how many runs. What is remembered of the runs stays. Safe to run again."""
    uploads.forget_old()
    ended = (now or timezone.now()) - timedelta(days=settings.IMPORT_REPORT_DAYS)
    with transaction.atomic():
        old = runs.old_folders(ended)
        if old:
            audit.record(
                action="import_reports_purged",
                by=by,
                target=("omop.import", old[-1].name),
                data={"runs": [folder.name for folder in old]},
            )
        runs.remove(old)  # last: what cannot be removed is not told as removed
    return len(old)
