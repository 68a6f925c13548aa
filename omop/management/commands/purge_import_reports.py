"""Remove the reports of old imports, where no worker does it by its schedule. Exit status: 0."""

from typing import Any

from django.core.management.base import BaseCommand

from omop.actions import purge_import_reports


class Command(BaseCommand):
    help = (
        "Remove reports and rejected lines of imports that are older than IMPORT_REPORT_DAYS, and uploads that nobody "
        "confirmed. What is remembered of the runs stays."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"The reports of {purge_import_reports()} imports removed.")
