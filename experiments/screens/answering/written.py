"""What a form sends back, as it was filled in: values by question key, and numbers as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.http import QueryDict

from experiments.answers import NUMERIC, QuestionDefinition

Value = str | Sequence[str]

PREFIX = "q."
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+)", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def values_from_post(definitions: Sequence[QuestionDefinition], posted: QueryDict) -> dict[str, Value]:
    """What was filled in, by question key, as `answers.validate` takes it. What is blank is left out."""
    values: dict[str, Value] = {}
    for question in definitions:
        name = PREFIX + question.key
        if question.type == "multiple_choice":
            value: Value = [item for item in posted.getlist(name) if item]
        else:
            value = posted.get(name, "")
            if question.type in NUMERIC:
                value = number_as_written(value)
        if value and (not isinstance(value, str) or value.strip()):
            values[question.key] = value
    return values


def number_as_written(text: str) -> str:
    """A number as people write it, with a point: `12,5` and `20 %` are understood. A comma that could as well part
    thousands (`1,200`) is left, and so refused: nobody's answer becomes another number unseen."""
    text = text.strip().removesuffix("%").rstrip().replace("\u2212", "-")
    if (written := _DECIMAL_COMMA.fullmatch(text)) and not _THOUSANDS.fullmatch(text):
        return f"{written[1]}.{written[2]}"
    return text
