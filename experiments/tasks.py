from celery import shared_task

from experiments.actions import exports


@shared_task(name="experiments.purge_exports")
def purge_exports() -> int:
    """Remove the archives of old exports (scheduled by beat)."""
    return exports.purge_exports()
