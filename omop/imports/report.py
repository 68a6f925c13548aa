"""What an import found and did. Plain values; `to_json` is what is kept with a run and written by the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from omop.imports.gate.catalogue import CATALOGUE, Level, Outcome
from omop.imports.options import ImportOptions

LISTED = 1_000  # errors beyond so many are counted, not listed; the file of rejects has them all
FORMAT = 1  # of the report as JSON: raised when a key changes its meaning
FIRST = 20  # findings that are listed with each check
SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found. `line` is 1 for the header, None where it concerns the file or table as a whole.

    `rows` is how many rows it concerns: 1 for a line, more where a value was found in many.
    """

    file: str | None
    line: int | None
    column: str | None
    value: str | None
    reason: str
    rows: int = 1

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f", line {self.line}"
        if self.column:
            place += f"{', ' if place else ''}{self.column}"
        if self.value is not None:
            place += f" = {self.value!r}"
        return f"{place}: {self.reason}" + (f" ({self.rows} rows)" if self.rows > 1 else "")


@dataclass(slots=True)
class CheckResult:
    """What one check found in one table, or one of its columns.

    `checked` is how many rows were asked; `count` how many were wrong; `threshold` and `share` are percentages.
    """

    code: str
    level: Level
    table: str
    column: str | None
    threshold: float
    checked: int = 0
    count: int = 0
    first: list[Finding] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Percent of the rows asked that were wrong; 100 where none could be asked, but something was wrong."""
        if self.checked:
            return min(100.0, 100.0 * self.count / self.checked)
        return 100.0 if self.count else 0.0

    @property
    def outcome(self) -> Outcome:
        if self.count and (self.level is Level.REFUSE or self.share > self.threshold):
            return Outcome.FAILED
        return Outcome.PASSED if self.checked or self.count else Outcome.NOT_APPLICABLE

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": round(self.share, 4), "outcome": self.outcome.value}


@dataclass(slots=True)
class FileReport:
    """One file: what was recognised, in words that people read (`recognised`: "separator": "tab", ...).

    `renamed` are columns under an older or misspelt name with the name they were read as; `ignored` are columns that
    were not read; `missing` optional columns that the file does not have. `sha256` is of the bytes as stored.
    """

    name: str
    table: str | None
    bytes: int = 0
    sha256: str = ""
    rows: int = 0
    recognised: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TableCounts:
    """Rows of one table.

    read = new + changed + unchanged + duplicates + rejected. `duplicates` are rows left out because the same key came
    before, where the user chose so. `removed` are rows in the database that the run takes away (replace-person).
    `loaded` is new + changed once the run has committed, else 0.
    """

    read: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    loaded: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected: int = 0


RejectSink = Callable[[str, Finding], None]


@dataclass(slots=True)
class ImportReport:
    """The outcome of one run. status: loaded, checked (a dry run that may be loaded) or refused.

    `on_reject` is told of every line that is rejected, with the check's code.
    """

    dry_run: bool
    options: ImportOptions = field(default_factory=ImportOptions)
    status: str = "refused"
    files: list[FileReport] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    tables: dict[str, TableCounts] = field(default_factory=dict)
    checks: dict[tuple[str, str, str | None], CheckResult] = field(default_factory=dict)
    error_count: int = 0
    errors: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    on_reject: RejectSink | None = None

    @property
    def room(self) -> int:
        """How many more errors are listed."""
        return max(0, LISTED - len(self.errors))

    @property
    def refused(self) -> bool:
        """Whether what was found forbids loading: any check that refuses or rejects has failed."""
        return any(
            result.level is not Level.WARN and result.outcome is Outcome.FAILED for result in self.checks.values()
        )

    @property
    def changes(self) -> bool:
        """Whether any row was new, other or gone; of a run that loaded nothing, whether one would be."""
        return any(counts.new or counts.changed or counts.removed for counts in self.tables.values())

    @property
    def warnings(self) -> list[CheckResult]:
        """The checks that found something which does not stop the run."""
        return [result for result in self.checks.values() if result.level is Level.WARN and result.count]

    def check(self, code: str, table: str, column: str | None = None) -> CheckResult:
        """The result of a check in a table or column, made at the first call."""
        key = (code, table, column)
        if key not in self.checks:
            check = CATALOGUE[code]
            threshold = self.options.threshold_of(code, table, column, check.threshold)
            self.checks[key] = CheckResult(code, check.level, table, column, threshold)
        return self.checks[key]

    def found(
        self,
        code: str,
        table: str,
        reason: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
        value: Any = None,
        rows: int = 1,
        per_column: bool = True,
    ) -> None:
        """Count a finding and list it while there is room. `per_column=False` counts it for the table as a whole."""
        result = self.check(code, table, column if per_column else None)
        finding = Finding(file, line, column, shown(value), reason, rows)
        result.count += rows
        if len(result.first) < FIRST:
            result.first.append(finding)
        if result.level is Level.WARN:
            return
        self.error_count += rows
        if self.room:
            self.errors.append(finding)
        if self.on_reject is not None and line is not None:
            self.on_reject(code, finding)

    def to_json(self) -> dict[str, Any]:
        """The report as values that json.dumps takes."""
        return {
            "version": FORMAT,
            "status": self.status,
            "dry_run": self.dry_run,
            "options": self.options.to_json(),
            "files": [asdict(file) for file in self.files],
            "ignored": self.ignored,
            "tables": {name: asdict(counts) for name, counts in self.tables.items()},
            "checks": [result.to_json() for result in self.checks.values()],
            "error_count": self.error_count,
            "errors": [asdict(error) for error in self.errors],
            "warning_count": sum(result.count for result in self.warnings),
            "seconds": self.seconds,
        }


def shown(value: Any) -> str | None:
    """The value as people see it: short, and without what is not text."""
    if value is None:
        return None
    text = printable(str(value))
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def printable(text: str) -> str:
    """The text as files and the database can hold it: what is no text is written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\0")
