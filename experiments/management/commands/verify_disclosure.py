"""Disclose every opened review of a study again. Exit status: 0 all hold, 1 something does not, 2 no such study."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from experiments.models import Experiment
from experiments.verification.disclosure import verify_disclosure


class Command(BaseCommand):
    help = (
        "Disclose every opened review of a study again from its snapshot and set, and compare the hashes; so too "
        "the answers that were given, the questions that each protocol froze, and redactions and erasures with the "
        "audit trail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", metavar="EXPERIMENT", help="the study's code, name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        experiment = Experiment.objects.named(options["experiment"])
        if experiment is None:
            raise CommandError(f"There is no study {options['experiment']!r}.", returncode=2)
        totals = verify_disclosure(experiment)
        for found in totals.discrepancies:
            self.stderr.write(f"Review {found.public_id}: {found.reason}")
        self.stdout.write(
            f"{totals.openings} opened reviews: {totals.verified} disclosed again and the same, "
            f"{totals.different} different, {totals.redacted} redacted (their hash stands, their case was blanked); "
            f"{totals.erased} of those disclosed again belong to erased enrolments."
        )
        self.stdout.write(
            f"{totals.answered} answered reviews: {totals.answers_different} do not hold, "
            f"{totals.answers_erased} erased."
        )
        for problem in totals.question_problems:
            self.stderr.write(problem)
        if not totals.holds:
            raise CommandError(
                f"{totals.different} disclosures, {totals.answers_different} answered reviews and "
                f"{len(totals.question_problems)} protocols' questions do not hold.",
                returncode=1,
            )
