"""Export a study to a folder. Exit status: 0 written, 1 not possible, 2 no such study."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.foundation.errors import DomainError
from experiments.actions.exports import export_to_folder
from experiments.exports.writing import Profile
from experiments.models import Experiment


class Command(BaseCommand):
    help = (
        "Export a study: one archive and the files in it, written to a folder. Runs as the system itself, so arms and "
        "outcomes by arm are shown; in the admin and the API an export shows what its asker may see."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", metavar="EXPERIMENT", help="the study's code, name or id")
        parser.add_argument("--output", metavar="FOLDER", required=True, type=Path, help="made if it is not there")
        parser.add_argument("--identified", action="store_true", help="with e-mail addresses beside the pseudonyms")
        parser.add_argument(
            "--profile",
            choices=[profile.value for profile in Profile],
            default=Profile.FULL.value,
            help="full: all tables; augmed: one table with the columns of AugMed's answer export",
        )
        parser.add_argument("--archive-only", action="store_true", help="do not unpack the archive")

    def handle(self, *args: Any, **options: Any) -> None:
        experiment = Experiment.objects.named(options["experiment"])
        if experiment is None:
            raise CommandError(f"There is no study {options['experiment']!r}.", returncode=2)
        folder: Path = options["output"]
        try:
            export = export_to_folder(
                experiment=experiment,
                folder=folder,
                identified=options["identified"],
                unpack=not options["archive_only"],
                profile=Profile(options["profile"]),
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        except OSError as error:
            raise CommandError(f"Cannot write to {folder}: {error.strerror or error}.") from error
        self.stdout.write("Exported as the system, unblinded: arms and outcomes by arm are in these files.")
        if options["identified"]:
            self.stdout.write("E-mail addresses are in these files.")
        for file in export.files:
            rows = "" if file.rows is None else f"{file.rows} rows"
            self.stdout.write(f"  {file.name:<18} {rows:>16}  {file.sha256}")
        self.stdout.write(f"{folder / (experiment.code + '.zip')}: {export.bytes} bytes, SHA-256 {export.sha256}")
