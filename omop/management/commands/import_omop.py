"""Load CSV files of the OMOP Common Data Model. Exit status: 0 loaded (or checked), 1 refused, 2 wrong use."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from omop.actions import ImportReport, UsageError, import_files

_SHOWN = 20


class Command(BaseCommand):
    help = "Load comma or tab separated files of OMOP CDM 5.4 tables: all rows, or none if one is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file named as its table, or a folder of them")
        parser.add_argument("--dry-run", action="store_true", help="check everything, load nothing")
        parser.add_argument("--report", metavar="FILE.json", help="write the whole report to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        self._interactive = options["verbosity"] > 0 and sys.stderr.isatty()
        report_path = Path(options["report"]) if options["report"] else None
        if report_path is not None and not report_path.parent.is_dir():
            raise CommandError(f"There is no folder {report_path.parent} for the report.", returncode=2)
        try:
            report = import_files(paths=options["paths"], by=None, dry_run=options["dry_run"], progress=self._progress)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from error
        if report_path is not None:
            report_path.write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
        self._print(report)
        if report.refused:
            raise CommandError(f"Refused: {report.error_count} errors, nothing was loaded.", returncode=1)

    def _progress(self, done: int, total: int, message: str) -> None:
        if self._interactive:
            self.stderr.write(f"\r{100 * done // max(total, 1):3d} % {message:<60}", ending="")

    def _print(self, report: ImportReport) -> None:
        if self._interactive:
            self.stderr.write("")
        self.stdout.write(f"{'table':<24}{'read':>12}{'new':>12}{'loaded':>12}{'unchanged':>12}{'rejected':>12}")
        for name, counts in report.tables.items():
            self.stdout.write(
                f"{name:<24}{counts.read:>12}{counts.new:>12}{counts.loaded:>12}"
                f"{counts.unchanged:>12}{counts.rejected:>12}"
            )
        if report.ignored:
            self.stdout.write(f"Ignored: {', '.join(report.ignored)}")
        found = [finding for result in report.warnings for finding in result.first]
        self._list("warnings", found, sum(result.count for result in report.warnings))
        self._list("errors", report.errors, report.error_count)
        done = {"loaded": "Loaded", "checked": "Checked, nothing loaded,", "refused": "Refused"}[report.status]
        self.stdout.write(f"{done} in {report.seconds:.1f} s.")

    def _list(self, title: str, items: list[Any], count: int) -> None:
        if not count:
            return
        self.stdout.write(f"{count} {title}:")
        for item in items[:_SHOWN]:
            self.stdout.write(f"  {item}")
        if count > _SHOWN:
            self.stdout.write(f"  ... {count - _SHOWN} more; --report FILE.json lists up to 1,000.")
