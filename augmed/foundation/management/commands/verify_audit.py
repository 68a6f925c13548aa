from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.foundation import audit
from augmed.foundation.models import AuditEvent


class Command(BaseCommand):
    help = (
        "Verifies the chain of the audit trail: that no event was changed, removed or put in between; "
        "and that no permit to erase stands open."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for link in audit.verify():
            broken += 1
            self.stderr.write(f"Event {link.sequence}: {link.reason}")
        permits = audit.left_permits()
        if permits:
            self.stderr.write(permits)
        if broken:
            raise CommandError(f"The audit trail does not hold: {broken} broken places.")
        if permits:
            raise CommandError("The chain holds, but not what guards the facts beside it: see above.")
        last = AuditEvent.objects.order_by("-sequence").first()
        if last is None:
            self.stdout.write("The audit trail is empty.")
        else:
            # Keep this line elsewhere: a chain cut off at its end can only be seen against it.
            self.stdout.write(f"The audit trail holds: {last.sequence} events, last hash {last.hash}")
