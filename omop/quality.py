"""Reads of what the checks found: the last look at each table, one run, and a check over its runs.

What counts as the last look, and what a trend is: docs/decisions/0018-quality-of-the-data.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import F, Q, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber

from omop.imports.gate.catalogue import CATALOGUE, Category, Level, Outcome
from omop.imports.schema import schemas
from omop.models import CheckOutcome, ImportRun

LOOKED = (ImportRun.Status.CHECKED, ImportRun.Status.LOADED, ImportRun.Status.REFUSED)
"""Runs that were seen through. One that failed or was cancelled stopped somewhere, and says nothing of the rest."""

IN_THE_TABLES = Q(run__kind=ImportRun.Kind.LOAD, run__status=ImportRun.Status.LOADED) | Q(
    run__kind=ImportRun.Kind.DATABASE, run__status__in=LOOKED
)
"""Outcomes of rows that are in the tables: of imports that loaded, and of checks of the database. What a dry run or a
refused import found is of rows that are only in files."""

TREND = 60  # runs in the trend of one check
SMALL_TREND = 20  # runs in the small trends beside all checks of a table


class Key(NamedTuple):
    """What is asked of what. `column` is "" where the table as a whole was asked."""

    code: str
    column: str


@dataclass(slots=True)
class TableSummary:
    """What one look at a table found: how many checks by category and verdict, and the look itself."""

    table: str
    run: ImportRun
    verdicts: Mapping[Category, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    total: Counter[str] = field(default_factory=Counter)

    @property
    def empty(self) -> bool:
        """Whether no check had a row to ask."""
        return set(self.total) == {Outcome.NOT_APPLICABLE.value}

    @property
    def by_category(self) -> list[tuple[Category, Counter[str]]]:
        return [(category, self.verdicts[category]) for category in Category]


def verdict(outcome: CheckOutcome) -> str:
    """error, warning, passed or not_applicable: the outcome, with failures told apart by what they do."""
    if outcome.outcome != Outcome.FAILED:
        return outcome.outcome
    return "warning" if outcome.level == Level.WARN else "error"


def latest(
    kind: str | None = None, tables: Iterable[str] | None = None, *, not_loaded: bool = False
) -> list[CheckOutcome]:
    """All results of the newest run that looked at what is in each table; `kind` counts only runs of that kind,
    `not_loaded` also dry runs and refused imports.

    One statement. Each table's newest run is one step into the index check_outcome_newest, however many runs there
    are; a window over all outcomes would read them all.
    """
    wanted = schemas() if tables is None else tables
    counted = Q(run__status__in=LOOKED) if not_loaded else IN_THE_TABLES
    if kind is not None:
        counted &= Q(run__kind=kind)
    newest = (Q(table=table, run_id=_newest_run(table, counted)) for table in wanted)
    return _ordered(reduce(or_, newest, Q(pk__in=[])))


def of_run(run: ImportRun, table: str | None = None) -> list[CheckOutcome]:
    """All results of one run, or of it in one table."""
    return _ordered(Q(run=run) if table is None else Q(run=run, table=table))


def trend(table: str, key: Key, limit: int = TREND) -> list[CheckOutcome]:
    """The results of a check over its last `limit` loads and checks of the database, the oldest first."""
    found = _in_the_tables().filter(table=table, code=key.code, column=key.column)
    return list(found.select_related("run").order_by("-finished_at", "-run_id")[:limit])[::-1]


def trends(table: str, limit: int = SMALL_TREND) -> dict[Key, list[CheckOutcome]]:
    """For each check of a table its last `limit` results as in `trend`, the oldest first. One statement."""
    place = Window(
        RowNumber(),
        partition_by=[F("table"), F("code"), F("column")],
        order_by=[F("finished_at").desc(), F("run_id").desc()],
    )
    found: dict[Key, list[CheckOutcome]] = defaultdict(list)
    outcomes = _in_the_tables().filter(table=table).select_related("run").annotate(place=place).filter(place__lte=limit)
    for outcome in outcomes.order_by("finished_at", "run_id"):
        found[Key(outcome.code, outcome.column)].append(outcome)
    return dict(found)


def summaries(outcomes: Sequence[CheckOutcome]) -> list[TableSummary]:
    """The results counted by table and category; tables in the order of loading, others (unknown files) last."""
    found: dict[str, TableSummary] = {}
    for outcome in outcomes:
        summary = found.setdefault(outcome.table, TableSummary(outcome.table, outcome.run))
        summary.total[verdict(outcome)] += 1
        if outcome.code in CATALOGUE:  # a check that is no longer asked has no category, but it was asked
            summary.verdicts[CATALOGUE[outcome.code].category][verdict(outcome)] += 1
    order = {name: place for place, name in enumerate(schemas())}
    return sorted(found.values(), key=lambda summary: (order.get(summary.table, len(order)), summary.table))


def _ordered(condition: Q) -> list[CheckOutcome]:
    outcomes = list(CheckOutcome.objects.filter(condition).select_related("run").order_by("table", "code", "column"))
    codes = {code: place for place, code in enumerate(CATALOGUE)}
    return sorted(outcomes, key=lambda outcome: codes.get(outcome.code, len(codes)))


def _in_the_tables() -> QuerySet[CheckOutcome]:
    return CheckOutcome.objects.filter(IN_THE_TABLES)


def _newest_run(table: str, counted: Q) -> Subquery:
    outcomes = CheckOutcome.objects.filter(counted, table=table)
    return Subquery(outcomes.order_by("-finished_at", "-run_id").values("run_id")[:1])
