"""Over what the quality page speaks: what is in the tables, also what was not loaded, the database, or one run."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest

from omop import history, quality
from omop.models import CheckOutcome, ImportRun

CHOSEN_FROM = 50  # runs that the page offers; all are in the history
DATABASE = "database"
NOT_LOADED = "not-loaded"
_NAMED = 2  # files of a run that a choice names


@dataclass(frozen=True, slots=True)
class Scope:
    """`over` is "" (the newest look at what is in each table), "not-loaded" (also dry runs and refused imports),
    "database", or the key of `run`."""

    over: str
    run: ImportRun | None = None

    @property
    def query(self) -> str:
        """What keeps the scope in links, with its question mark; empty for the newest look."""
        return f"?{urlencode({'over': self.over})}" if self.over else ""

    @property
    def also(self) -> str:
        """The same behind another parameter."""
        return f"&{urlencode({'over': self.over})}" if self.over else ""

    @property
    def in_files_only(self) -> bool:
        """Whether this is one run whose rows were not loaded."""
        return self.run is not None and self.run.kind != ImportRun.Kind.DATABASE and self.run.status != "loaded"

    def outcomes(self, tables: Iterable[str] | None = None) -> list[CheckOutcome]:
        """The results in scope, of all tables or of some. One statement."""
        if self.run is not None:
            wanted = None if tables is None else set(tables)
            return [found for found in quality.of_run(self.run) if wanted is None or found.table in wanted]
        kind = ImportRun.Kind.DATABASE if self.over == DATABASE else None
        return quality.latest(kind=kind, tables=tables, not_loaded=self.over == NOT_LOADED)


def scope_of(request: HttpRequest) -> Scope:
    """The scope that the address names. A run that is not there, or not for this person, does not exist."""
    over = request.GET.get("over", "")
    if over in {"", NOT_LOADED, DATABASE}:
        return Scope(over)
    return Scope(over, run_or_404(request.user, over))


def run_or_404(user: Any, key: str | uuid.UUID) -> ImportRun:
    """A run that the user may see. Raises Http404."""
    try:
        run = history.newest_first(user).filter(pk=uuid.UUID(str(key))).first()
    except ValueError:
        run = None
    if run is None:
        raise Http404("There is no such import run.")
    return run


def choices(user: Any, scope: Scope) -> list[tuple[str, str]]:
    """What the page offers, as (value, label): the newest runs that this person may see, and the one chosen."""
    runs = list(history.newest_first(user).filter(status__in=quality.LOOKED)[:CHOSEN_FROM])
    if scope.run is not None and scope.run not in runs:
        runs.append(scope.run)
    files = history.files_of(runs)
    return [
        ("", "what is in the tables: the newest look at each"),
        (NOT_LOADED, "also checks that were not loaded"),
        (DATABASE, "the newest check of the database"),
        *((str(run.pk), _label(run, files[run.pk])) for run in runs),
    ]


def _label(run: ImportRun, files: list[str]) -> str:
    """The run in one line: when, what, which files, how many rows."""
    words = f"{run.finished_at:%Y-%m-%d %H:%M} {run.get_kind_display()}, {run.status}"
    if files:
        words += f": {history.in_short(files, _NAMED)}"
    return f"{words}, {run.rows:,} row{'' if run.rows == 1 else 's'}"
