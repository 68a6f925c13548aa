"""The columns of attention checks in the table of reviews, and what the codebook says of each check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from experiments.attention import CHECK_KEY
from experiments.exports.cells import Column
from experiments.models import AttentionCheck

CHECK_COLUMNS = (
    Column(
        "attention_check",
        "integer",
        f"Version of the attention check among the questions, in file events {CHECK_KEY!r}; empty: none was asked.",
    ),
    Column("attention_check_answer", "text", "The option that was chosen; empty: not answered, or erased."),
    Column("attention_check_passed", "boolean", "Whether it is the right one; empty: not answered, or erased."),
)


def check_values(number: int | None, given: Sequence[Sequence[Any]]) -> list[Any]:
    """Of one review. `given`: at most one row of submission, canonical answer, passed."""
    for _, value, passed in given:
        if value:
            return [number, json.loads(value), passed]
    return [number, None, None]


def checks_content(checks: Sequence[AttentionCheck]) -> list[dict[str, Any]]:
    """For codebook.json: every version, the first one first. `every` null: it was switched off by this version."""
    names = ("number", "every", "place", "text", "options", "right_answer")
    return [{name: getattr(check, name) for name in names} for check in checks]
