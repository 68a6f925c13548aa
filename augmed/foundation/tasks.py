from celery import shared_task

from augmed.foundation import jobs
from augmed.foundation.models import Job


@shared_task(name="foundation.run_job", acks_late=True)
def run_job(*, job_id: str) -> None:
    jobs.run(job_id=job_id)


@shared_task(name="foundation.resume_abandoned_jobs")
def resume_abandoned_jobs() -> None:
    """Put back to work what a killed worker left behind (scheduled by beat)."""
    for job_id in Job.objects.abandoned().values_list("pk", flat=True):
        run_job.delay(job_id=str(job_id))
