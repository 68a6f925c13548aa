"""What an import found and did. Plain values; `to_json` is what is stored with a job and written by the command."""

from dataclasses import asdict, dataclass, field
from typing import Any

LISTED = 1_000  # errors and warnings beyond so many are counted, not listed
SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class RowError:
    """Something that refuses the run. `line` is 1 for the header, None where it concerns the file as a whole."""

    file: str
    line: int | None
    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        if self.column:
            place += f", {self.column}"
        if self.value is not None:
            place += f" = {self.value!r}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Warning_:
    """Something to know that does not stop the run, with the number of rows it concerns."""

    table: str
    column: str | None
    value: str | None
    reason: str
    rows: int

    def __str__(self) -> str:
        column = f".{self.column}" if self.column else ""
        value = f" = {self.value}" if self.value is not None else ""
        return f"{self.table}{column}{value}: {self.reason} ({self.rows} rows)"


@dataclass(slots=True)
class TableCounts:
    """Rows of one table. read = new + unchanged + rejected; loaded is new once the run has committed, else 0."""

    read: int = 0
    new: int = 0
    loaded: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(slots=True)
class ImportReport:
    """The outcome of one run. status: loaded, checked (a dry run without errors) or refused."""

    dry_run: bool
    status: str = "refused"
    files: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    tables: dict[str, TableCounts] = field(default_factory=dict)
    error_count: int = 0
    errors: list[RowError] = field(default_factory=list)
    warning_count: int = 0
    warnings: list[Warning_] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def room(self) -> int:
        """How many more errors are listed."""
        return max(0, LISTED - len(self.errors))

    def error(
        self, file: str, reason: str, *, line: int | None = None, column: str | None = None, value: Any = None
    ) -> None:
        """Count an error, and list it while there is room."""
        self.error_count += 1
        if self.room:
            self.errors.append(RowError(file, line, column, shown(value), reason))

    def warn(self, table: str, reason: str, *, column: str | None, value: Any = None, rows: int) -> None:
        """Count a warning, and list it while there is room."""
        self.warning_count += 1
        if len(self.warnings) < LISTED:
            self.warnings.append(Warning_(table, column, shown(value), reason, rows))

    def to_json(self) -> dict[str, Any]:
        """The report as values that json.dumps takes."""
        return asdict(self)


def shown(value: Any) -> str | None:
    """The value as people see it: short, and without what is not text."""
    if value is None:
        return None
    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\0")
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
