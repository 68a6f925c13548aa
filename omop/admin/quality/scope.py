"""Over what the quality page speaks: the newest look at each table, the newest check of the database, or one run."""

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


@dataclass(frozen=True, slots=True)
class Scope:
    """`over` is "" (newest), "database", or the key of `run`."""

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

    def outcomes(self, tables: Iterable[str] | None = None) -> list[CheckOutcome]:
        """The results in scope, of all tables or of some. One statement."""
        if self.run is not None:
            wanted = None if tables is None else set(tables)
            return [found for found in quality.of_run(self.run) if wanted is None or found.table in wanted]
        kind = ImportRun.Kind.DATABASE if self.over == DATABASE else None
        return quality.latest(kind=kind, tables=tables)


def scope_of(request: HttpRequest) -> Scope:
    """The scope that the address names. A run that is not there, or not for this person, does not exist."""
    over = request.GET.get("over", "")
    if over in {"", DATABASE}:
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
    named = [(str(run.pk), f"{run.finished_at:%Y-%m-%d %H:%M} {run.get_kind_display()}, {run.status}") for run in runs]
    return [("", "the newest look at each table"), (DATABASE, "the newest check of the database"), *named]
