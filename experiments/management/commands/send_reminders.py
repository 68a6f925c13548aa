"""Remind everybody who is due, where no worker does it by its schedule (for cron, every hour). Exit status: 0."""

from typing import Any

from django.core.management.base import BaseCommand

from experiments.actions.reminding import remind_due


class Command(BaseCommand):
    help = "Remind by e-mail everybody who is due by the rule of their study. Quiet hours are kept; safe to run twice."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{remind_due()} new reminders; what became of them is on each study's page Reminders.")
