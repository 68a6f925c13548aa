from celery import Task, shared_task

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


# Acknowledged before it runs: a worker that dies while it talks to the mail server must not say it twice.
@shared_task(name="experiments.send_reminder", bind=True, acks_late=False, max_retries=6)
def send_reminder(self: Task, *, reminder_id: str) -> None:
    """Mail one reminder. A mail server that does not answer is asked again, for about an hour in all."""
    try:
        delivery.deliver(reminder_id=reminder_id)
    except delivery.MailServerAway as error:
        if self.request.called_directly or self.request.retries >= (self.max_retries or 0):
            delivery.give_up(reminder_id=reminder_id)
            return
        raise self.retry(exc=error, countdown=60 * 2**self.request.retries) from error
