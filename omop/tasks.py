from celery import shared_task

from omop import actions


@shared_task(name="omop.purge_import_reports")
def purge_import_reports() -> int:
    """Remove the reports of old imports (scheduled by beat)."""
    return actions.purge_import_reports()
