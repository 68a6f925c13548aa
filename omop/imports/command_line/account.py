"""A report in lines that people read: files, tables, then what the checks found, gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from omop.actions import ImportOutcome
from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.imports.report import CheckResult, FileReport, ImportReport

_COUNTS = ("read", "new", "changed", "removed", "loaded", "unchanged", "duplicates", "rejected")
_DONE = {"loaded": "Loaded", "checked": "Checked, nothing loaded", "refused": "Refused, nothing loaded"}


def account(report: ImportReport, findings: int) -> Iterator[str]:
    """The lines, but for those of `ending`. `findings` is how many are shown with each check."""
    yield from _files(report)
    yield from _tables(report)
    yield from _checks(report.checks.values(), findings)


def ending(outcome: ImportOutcome) -> Iterator[str]:
    """The last lines: what was done, and what it means for others."""
    report = outcome.report
    if report.status == "loaded" and not report.changes:
        said = outcome.message or "No row is new or other than in the database; nothing changed."
        yield f"{said.removesuffix('.')} ({report.seconds:.1f} s)."
    else:
        yield f"{_DONE[report.status]}, in {report.seconds:.1f} s."
        yield from filter(None, [outcome.message])
    yield from outcome.notes


def catalogue() -> Iterator[str]:
    """All checks, a line each: code, level, the percentage that is tolerated, the question."""
    yield f"{'check':<28}{'level':<8}{'tolerated':>10}  question"
    for check in CATALOGUE.values():
        tolerated = "-" if check.level is Level.REFUSE else f"{check.threshold:g} %"
        yield f"{check.code:<28}{check.level:<8}{tolerated:>10}  {check.question}"


def _files(report: ImportReport) -> Iterator[str]:
    if report.files:
        yield "Files"
    common = _common(report.files)
    if common:
        yield f"  each: {_words(common)}"
    for file in report.files:
        own = {name: value for name, value in file.recognised.items() if common.get(name) != value}
        told = f"; {_words(own)}" if own else ""
        yield f"  {file.name}: {file.table or 'no table'}, {file.rows:,} rows{told}"
        if file.renamed:
            yield f"    read under their names of CDM 5.4: {', '.join(f'{a} as {b}' for a, b in file.renamed.items())}"
        if file.ignored:
            yield f"    columns not read: {', '.join(file.ignored)}"
        if file.missing:
            yield f"    optional columns not there: {', '.join(file.missing)}"
    if report.ignored:
        yield f"  Passed over: {', '.join(report.ignored)}"


def _common(files: Sequence[FileReport]) -> dict[str, str]:
    """What was recognised the same in all of several files, so that it is said once."""
    told = [file.recognised for file in files if file.recognised]
    if len(told) < 2:
        return {}
    return {name: value for name, value in told[0].items() if all(each.get(name) == value for each in told)}


def _words(recognised: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in recognised.items())


def _tables(report: ImportReport) -> Iterator[str]:
    filled = {table: counts for table, counts in report.tables.items() if counts.read or counts.removed}
    if filled:
        yield f"{'Tables':<24}" + "".join(f"{name:>12}" for name in _COUNTS)
    for table, counts in filled.items():
        yield f"  {table:<22}" + "".join(f"{getattr(counts, name):>12,}" for name in _COUNTS)
    if empty := [table for table in report.tables if table not in filled]:
        yield f"  Without rows: {', '.join(empty)}"


def _checks(results: Iterable[CheckResult], findings: int) -> Iterator[str]:
    failed: list[CheckResult] = []
    tolerated: list[CheckResult] = []
    warnings: list[CheckResult] = []
    minor: list[CheckResult] = []
    passed = not_applicable = 0
    for result in results:
        grave = result.level is not Level.WARN
        if result.count:
            over = result.outcome is Outcome.FAILED
            (failed if grave and over else tolerated if grave else warnings if over else minor).append(result)
        elif result.outcome is Outcome.PASSED:
            passed += 1
        else:
            not_applicable += 1
    yield from _group("Errors: nothing is loaded because of these", failed, findings)
    yield from _group("Rows left out, as many as the thresholds allow", tolerated, findings)
    yield from _group("Warnings: these rows load", warnings, findings)
    yield from _group("Found, but not more than is tolerated", minor, findings)
    yield f"Checks passed: {passed}. Not applicable, as there was no row to ask: {not_applicable}."


def _group(title: str, results: list[CheckResult], findings: int) -> Iterator[str]:
    if results:
        yield title
    for result in results:
        place = f"{result.table}.{result.column}" if result.column else result.table
        share = f" of {result.checked:,} ({result.share:.2f} %)" if result.checked else ""
        yield f"  {result.code} ({place}): {result.count:,}{share}, tolerated {result.threshold:g} %"
        shown = result.first[:findings]
        yield from (f"    {finding}" for finding in shown)
        # A finding can stand for many rows, so what is left is known only where each stands for one.
        if shown and len(result.first) > len(shown):
            yield "    ..."
