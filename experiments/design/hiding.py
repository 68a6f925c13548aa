"""Stages that hide what they show until it is asked for: what of it a protocol freezes, and what is odd about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from augmed.foundation.canonical import canonical_decimal
from cases.disclosure import DisclosureContent
from cases.tree import Identity
from experiments.design.problems import ActivationProblem
from experiments.models import Arm, Stage


def hiding_fields(stage: Stage) -> dict[str, Any]:
    return {name: getattr(stage, name) for name in ("hidden_until_asked", "reveal_cost", "reveal_cost_unit")}


def hiding_content(stage: Stage) -> dict[str, Any]:
    """Its part of a protocol's content; empty where the stage hides nothing."""
    if not stage.hidden_until_asked:
        return {}
    cost = None if stage.reveal_cost is None else canonical_decimal(stage.reveal_cost)
    return {"hidden_until_asked": {"cost": cost, "unit": stage.reveal_cost_unit}}


def hiding_problems(arms: Sequence[Arm]) -> Iterator[ActivationProblem]:
    for arm in arms:
        seen: set[Identity] = set()
        for stage in sorted(arm.stages.all(), key=lambda stage: stage.position):
            hidden, open_ = _shown(stage)
            place = f"Arm '{arm.name}', stage {stage.position}"
            if seen & hidden:
                message = f"{place} hides until asked what the stage before it shows at once."
                yield ActivationProblem("hides_what_was_shown", message, confirmable=True)
            if stage.hidden_until_asked and open_ and not hidden:
                message = f"{place} is to hide until asked, but everything that it shows is pinned."
                yield ActivationProblem("nothing_to_ask_for", message, confirmable=True)
            seen |= open_


def _shown(stage: Stage) -> tuple[set[Identity], set[Identity]]:
    """What the stage shows: hidden until asked, and at once."""
    if stage.disclosure_set is None:
        return set(), set()
    content = DisclosureContent.from_json(json.loads(stage.disclosure_set.content))
    entries = content.entries
    hidden = {entry.identity for entry in entries if stage.hidden_until_asked and entry.style.top is None}
    return hidden, {entry.identity for entry in entries} - hidden
