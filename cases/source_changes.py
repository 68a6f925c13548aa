"""Which cases an import concerns: rows of their persons that came, changed or went, up to their index time.

Frozen snapshots stay as they are. What is written here says that one made anew could differ.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse

from augmed.foundation.permissions import Verb
from cases.models import Case, SourceChange
from omop import run_panels
from omop.models import ImportRun
from omop.run_panels import Cell, RunPanel

_FIRST = 20  # cases named in the run's report
_SHOWN = 50  # lines on the run's page

# The rule of cases.building.rows.not_after, for a row as it is or as it was: by the date, and by the time where there
# is one. A time of 00:00 means unknown; it lies before every index time of its day, so it needs no case of its own.
_ELIGIBLE = """(c.start_date IS NULL AND c.old_start_date IS NULL
    OR c.start_date <= k.index_at AND (c.start_at IS NULL OR c.start_at <= k.index_at)
    OR c.old_start_date <= k.index_at AND (c.old_start_at IS NULL OR c.old_start_at <= k.index_at))"""
_COUNTS = ", ".join(f"count(*) FILTER (WHERE c.kind = '{kind}') AS {kind}" for kind in ("added", "changed", "removed"))


def persons_of_cases(sender: Any, **_: Any) -> QuerySet[Any]:
    """Receiver of omop.signals.persons_asked_for."""
    return Case.objects.filter(person_id__isnull=False, index_at__isnull=False).values_list("person_id")


def record_source_changes(sender: Any, *, run: ImportRun, dry_run: bool, changes: str, **_: Any) -> dict[str, Any]:
    """Receiver of omop.signals.rows_changed: write SourceChange rows, and say for the report which cases they are of.

    In a dry run nothing is written. Three statements, whatever the number of cases.
    """
    found = (
        f"SELECT k.id AS case_id, k.number, c.table_name, {_COUNTS} FROM {changes} c"
        f" JOIN {Case._meta.db_table} k ON k.person_id = c.person_id WHERE {_ELIGIBLE}"
        " GROUP BY k.id, k.number, c.table_name"
    )
    with connection.cursor() as cursor:
        if not dry_run:
            field = SourceChange._meta.get_field("run_id")
            quoted = connection.ops.quote_name
            columns = ", ".join(map(quoted, ("run_id", "case_id", "table", "added", "changed", "removed")))
            cursor.execute(
                f"INSERT INTO {quoted(SourceChange._meta.db_table)} ({columns})"
                f" SELECT %s, case_id, table_name, added, changed, removed FROM ({found}) f",
                [field.get_db_prep_value(run.pk, connection)],
            )
        cases = f"SELECT DISTINCT number FROM ({found}) f"
        cursor.execute(f"SELECT number, count(*) OVER () FROM ({cases}) c ORDER BY number LIMIT %s", [_FIRST])
        numbers = cursor.fetchall()
        count = numbers[0][1] if numbers else 0
        columns = "number, table_name, added, changed, removed"
        cursor.execute(f"SELECT {columns} FROM ({found}) f ORDER BY number, table_name LIMIT %s", [_FIRST])
        names = ("number", "table", "added", "changed", "removed")
        first = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    text = _in_words([number for number, _ in numbers], count, dry_run=dry_run)
    return {"cases": {"count": count, "first": first, "text": text}}


def _in_words(numbers: Sequence[int], count: int, *, dry_run: bool) -> str:
    """One sentence with the first numbers; "" where there is no case."""
    if not count:
        return ""
    who = "1 case has" if count == 1 else f"{count:,} cases have"
    more = f", and {count - len(numbers):,} more" if count > len(numbers) else ""
    changed = "would change" if dry_run else "changed"
    return f"{who} source rows that this run {changed}: {', '.join(map(str, numbers))}{more}."


def panel(run: ImportRun, user: Any) -> RunPanel | None:
    """The cases on the page of a run; for who may not view cases only how many there are."""
    changes = SourceChange.objects.of_run(run)
    count = changes.values("case").distinct().count()
    if not count:
        return None
    shown, more = [], 0
    if user.may(Verb.VIEW_CASES):
        shown = list(changes.select_related("case").order_by("case__number", "table")[:_SHOWN])
        more = max(0, changes.count() - _SHOWN)
    return RunPanel(
        title="Cases",
        text=(
            f"Rows that {count} case{'s' if count > 1 else ''} could read have changed. Their snapshots are frozen and"
            " stay as they are; a snapshot made anew takes the changes up."
        ),
        columns=("Case", "Table", "Added", "Changed", "Removed"),
        rows=[
            (
                Cell(str(change.case), reverse("admin:cases_case_change", args=[change.case_id])),
                Cell(change.table),
                *(Cell(f"{number:,}") for number in (change.added, change.changed, change.removed)),
            )
            for change in shown
        ],
        more=more,
    )


def changes_of(case: Case) -> list[tuple[SourceChange, ImportRun | None]]:
    """The changes behind a case with their runs, the newest first. Two queries."""
    changes = list(case.source_changes.order_by("-pk")[:_SHOWN])
    made_by = ImportRun.objects.select_related("created_by").in_bulk({change.run_id for change in changes})
    return [(change, made_by.get(change.run_id)) for change in changes]


def register() -> None:
    """Listen to imports, and have a place on the pages of their runs."""
    from omop import signals

    signals.persons_asked_for.connect(persons_of_cases, dispatch_uid="cases.source_changes")
    signals.rows_changed.connect(record_source_changes, dispatch_uid="cases.source_changes")
    run_panels.register("cases", panel)
