"""What a finished run looks like on its page: the report in the order in which a person needs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from omop.imports import runs
from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.imports.reading.sources import suggested_table
from omop.models import ImportRun

SHOWN_CHECKS = 100  # kinds of findings on the page; the report has all
FILE_CHECKS = ("table_known", "file_readable", "columns_known", "columns_required")
"""What stops a file from being read at all, the gravest first: what else is found may be but what follows from it."""
_COUNTS = ("read", "new", "changed", "removed", "unchanged", "duplicates", "rejected", "loaded")


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check that found something. `tone` is stop, warn or quiet; `first` are findings as the report has them.

    `checked` is 0 where what was counted is not of what was asked: several columns may lack in one file.
    """

    code: str
    question: str
    level: str
    place: str
    checked: int
    count: int
    share: float
    threshold: float
    verdict: str
    tone: str
    first: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """All places in which one check found something, the gravest first."""

    code: str
    question: str
    rows: Sequence[CheckRow]


@dataclass(frozen=True, slots=True)
class Quiet:
    """A check that found nothing anywhere, or had nothing to ask."""

    code: str
    question: str
    places: int
    checked: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A file of which nobody knows the table; `suggestion` is the nearest name, or empty. What is inside an archive
    cannot be left out alone."""

    name: str
    suggestion: str
    removable: bool


@dataclass(slots=True)
class RunView:
    """All that the page of a finished run shows. `detailed` is False where the findings were removed.

    `left_out` are the errors that are tolerated; `warned` how many checks warn, and of how many rows; `unread` the
    tables of which a file could not be read.
    """

    run: ImportRun
    detailed: bool
    files: Sequence[Any]
    tables: Sequence[tuple[str, dict[str, int]]]
    totals: dict[str, int]
    errors: list[CheckGroup]
    left_out: list[CheckGroup]
    warnings: list[CheckGroup]
    warned: tuple[int, int]
    passed: list[Quiet]
    not_applicable: list[Quiet]
    unknown: list[Unknown] = field(default_factory=list)
    ignored: Sequence[str] = ()
    loaded_before: Sequence[dict[str, str]] = ()
    unread: frozenset[str] = frozenset()
    more_errors: int = 0
    more_left_out: int = 0
    more_warnings: int = 0

    @property
    def filled(self) -> list[tuple[str, dict[str, int]]]:
        """The tables of which anything was read or removed."""
        return [(name, counts) for name, counts in self.tables if any(counts.values())]

    @property
    def empty(self) -> list[str]:
        """The tables whose files were read, and hold no row."""
        return [name for name, counts in self.tables if not any(counts.values()) and name not in self.unread]

    @property
    def columns(self) -> list[str]:
        """The counts that say something in this run: those that are the same for all runs stay away."""
        always = {"read", "new", "unchanged", "rejected"}
        if self.run.status == ImportRun.Status.LOADED:
            always = {"read", "loaded", "unchanged", "rejected"}
        return [name for name in _COUNTS if name in always or (self.totals[name] and name != "loaded")]


def view_of(run: ImportRun) -> RunView:
    """The run from its report, or where that was removed from its rows: the same number of queries for any size."""
    report = runs.report_of(run)
    if report is None:
        return _view(run, _from_rows(run), detailed=False)
    return _view(run, report, detailed=True)


def _from_rows(run: ImportRun) -> dict[str, Any]:
    checks = [
        {
            **{name: getattr(each, name) for name in ("code", "level", "table", "column", "outcome")},
            **{name: getattr(each, name) for name in ("checked", "count", "threshold", "share")},
            "first": [],
        }
        for each in run.checks.all()
    ]
    names = ("name", "table", "bytes", "rows", "recognised", "renamed", "ignored", "missing")
    return {
        "files": list(run.files.order_by("pk").values(*names)),
        "tables": {row.pop("table"): row for row in run.tables.order_by("table").values("table", *_COUNTS)},
        "checks": checks,
    }


def _view(run: ImportRun, report: dict[str, Any], *, detailed: bool) -> RunView:
    tables = [(name, {each: counts.get(each, 0) for each in _COUNTS}) for name, counts in report["tables"].items()]
    found = [_row(check) for check in report["checks"] if check["count"]]
    errors = sorted((row for row in found if row.level != Level.WARN and row.tone == "stop"), key=_gravity)
    left_out = sorted((row for row in found if row.level != Level.WARN and row.tone != "stop"), key=_gravity)
    warnings = sorted((row for row in found if row.level == Level.WARN), key=_gravity)
    warn = [row for row in warnings if row.tone == "warn"]
    unread = frozenset(check["table"] for check in report["checks"] if check["count"] and check["code"] in FILE_CHECKS)
    return RunView(
        run=run,
        detailed=detailed,
        files=[
            {**file, "facts": _facts(file["recognised"]), "read": file["rows"] or file["table"] not in unread}
            for file in report["files"]
        ],
        tables=tables,
        totals={each: sum(counts[each] for _, counts in tables) for each in _COUNTS},
        errors=_groups(errors[:SHOWN_CHECKS]),
        left_out=_groups(left_out[:SHOWN_CHECKS]),
        warnings=_groups(warnings[:SHOWN_CHECKS]),
        warned=(len(warn), sum(row.count for row in warn)),
        passed=_quiet(report["checks"], Outcome.PASSED),
        not_applicable=_quiet(report["checks"], Outcome.NOT_APPLICABLE),
        unknown=unknown_files(report),
        ignored=report.get("ignored", ()),
        loaded_before=report.get("loaded_before", ()),
        unread=unread,
        more_errors=max(0, len(errors) - SHOWN_CHECKS),
        more_left_out=max(0, len(left_out) - SHOWN_CHECKS),
        more_warnings=max(0, len(warnings) - SHOWN_CHECKS),
    )


def _facts(recognised: dict[str, str]) -> dict[str, str]:
    """What was recognised, without what is not there: the report has that too."""
    return {what: how for what, how in recognised.items() if how not in {"no", "none"}}


def _row(check: dict[str, Any]) -> CheckRow:
    known = CATALOGUE.get(check["code"])
    verdict, tone = _verdict(check)
    return CheckRow(
        code=check["code"],
        question=known.question if known else check["code"],
        level=check["level"],
        place=".".join(filter(None, (check["table"], check["column"]))),
        checked=check["checked"] if check["checked"] >= check["count"] else 0,
        count=check["count"],
        share=check["share"],
        threshold=check["threshold"],
        verdict=verdict,
        tone=tone,
        first=check["first"],
    )


def _verdict(check: dict[str, Any]) -> tuple[str, str]:
    failed = check["outcome"] == Outcome.FAILED
    if check["level"] == Level.REFUSE:
        return "Stops the import", "stop"
    if check["level"] == Level.REJECT:
        return ("Stops the import", "stop") if failed else ("Tolerated: rows are left out", "warn")
    return ("Warning", "warn") if failed else ("Tolerated", "quiet")


def _gravity(row: CheckRow) -> tuple[int, int, int, str, str]:
    place = FILE_CHECKS.index(row.code) if row.code in FILE_CHECKS else len(FILE_CHECKS)
    return ("stop", "warn", "quiet").index(row.tone), place, -row.count, row.code, row.place


def _groups(rows: Iterable[CheckRow]) -> list[CheckGroup]:
    """By check, in the order of the gravest row of each."""
    by_code: dict[str, list[CheckRow]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    return [CheckGroup(code, same[0].question, same) for code, same in by_code.items()]


def _quiet(checks: Iterable[dict[str, Any]], outcome: Outcome) -> list[Quiet]:
    """The checks with this outcome, and of how many tables and columns each has it."""
    chosen = sorted((each for each in checks if not each["count"] and each["outcome"] == outcome), key=_code)
    quiet = []
    for code, group in groupby(chosen, key=_code):
        same = list(group)
        known = CATALOGUE.get(code)
        question = known.question if known else code
        quiet.append(Quiet(code, question, len(same), sum(each["checked"] for each in same)))
    return quiet


def _code(check: dict[str, Any]) -> str:
    return str(check["code"])


def unknown_files(report: dict[str, Any]) -> list[Unknown]:
    """The files whose table nobody knows, once each, with the nearest table's name."""
    findings = (each for check in report["checks"] if check["code"] == "table_known" for each in check["first"])
    names = dict.fromkeys(finding["file"] for finding in findings if finding["file"])
    return [Unknown(name, suggested_table(name) or "", "/" not in name) for name in names]
