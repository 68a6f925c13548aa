"""What a report found, in the form in which a fault says what it expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from omop.imports.gate.catalogue import Level
from omop.imports.report import CheckResult, ImportReport
from omop.tests.faults.clean import FileSet, Row
from omop.tests.faults.injector import Expected

Check = tuple[str, str, str | None]


def counts_found(report: ImportReport) -> dict[Check, int]:
    return {key: result.count for key, result in report.checks.items() if result.count}


def counts_expected(expected: Iterable[Expected]) -> dict[Check, int]:
    counts: Counter[Check] = Counter()
    for each in expected:
        counts[each.code, each.table, each.column] += each.rows
    return dict(counts)


def differences(report: ImportReport, expected: list[Expected], files: FileSet, lines: Mapping[Row, int]) -> list[str]:
    """In words, everything that was not found, was found too much, or was found elsewhere."""
    found, wanted = counts_found(report), counts_expected(expected)
    said = [
        f"{key}: found {found.get(key, 0)}, expected {wanted.get(key, 0)}: {_first(report, key)}"
        for key in sorted({*found, *wanted}, key=str)
        if found.get(key) != wanted.get(key)
    ]
    for key in found.keys() & wanted.keys():
        rows = [each.row for each in expected if (each.code, each.table, each.column) == key and each.row]
        places = {(files.name_of(row.table), lines[row]) for row in rows}
        listed = _places(report.checks[key])
        # A warning may stand for many rows and name the first, or none; what is rejected is named line by line.
        complete = report.checks[key].level is not Level.WARN
        if (listed != places) if complete else not listed <= places:
            said.append(f"{key}: at {sorted(listed)}, expected {sorted(places)}")
    return said


def _places(result: CheckResult) -> set[tuple[str | None, int]]:
    # The header's line is that of a file's fault, not of a row's.
    return {(finding.file, finding.line) for finding in result.first if finding.line not in (None, 1)}  # type: ignore[misc]


def _first(report: ImportReport, key: Check) -> list[str]:
    return [str(finding) for finding in report.checks[key].first[:5]] if key in report.checks else []
