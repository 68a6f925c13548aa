"""Attention checks: when one is asked, where it stands among the questions, and whether it was answered rightly.

Pure functions. Participants are told of a check what they are told of any question, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.answers import CanonicalAnswer, QuestionDefinition, canonical_answer

CHECK_KEY = "one-more"
"""The key of every check among the questions. It is reserved, and it must not tell participants what it stands for:
whoever looks at what their browser receives reads it."""

EVERY = 10
TEXT = "Attention Check – please read carefully and select 'All of the above' below"
OPTIONS = (
    "I wasn’t really reading",
    "I’m just clicking through",
    "I prefer not to answer",
    "All of the above",
)
RIGHT_ANSWER = OPTIONS[-1]
OTHER_LANGUAGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "de": (
        "Aufmerksamkeitsprüfung – bitte lesen Sie genau und wählen Sie unten „Alles davon“",
        ("Ich habe nicht richtig gelesen", "Ich klicke nur weiter", "Ich möchte nicht antworten", "Alles davon"),
    ),
    "fr": (
        "Contrôle d’attention : veuillez lire attentivement et choisir « Tout cela » ci-dessous",
        ("Je n’ai pas vraiment lu", "Je ne fais que cliquer", "Je préfère ne pas répondre", "Tout cela"),
    ),
    "es": (
        "Control de atención: lea con cuidado y elija «Todo lo anterior» más abajo",
        ("No estaba leyendo de verdad", "Solo estoy haciendo clic", "Prefiero no responder", "Todo lo anterior"),
    ),
}
"""The check in the other languages in which a study can be written: the text and the options, the right one last."""


@dataclass(frozen=True, slots=True)
class Check:
    """One version of a check. `place`: its number among the questions, from 1; None: after the last one."""

    pk: int
    place: int | None
    text: str
    options: tuple[str, ...]
    right_answer: str

    @property
    def question(self) -> QuestionDefinition:
        return QuestionDefinition(key=CHECK_KEY, type="single_choice", text=self.text, options=self.options)


def is_due(every: int | None, *, position: int, stage_position: int) -> bool:
    """Whether the assignment at this place in its reader's order asks a check at this stage: every n-th one does, at
    its first stage alone, as a second reading of a case is compared with the first."""
    return every is not None and stage_position == 1 and position % every == 0


def with_check(questions: Sequence[QuestionDefinition], check: Check) -> tuple[QuestionDefinition, ...]:
    """The questions in order, with the check at its place; where there are fewer, after the last."""
    before = len(questions) if check.place is None else min(check.place - 1, len(questions))
    return (*questions[:before], check.question, *questions[before:])


def has_passed(check: Check, answer: CanonicalAnswer) -> bool:
    """Whether a canonical answer is the right one."""
    return answer == canonical_answer(check.question, check.right_answer)
