from celery import shared_task

from experiments.actions import exports, reminding
from experiments.reminders import delivery


@shared_task(name="experiments.purge_exports")
def purge_exports() -> int:
    """Remove the archives of old exports (scheduled by beat)."""
    return exports.purge_exports()


@shared_task(name="experiments.send_reminders")
def send_reminders() -> int:
    """Remind everybody who is due (scheduled by beat, every hour)."""
    return reminding.remind_due()


# What it tries again is in the database, not in the broker's queue.
@shared_task(name="experiments.send_reminder", acks_late=False)
def send_reminder(*, reminder_id: str) -> None:
    """Mail one reminder; one that could not be mailed is tried again by the next hourly run."""
    delivery.deliver(reminder_id=reminder_id)
