"""Keys for questions that come without: made from their words, and the same for the same question ever after."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import count

from experiments.attention import CHECK_KEY

LONGEST_KEY = 80
_NOT_OF_A_KEY = re.compile(r"[^a-z0-9]+")


def keys_for(asked: Sequence[tuple[str, str]], known: Iterable[tuple[str, str, str]]) -> list[str]:
    """A key for each (text, type) asked. `known`: (text, type, key) of the questions there were, the oldest first.

    A question that was there keeps its key, since answers and the reference standard know it by that. Another type is
    another question: what was a text cannot be counted as a choice."""
    listed = list(known)
    keys = {(text, kind): key for text, kind, key in reversed(listed)}
    taken = {key for _, _, key in listed} | {CHECK_KEY}
    for question in asked:
        if question not in keys:
            key = _free(_slug(question[0]), taken)
            taken.add(key)
            keys[question] = key
    return [keys[question] for question in asked]


def _free(wanted: str, taken: set[str]) -> str:
    if wanted not in taken:
        return wanted
    numbered = (f"{wanted[: LONGEST_KEY - len(end)]}{end}" for end in (f"-{number}" for number in count(2)))
    return next(key for key in numbered if key not in taken)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_OF_A_KEY.sub("-", plain).strip("-")[:LONGEST_KEY].rstrip("-") or "question"
