"""How a value becomes the text that a reader sees, and a label the name that a feature is known by.

Pure rules; which of them applies where is data of a layout node.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Literal

from augmed.foundation.canonical import canonical_decimal, sha256_hex

LABEL_SEPARATOR = ": "
LONGEST_DISCRIMINATOR_LABEL = 120
_WIDE = Context(prec=1000)

Comparison = Literal["equals", "truncates_to", "at_least", "less_than"]


@dataclass(frozen=True, slots=True)
class ValueClass:
    """One line of a value map: the text shown instead of a number that compares so with `value`.

    `truncates_to` compares the number without its decimals, so 22.9 truncates to 22.
    """

    comparison: Comparison
    value: str
    text: str

    def __post_init__(self) -> None:
        if self.comparison not in ("equals", "truncates_to", "at_least", "less_than"):
            raise ValueError(f"unknown comparison {self.comparison!r}")
        canonical_decimal(self.value)

    def holds(self, number: Decimal) -> bool:
        bound = Decimal(self.value)
        if self.comparison == "equals":
            return number == bound
        if self.comparison == "truncates_to":
            return number.to_integral_value(ROUND_DOWN) == bound
        return number >= bound if self.comparison == "at_least" else number < bound


def map_number(number: Decimal | int | str, classes: Iterable[ValueClass]) -> str | None:
    """Return the text of the first class that holds, or None when none does. Zero is a value like others."""
    value = Decimal(canonical_decimal(number))
    return next((line.text for line in classes if line.holds(value)), None)


def format_number(number: Decimal | int | str, decimals: int | None = None, *, truncate: bool = False) -> str:
    """Return the number with exactly `decimals` places (half away from zero, or cut off when `truncate`).

    Without `decimals` all places are kept and trailing zeros dropped. A zero never has a sign.
    """
    text = canonical_decimal(number)
    if decimals is None:
        return text
    rounding = ROUND_DOWN if truncate else ROUND_HALF_UP
    rounded = Decimal(text).quantize(Decimal(1).scaleb(-decimals), rounding=rounding, context=_WIDE)
    return format(abs(rounded) if rounded.is_zero() else rounded, "f")


def compose_text(value: str, *, operator: str = "", unit: str = "", qualifier: str = "") -> str:
    """Return 'qualifier : operator value unit' without what is empty. An empty value gives an empty text."""
    if value == "":
        return ""
    text = " ".join(part for part in (operator, value, unit) if part)
    return f"{qualifier} : {text}" if qualifier else text


def range_text(low: str | None, high: str | None, unit: str = "") -> str:
    """Return a reference range as text: '3.5 to 5', 'at least 3.5', 'at most 5', or '' when there is none."""
    if low is None and high is None:
        return ""
    if high is None:
        text = f"at least {low}"
    elif low is None:
        text = f"at most {high}"
    else:
        text = f"{low} to {high}"
    return f"{text} {unit}" if unit else text


def split_label(text: str, separator: str = LABEL_SEPARATOR) -> tuple[str, str]:
    """Split 'Fatigue: Yes' into ('Fatigue', 'Yes') at the first separator.

    A text without one, or with nothing before it, is all label and has an empty value.
    """
    label, found, value = text.partition(separator)
    if not found or not label.strip():
        return text.strip(), ""
    return label.strip(), value.strip()


def normalise_label(label: str) -> str:
    """Return the label without differences of case, width, composition and white space."""
    text = label
    while (step := " ".join(unicodedata.normalize("NFKC", text.casefold()).split())) != text:
        text = step
    return text


def concept_discriminator(concept_id: int) -> str:
    """Return the discriminator of a feature that stands for one concept below its node."""
    return f"c:{concept_id}"


def text_discriminator(label: str) -> str:
    """Return the discriminator of a feature known by a label split from text.

    Long labels are cut and told apart by their hash, so that the result always fits its column.
    """
    name = normalise_label(label)
    if len(name) > LONGEST_DISCRIMINATOR_LABEL:
        name = f"{name[: LONGEST_DISCRIMINATOR_LABEL - 20]}~{sha256_hex(name)[:16]}"
    return f"t:{name}"
