"""One thing that stands against activating or amending a study."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActivationProblem:
    """`code` for programs, `message` for people; a `confirmable` one may be accepted by the researcher."""

    code: str
    message: str
    confirmable: bool = False
