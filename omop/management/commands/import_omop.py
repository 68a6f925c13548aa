"""Load files of the OMOP Common Data Model: all rows, or none. docs/data-staff.md tells the exit statuses."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.foundation.errors import DomainError
from omop import actions
from omop.actions import ImportOptions, ImportOutcome, OptionError, UsageError
from omop.imports.command_line.account import account, catalogue, ending
from omop.imports.command_line.arguments import add_option_arguments, options_of, path_of
from omop.imports.command_line.outputs import Output, OutputError, write_rejects, write_report
from omop.imports.command_line.progress import ProgressBar
from omop.imports.command_line.streams import Stopped, print_lines, stopped_by_signals
from omop.imports.progress import silent

REFUSED, WRONG_USE, FAILED = 1, 2, 3
_FINDINGS = (0, 3, 20, 20)  # how many are shown with each check, by verbosity


class Command(BaseCommand):
    help = (
        "Load files of OMOP CDM 5.4 tables (comma or tab separated, plain, .gz, .zip, or Parquet): all rows, or none "
        "where a check says no. Exit status: 0 loaded (or checked, with --dry-run), 1 refused, 2 wrong use, 3 failed "
        "for another reason, 130 or 143 stopped by a signal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", metavar="PATH", type=path_of, help="a file, or a folder of files")
        parser.add_argument("--dry-run", action="store_true", help="check everything, load nothing")
        parser.add_argument("--report", metavar="FILE.json", type=Path, help="write the whole report to this file")
        parser.add_argument("--rejects", metavar="FILE.csv", type=Path, help="write every rejected line to this file")
        parser.add_argument("--list-checks", action="store_true", help="list all checks and end")
        parser.add_argument("-q", "--quiet", action="store_true", help="print errors only, as --verbosity 0")
        add_option_arguments(parser)

    def handle(self, *args: Any, **arguments: Any) -> None:
        if arguments["list_checks"]:
            print_lines(self.stdout, catalogue())
            return
        verbosity = 0 if arguments["quiet"] else arguments["verbosity"]
        try:
            with stopped_by_signals():
                self._handle(arguments, verbosity)
        except Stopped as stop:
            raise CommandError(f"Stopped: {self._done}.", returncode=128 + stop.number) from None

    def _handle(self, arguments: dict[str, Any], verbosity: int) -> None:
        self._done = "nothing was loaded"
        try:
            options = options_of(arguments)
            report, rejects = _outputs(arguments)
            outcome = self._import(arguments, options, verbosity)
        except (UsageError, OptionError, OutputError) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from error
        if outcome.report.status == "loaded":
            self._done = "the rows were loaded all the same"
        try:
            if report:
                write_report(report, outcome)
            if rejects:
                write_rejects(rejects, outcome)
        except OutputError as error:
            raise CommandError(f"{error} As to the rows: {self._done}.", returncode=FAILED) from error
        if verbosity:
            print_lines(self.stdout, account(outcome.report, _FINDINGS[verbosity]))
            print_lines(self.stdout, ending(outcome))
        if outcome.report.refused:
            count = outcome.report.error_count
            errors = f"{count:,} error{'' if count == 1 else 's'}"
            raise CommandError(f"Refused: {errors}, nothing was loaded.", returncode=REFUSED)

    def _import(self, arguments: dict[str, Any], options: ImportOptions, verbosity: int) -> ImportOutcome:
        bar = ProgressBar(sys.stderr) if verbosity and sys.stderr.isatty() else None
        try:
            return actions.import_files(
                paths=arguments["paths"],
                by=None,
                dry_run=arguments["dry_run"],
                options=options,
                progress=bar or silent,
            )
        except DomainError as error:
            raise CommandError(f"Failed: {error.detail}", returncode=FAILED) from error
        except (UsageError, OptionError):
            raise
        except Exception as error:
            # The text of an unforeseen error may hold data; --traceback shows all of it to who asks.
            name = type(error).__name__
            raise CommandError(
                f"Failed with an unexpected {name}; nothing was loaded. --traceback shows where.", returncode=FAILED
            ) from error
        finally:
            if bar:
                bar.clear()


def _outputs(arguments: dict[str, Any]) -> tuple[Output | None, Output | None]:
    """The files for the report and the rejects, tried. Raises OutputError."""
    paths = arguments["paths"]
    if not paths:
        raise UsageError("Name at least one file or folder to import.")
    report, rejects = (
        Output(f"--{name}", arguments[name], paths) if arguments[name] else None for name in ("report", "rejects")
    )
    if report and rejects and report.path.resolve() == rejects.path.resolve():
        raise OutputError("--report and --rejects name the same file.")
    return report, rejects
