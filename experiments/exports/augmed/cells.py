"""The cells of one row that come from the case: which features were shown, and what the case holds of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cases.disclosure import DisclosureContent, Supply
from cases.tree import Entry, Feature, Identity
from experiments.exports.cells import SEPARATOR
from experiments.exports.shown import CaseFeatures

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CaseCells:
    """`shown`: None where nobody can tell any more, as the case was withdrawn."""

    age: str | None = None
    gender: str | None = None
    shown: Sequence[bool | None] = ()
    values: Sequence[str | None] = ()
    score: str | None = None


@dataclass(frozen=True, slots=True)
class CellMaker:
    """`identities`: of the feature columns; `undisclosed`: also what was not shown is told; `visible`: nothing but
    these is (None: no limit), where a value that is there or not would tell the arm."""

    identities: Sequence[Identity]
    age: frozenset[str]
    gender: frozenset[str]
    undisclosed: bool
    visible: frozenset[Identity] | None = None

    def make(self, case: CaseFeatures | None, content: DisclosureContent) -> CaseCells:
        """Of a case of ours, under the set that a review bound."""
        if case is None:
            return CaseCells(shown=[None] * len(self.identities), values=[None] * len(self.identities))
        shown = {show.identity for show in content.shows}
        held = {feature.identity: feature for feature, _ in case.features}
        told = held if self.undisclosed else {key: held[key] for key in held if key in shown and self._is_visible(key)}
        return CaseCells(
            age=_number_or_text(_first(told, self.age)),
            gender=_text(_first(told, self.gender)),
            shown=[identity in shown and identity in held for identity in self.identities],
            values=[_text(told.get(identity)) for identity in self.identities],
            score=self._score(case, content, shown),
        )

    def recorded(self, read: Mapping[Identity, tuple[str, str]], advice: Sequence[str]) -> CaseCells:
        """Of a review that AugMed recorded: there is no more than its record."""
        values = [read[identity][1] if identity in read else None for identity in self.identities]
        score = _number_in(advice[0].partition(":")[2].strip()) if advice else None
        return CaseCells(shown=[identity in read for identity in self.identities], values=values, score=score)

    def _is_visible(self, identity: Identity) -> bool:
        return self.visible is None or identity in self.visible

    def _score(self, case: CaseFeatures, content: DisclosureContent, shown: set[Identity]) -> str | None:
        """A supplied value before the case's own; of several the one that the layout prefers."""
        given: list[Supply] = list(content.supplies)
        if given:
            return _number_in(given[0].value)
        advice = case.advice()
        told = [feature for feature in advice if feature.identity in shown] or (advice if self.undisclosed else [])
        return _number_or_text(told[0]) if told else None


def _first(told: Mapping[Identity, Feature], keys: frozenset[str]) -> Feature | None:
    return next((feature for identity, feature in told.items() if identity.node_key in keys), None)


def _text(feature: Feature | None) -> str | None:
    return None if feature is None else SEPARATOR.join(entry.text for entry in feature.entries)


def _number_or_text(feature: Feature | None) -> str | None:
    if feature is None or not feature.entries:
        return None
    entry: Entry = feature.entries[0]
    return entry.number if entry.number is not None else _number_in(entry.text)


def _number_in(text: str) -> str:
    """The number that a text begins with, if it is all but a unit ('7', '12 %'); else the text."""
    found = _NUMBER.match(text)
    rest = text[found.end() :].strip() if found else text
    return found.group() if found and (not rest or rest == "%") else text
