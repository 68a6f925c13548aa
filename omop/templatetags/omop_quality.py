"""Words of the pages on imports and on the quality of the data, as people read them."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from omop import quality
from omop.imports.gate.catalogue import CATALOGUE, Level
from omop.models import CheckOutcome, ImportRun

register = template.Library()

_VERDICTS = {"error": "error", "warning": "warning", "passed": "passed", "not_applicable": "not applicable"}
_DOES = {
    Level.REFUSE: "refuses the files",
    Level.REJECT: "rejects the row",
    Level.WARN: "warns, the row loads",
}


@register.filter
def per_second(run: Any) -> str:
    """Rows of a run in a second, or nothing where it took no time that could be measured."""
    return f"{run.rows / run.seconds:,.0f}" if run.seconds > 0 and run.rows else ""


@register.filter
def question(code: str) -> str:
    """A check in words; one that is no longer asked has its code only."""
    return CATALOGUE[code].question if code in CATALOGUE else f"{code} (no longer asked)"


@register.filter
def category(code: str) -> str:
    return CATALOGUE[code].category.value if code in CATALOGUE else ""


@register.filter
def lines_address(outcome: CheckOutcome) -> str:
    """Where the first lines of a run's files that this check found wrong are; "" where there are none to see.

    By parameters, as the table may be one that nobody knows, or none.
    """
    if not outcome.count or outcome.run.kind == ImportRun.Kind.DATABASE:
        return ""
    asked = {"table": outcome.table, "code": outcome.code, "column": outcome.column}
    return f"{reverse('admin:omop_quality_lines', args=[outcome.run_id])}?{urlencode(asked)}"


@register.filter
def wrong(outcome: CheckOutcome) -> str:
    """How many were wrong, of how many; alone where several may be wrong in one that was asked (columns of a file)."""
    if outcome.count > outcome.checked:
        return f"{outcome.count:,}"
    return f"{outcome.count:,} of {outcome.checked:,}"


@register.filter
def does(level: str) -> str:
    """What a failed check of this level does."""
    return _DOES[Level(level)]


@register.filter
def verdict(outcome: CheckOutcome) -> str:
    """error, warning, passed or not_applicable."""
    return quality.verdict(outcome)


@register.filter
def said(name: str) -> str:
    """A verdict in words."""
    return _VERDICTS[name]
