from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from augmed.foundation import jobs
from augmed.foundation.models import Job


class Command(BaseCommand):
    help = "Runs one job: what a Celery worker does, where there is no broker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the job's id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = jobs.run(job_id=options["id"])
        except (Job.DoesNotExist, ValidationError) as error:
            raise CommandError(f"There is no job {options['id']}.") from error
        if job.status == Job.Status.FAILED:
            raise CommandError(f"Job {job.pk} failed: {job.error}")
        self.stdout.write(f"Job {job.pk}: {job.status}")
