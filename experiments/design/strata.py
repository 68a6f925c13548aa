"""The stratum of a person: from the roster, or from what the study asks its readers about themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from augmed.foundation.canonical import canonical_json
from augmed.foundation.errors import Invalid
from experiments.models import Experiment, Question
from experiments.models.querysets import intake_versions


def stratum_of(names: Sequence[str], known: Mapping[str, Any], asked: frozenset[str] = frozenset()) -> str:
    """Canonical JSON of the stratifying attributes; "" when there are none, and while one of them is still to be
    `asked`. Invalid names those that nobody knows and nobody asks."""
    if not names:
        return ""
    values = {name: _attribute(known.get(name)) for name in names if name not in asked}
    if unknown := [name for name, value in values.items() if not value]:
        raise Invalid(
            f"The roster does not say this person's {', '.join(unknown)}, by which the study is stratified.",
            code="stratum_unknown",
            errors={f"intake.{name}": ["This attribute is needed."] for name in unknown},
        )
    return canonical_json(values) if len(values) == len(names) else ""


def asked_in_intake(experiment: Experiment) -> frozenset[str]:
    """The keys of the questions about the reader: those in force, or of the working design before activation. One
    query."""
    if experiment.intake_questionnaire_id is None and experiment.protocol_id is None:
        return frozenset()
    versions = intake_versions(experiment.pk, in_force=experiment.protocol_id is not None)
    questions = Question.objects.filter(version__in=versions.values("pk")[:1]).order_by()
    return frozenset(questions.values_list("key", flat=True))


def _attribute(value: Any) -> str:
    """An attribute as text; zero is a value."""
    return "" if value is None else str(value).strip()
