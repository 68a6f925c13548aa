"""Each question of a form as its control shows it. No database here.

Study texts come through `texts` in the reader's language; the values of choices stay the study's own words, which is
what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.utils.formats import get_format, number_format
from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_decimal
from experiments.answers import (
    LONGEST_TEXT,
    NUMERIC,
    CanonicalAnswer,
    Problem,
    QuestionDefinition,
    canonical_answer,
)
from experiments.screens.answering.said import said, shown, unit_of
from experiments.screens.answering.written import PREFIX, Value, number_as_written

Kind = Literal["text", "paragraph", "choice", "choices", "scale", "slider", "number", "date"]
Texts = Callable[[str], str]

MOST_STEPS_AS_BUTTONS = 11
_KINDS: dict[str, Kind] = {
    "short_text": "text",
    "paragraph": "paragraph",
    "single_choice": "choice",
    "multiple_choice": "choices",
    "probability": "slider",
    "number": "number",
    "date": "date",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` is stored, `label` is shown."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Control:
    """One question as its control shows it. `first`: what was answered at the stage before; `given`: what is answered
    now, both as texts to read. `changed`: None while there is nothing to compare."""

    key: str
    id: str
    name: str
    kind: Kind
    template: str
    text: str
    help: str
    hint: str
    required: bool
    unit: str
    low_label: str
    high_label: str
    low: str
    high: str
    step: str
    inputmode: str
    longest: int | None
    value: str
    choices: tuple[Choice, ...]
    error: str
    given: tuple[str, ...]
    first: tuple[str, ...] | None
    first_values: str
    changed: bool | None

    @property
    def is_group(self) -> bool:
        """Several inputs under one question: a fieldset with a legend."""
        return self.kind in ("choice", "choices", "scale")

    @property
    def anchor(self) -> str:
        """The id of what takes the focus."""
        return self.choices[0].id if self.is_group else self.id

    @property
    def ends(self) -> tuple[str, ...]:
        """The lowest and the highest number, as the page's language writes them."""
        return tuple(number_format(Decimal(end)) if end else "" for end in (self.low, self.high))

    @property
    def described_by(self) -> str:
        """The ids of what describes the control."""
        parts = {"help": self.help or self.hint, "ends": self.low_label or self.high_label, "error": self.error}
        parts["first"] = "" if self.first is None else "yes"
        return " ".join(f"{self.id}-{name}" for name, there in parts.items() if there)


def control(
    question: QuestionDefinition, texts: Texts, value: Value, problem: Problem | None, first: CanonicalAnswer | None
) -> Control:
    kind = _kind(question)
    identifier = f"q-{question.key}"
    low, high = (canonical_decimal(bound) if bound is not None else "" for bound in question.bounds)
    answered = _canonical(question, value)
    return Control(
        key=question.key,
        id=identifier,
        name=PREFIX + question.key,
        kind=kind,
        template=f"screens/answering/controls/{kind}.html",
        text=texts(question.text),
        help=texts(question.help) if question.help else "",
        hint=_hint(question, kind),
        required=question.required,
        unit=unit_of(question, texts),
        low_label=texts(question.low_label) if question.low_label else "",
        high_label=texts(question.high_label) if question.high_label else "",
        low=low,
        high=high,
        step=_step(question),
        inputmode=_inputmode(question),
        longest=LONGEST_TEXT.get(question.type),
        value=value if isinstance(value, str) else "",
        choices=_choices(question, kind, texts, value, identifier),
        error=said(problem) if problem else "",
        given=shown(question, answered, texts),
        first=None if first is None else shown(question, first, texts),
        first_values="" if first is None else json.dumps(_as_typed(question, first)),
        changed=None if first is None or answered is None else answered != first,
    )


def _as_typed(question: QuestionDefinition, answer: CanonicalAnswer) -> list[str]:
    """What a script writes into the form to keep the answer, and compares with what stands there."""
    if isinstance(answer, list):
        return answer
    mark = get_format("DECIMAL_SEPARATOR") if question.type == "number" else "."  # a slider writes a point
    return [answer.replace(".", mark) if question.type in NUMERIC else answer]


def _canonical(question: QuestionDefinition, value: Value) -> CanonicalAnswer | None:
    """Of an answer as it is stored, or of what stands in the form."""
    try:
        return canonical_answer(question, value)
    except ValueError:
        pass
    if question.type not in NUMERIC or not isinstance(value, str):
        return None
    try:
        return canonical_answer(question, number_as_written(question, value))
    except ValueError:
        return None


def _kind(question: QuestionDefinition) -> Kind:
    if question.type == "scale":
        return "scale" if 2 <= len(_steps(question)) <= MOST_STEPS_AS_BUTTONS else "slider"
    return _KINDS[question.type]


def _steps(question: QuestionDefinition) -> Sequence[str]:
    """The values of a scale, as far as they can be counted on buttons."""
    low, high = question.bounds
    if low is None or high is None or question.places is None:
        return ()
    width = Decimal(1).scaleb(-question.places)
    count = int((high - low) / width) + 1
    if count > MOST_STEPS_AS_BUTTONS or low % width:
        return ()
    return tuple(canonical_decimal(low + width * at) for at in range(count))


def _step(question: QuestionDefinition) -> str:
    """One step of a slider: fine enough for what is accepted, and at most about a hundred of them where any number
    is."""
    if question.places is not None:
        return canonical_decimal(Decimal(1).scaleb(-question.places))
    low, high = question.bounds
    if question.type != "scale" or low is None or high is None or high - low >= 20:
        return "1"
    return "0.1" if high - low >= 2 else "0.01"


def _inputmode(question: QuestionDefinition) -> str:
    """Telephones' number pads have no minus."""
    low = question.bounds[0]
    if low is None or low < 0:
        return "text"
    return "numeric" if question.places == 0 else "decimal"


def _hint(question: QuestionDefinition, kind: Kind) -> str:
    if kind != "number":
        return ""  # a slider's ends say it
    low, high = (number_format(Decimal(canonical_decimal(b))) if b is not None else "" for b in question.bounds)
    if low and high:
        return _("From %(low)s to %(high)s") % {"low": low, "high": high}
    if low:
        return _("At least %(low)s") % {"low": low}
    return _("At most %(high)s") % {"high": high} if high else ""


def _choices(
    question: QuestionDefinition, kind: Kind, texts: Texts, value: Value, identifier: str
) -> tuple[Choice, ...]:
    if kind == "scale":
        chosen = {_canonical(question, value)}
        pairs: Iterable[tuple[str, str]] = [(step, number_format(Decimal(step))) for step in _steps(question)]
    elif kind in ("choice", "choices"):
        chosen = {value} if isinstance(value, str) else set(value)
        pairs = [(option, texts(option)) for option in question.options]
    else:
        return ()
    made = [
        Choice(f"{identifier}-{at}", option, label, option in chosen) for at, (option, label) in enumerate(pairs, 1)
    ]
    if kind != "choices" and not question.required:
        # A radio button once chosen cannot be let go of.
        made.append(Choice(f"{identifier}-none", "", _("No answer"), not any(choice.chosen for choice in made)))
    return tuple(made)
