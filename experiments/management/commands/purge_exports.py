"""Remove the archives of old exports, where no worker does it by its schedule. Exit status: 0."""

from typing import Any

from django.core.management.base import BaseCommand

from experiments.actions.exports import purge_exports


class Command(BaseCommand):
    help = "Remove the archives of exports that are older than EXPORT_DAYS. Their jobs and the audit trail stay."

    def handle(self, *args: Any, **options: Any) -> None:
        removed = purge_exports()
        self.stdout.write(f"{removed} archives removed.")
