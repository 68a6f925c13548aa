"""What a protocol version froze, as plain values: read from, and written to, its canonical JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from augmed.foundation.canonical import sha256_hex
from experiments.models import AttentionCheck, Experiment, ProtocolVersion
from experiments.randomization import RULE_VERSIONS

CONTENT_VERSION = 2
"""2 names the attention check. What a study may leave out (hiding until asked, languages, an intake) is named only
where it is used, so that the content of others stays as it is."""


@dataclass(frozen=True)
class FrozenArm:
    key: str
    weight: int
    stage_count: int


@dataclass(frozen=True)
class FrozenProtocol:
    """The part of a protocol version that allocation and enrolment go by.

    `phase` is the number of the protocol version that last changed the rule, arms, weights, blocks or strata: within a
    phase the blocks go on, a new phase begins new ones. `cases` are primary keys in list order."""

    number: int
    sha256: str
    rule: str
    rule_version: int
    phase: int
    arms: tuple[FrozenArm, ...]
    block_multiples: tuple[int, ...]
    case_order: str
    person_once: bool
    strata: tuple[str, ...]
    consent_required: bool
    withdrawal_policy: str
    cases: tuple[int, ...]

    @classmethod
    def of(cls, version: ProtocolVersion) -> FrozenProtocol:
        content = json.loads(version.content)
        allocation = content["allocation"]
        arms = [FrozenArm(arm["key"], arm["weight"], len(arm["stages"])) for arm in content["arms"]]
        return cls(
            number=version.number,
            sha256=version.sha256,
            rule=allocation["rule"],
            rule_version=allocation["rule_version"],
            phase=allocation["phase"],
            arms=tuple(arms),
            block_multiples=tuple(allocation["block_multiples"]),
            case_order=allocation["case_order"],
            person_once=allocation["person_once"],
            strata=tuple(allocation["strata"]),
            consent_required=content["consent_required"],
            withdrawal_policy=content["withdrawal_policy"],
            cases=tuple(case["id"] for case in content["cases"]),
        )

    @property
    def stage_counts(self) -> dict[str, int]:
        """Number of stages by arm key."""
        return {arm.key: arm.stage_count for arm in self.arms}


def allocation_content(experiment: Experiment, arms: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """The allocation part of a protocol's content; it keeps the phase of the version before unless the blocks change.

    The seed itself is not in it, only its hash: whoever may read a protocol may not foretell the draws."""
    allocation = {
        "rule": experiment.allocation_rule,
        "rule_version": RULE_VERSIONS[experiment.allocation_rule],
        "seed_sha256": sha256_hex(experiment.seed),
        "case_order": experiment.case_order,
        "block_multiples": sorted(set(experiment.block_multiples)),
        "strata": experiment.strata,
        "person_once": experiment.person_once,
        "phase": number,
    }
    if experiment.protocol is not None:
        before = json.loads(experiment.protocol.content)
        if _blocks(allocation, arms) == _blocks(before["allocation"], before["arms"]):
            allocation["phase"] = before["allocation"]["phase"]
    return allocation


def attention_check_content(check: AttentionCheck | None) -> dict[str, Any] | None:
    """The attention check's part of a protocol's content; None where none is asked."""
    if check is None or check.every is None:
        return None
    return {name: getattr(check, name) for name in ("number", "every", "place", "text", "options", "right_answer")}


def _blocks(allocation: dict[str, Any], arms: list[dict[str, Any]]) -> tuple[Any, ...]:
    """What the blocks are made of."""
    kept = [allocation[name] for name in ("rule", "rule_version", "block_multiples", "strata")]
    return kept, sorted((arm["key"], arm["weight"]) for arm in arms)
