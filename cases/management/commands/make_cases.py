from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.foundation.errors import DomainError
from cases.actions import put_forward
from cases.models import PageLayout
from omop.models import VisitOccurrence

MOST_LISTED = 20


class Command(BaseCommand):
    help = "Put visits forward for review: makes a case and its snapshot of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--visits", help="visit_occurrence_id, several separated by commas")
        which.add_argument("--all", action="store_true", help="every visit")
        parser.add_argument("--layout", help="the layout's name (default: the default layout)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            ids = list(VisitOccurrence.objects.order_by("pk").values_list("pk", flat=True))
            if not ids:
                raise CommandError("There is no visit. Import OMOP data first: manage.py import_omop FOLDER")
        else:
            ids = self._visits(options["visits"])
        try:
            result = put_forward(visit_ids=ids, by=None, layout=self._layout(options["layout"]))
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(
            f"{len(result.created)} cases made, {len(result.kept)} were there already, {len(result.refused)} refused."
        )
        if result.refused:
            lines = [f"visit {visit_id}: {reason}" for visit_id, reason in result.refused[:MOST_LISTED]]
            if len(result.refused) > MOST_LISTED:
                lines.append(f"and {len(result.refused) - MOST_LISTED} more")
            raise CommandError("\n".join(lines))

    def _visits(self, text: str) -> list[int]:
        ids = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                ids.append(int(part))
            except ValueError as error:
                raise CommandError(f"--visits: {part!r} is not a visit id") from error
        if not ids:
            raise CommandError("--visits names no visit")
        return ids

    def _layout(self, name: str | None) -> PageLayout | None:
        if name is None:
            return None
        layout = PageLayout.objects.filter(name=name).first()
        if layout is None:
            names = ", ".join(PageLayout.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no layout {name!r}; there is: {names}")
        return layout
