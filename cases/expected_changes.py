"""Which cases an import would concern, on the page of its check: before anybody confirms it."""

from typing import Any

from django.urls import reverse

from augmed.foundation.permissions import Verb
from cases.models import Case
from omop import run_panels
from omop.imports import runs
from omop.models import ImportRun
from omop.run_panels import Cell, RunPanel

_KINDS = ("added", "changed", "removed")


def panel(run: ImportRun, user: Any) -> RunPanel | None:
    """The cases of a dry run as its report has them; for who may not view cases only how many there are.

    None where there is none, and where the report was removed. One statement.
    """
    if run.kind != ImportRun.Kind.CHECK or run.status != ImportRun.Status.CHECKED:
        return None
    found = (runs.report_of(run) or {}).get("cases") or {}
    if not (count := found.get("count", 0)):
        return None
    first = found["first"] if user.may(Verb.VIEW_CASES) else []
    cases = {case.number: case for case in Case.objects.filter(number__in={each["number"] for each in first})}
    named = len({each["number"] for each in first})
    return RunPanel(
        title="Cases",
        text=(
            f"Loading these files would change rows that {count:,} case{'s' if count > 1 else ''} could read. Their"
            " snapshots are frozen and stay as they are; a snapshot made anew would take the changes up."
            + (f" The first {named} of them:" if first and named < count else "")
        ),
        columns=("Case", "Table", *(kind.capitalize() for kind in _KINDS)),
        rows=[
            (
                _case(each["number"], cases.get(each["number"])),
                Cell(each["table"]),
                *(Cell(f"{each[kind]:,}") for kind in _KINDS),
            )
            for each in first
        ],
    )


def _case(number: int, case: Case | None) -> Cell:
    if case is None:
        return Cell(str(number))
    return Cell(str(case), reverse("admin:cases_case_change", args=[case.pk]))


def register() -> None:
    """Have a place on the pages of checks."""
    run_panels.register("cases before loading", panel)
