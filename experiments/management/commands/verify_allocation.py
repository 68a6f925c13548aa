"""Draw every assignment of a study again. Exit status: 0 all hold, 1 something does not, 2 no such study."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experiments.models import Experiment
from experiments.verification.allocation import verify_allocation

_SHOWN = 100


class Command(BaseCommand):
    help = "Draw every assignment of a study again, from rule, seed, stratum, arrival and case list, and compare."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", metavar="EXPERIMENT", help="the study's code, name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        experiment = Experiment.objects.named(options["experiment"])
        if experiment is None:
            raise CommandError(f"There is no study {options['experiment']!r}.", returncode=2)
        report = verify_allocation(experiment)
        for mismatch in report.mismatches[:_SHOWN]:
            where = f"draw {mismatch.run}: " if mismatch.run is not None else ""
            self.stderr.write(f"{where}{mismatch.what}")
        if report.mismatches:
            raise CommandError(f"{len(report.mismatches)} things do not hold.", returncode=1)
        self.stdout.write(
            f"{report.assignments} assignments of {report.runs} draws were drawn again and are the same; "
            f"{report.not_drawn} were not drawn by a rule."
        )
