import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.published.moving.ids import write_ids
from augmed.published.moving.run import ORIGIN, import_augmed
from augmed.published.moving.staging import SourceError

MOST_LISTED = 20


class Command(BaseCommand):
    help = (
        "Bring over what AugMed's own database holds: accounts, page_config, questions, display configs, answers and "
        "their times. Safe to run again. Exit status: 0 all came over or was here, 1 some rows could not, 2 nothing "
        "could be read. See docs/moving-from-augmed.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", help="address of AugMed's PostgreSQL database, or a folder with one CSV file a table"
        )
        parser.add_argument("--dry-run", action="store_true", help="do everything, report, and take it all back")
        parser.add_argument("--report", type=Path, metavar="FILE", help="where to write the report, as JSON")
        parser.add_argument(
            "--ids",
            type=Path,
            metavar="FILE",
            help="where to write what AugMed's ids became, as CSV (not in a dry run)",
        )
        parser.add_argument(
            "--origin",
            default=ORIGIN,
            help=f"a word for this AugMed database, where there are several (default: {ORIGIN})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["report"]
        ids: Path | None = options["ids"]
        for asked in (path, ids):
            if asked is not None and not asked.parent.is_dir():
                raise CommandError(f"There is no folder {asked.parent} for {asked.name}.", returncode=2)
        try:
            report = import_augmed(
                source=options["source"], by=None, origin=options["origin"], dry_run=options["dry_run"]
            )
        except SourceError as error:
            raise CommandError(str(error), returncode=2) from error
        if path is not None:
            path.write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if ids is not None and not report.dry_run:
            with ids.open("w", encoding="utf-8", newline="") as file:
                write_ids(file, options["origin"])
        for line in report.lines(MOST_LISTED):
            self.stdout.write(line)
        if report.dry_run:
            self.stdout.write("A dry run: nothing was stored.")
        if not report.is_complete:
            raise CommandError(f"{len(report.problems)} rows could not come over.", returncode=1)
