"""What a review disclosed, in the words of a display configuration: paths with their styles, and texts of advice."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from cases.disclosure import DisclosureContent, PathRules, Style, said_style
from cases.disclosure_content import plain_number
from cases.layouts.page_config import RISK
from cases.models import CaseSnapshot
from cases.tree import Entry, Feature, augmed_path, features, from_json
from experiments.exports.cells import SEPARATOR
from experiments.models import DisclosureSet

Configuration = list[dict[str, Any]]
"""As AugMed's path_config: {path, style?} in order; a style has only what was said."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`configuration` None: nobody can tell any more, as the case was withdrawn."""

    configuration: Configuration | None = None
    advice: tuple[str, ...] = ()

    @property
    def advice_text(self) -> str:
        return SEPARATOR.join(self.advice)


@dataclass(frozen=True, slots=True)
class CaseFeatures:
    """A snapshot's features with their labels, in order; `preferred`: discriminators of advice, the first one first."""

    features: tuple[tuple[Feature, tuple[str, ...]], ...]
    preferred: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: str, path_rules: Mapping[str, Any]) -> CaseFeatures | None:
        """None for a snapshot that was redacted."""
        if not content:
            return None
        names = PathRules.from_json(path_rules).advice_names
        preferred = tuple(discriminator for name in names for discriminator in name.prefer)
        return cls(tuple(features(from_json(json.loads(content)))), preferred)

    def advice(self) -> list[Feature]:
        """Its advice, what the layout prefers first."""
        found = [feature for feature, _ in self.features if feature.role == "advice"]
        ranks = {discriminator: rank for rank, discriminator in enumerate(self.preferred)}
        return sorted(found, key=lambda feature: ranks.get(feature.identity.discriminator, len(ranks)))


def shown_in(case: CaseFeatures | None, content: DisclosureContent) -> Shown:
    """What the set discloses of the case; supplied values are always advice."""
    supplied = tuple(f"{supply.label}: {supply.value}" for supply in content.supplies)
    if case is None:
        return Shown(None, supplied)
    styles = {show.identity: show.style for show in content.shows}
    configuration = [
        _entry(path, styles[feature.identity])
        for feature, labels in case.features
        if feature.identity in styles
        for path in leaf_texts(augmed_path(labels), feature.entries)
    ]
    configuration += [
        _entry(f"{supply.node_key}.{supply.label}: {supply.value}", supply.style) for supply in content.supplies
    ]
    advice = [feature for feature in case.advice() if feature.identity in styles]
    texts = [text for feature in advice for text in leaf_texts(feature.label, feature.entries)]
    return Shown(configuration, (*supplied, *texts))


def leaf_texts(name: str, entries: Iterable[Entry]) -> list[str]:
    """'name: value' for each value, as paths spell it; the name alone where there is none."""
    return [f"{name}: {entry.text}" if entry.text else name for entry in entries] or [name]


def as_written(text: str) -> Configuration:
    """A display configuration as a CSV or AugMed gave it (JSON), with the styles that it says."""
    found = json.loads(text, parse_float=_finite)
    return [_written(entry) for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def advice_recorded(configuration: Configuration) -> tuple[str, ...]:
    """The texts of advice that AugMed's own record of a review spells out."""
    paths = [str(entry.get("path", "")).strip() for entry in configuration]
    return tuple(path[len(RISK) + 1 :] for path in paths if path.startswith(f"{RISK}.") and ":" in path)


def ai_score_shown(shown: Shown, *, recorded: bool, client_data: str) -> bool:
    """What was disclosed decides; of what AugMed disclosed (`recorded`) only its client's word is left."""
    if not recorded:
        return bool(shown.advice)
    said = json.loads(client_data) if client_data else {}
    word = next((said[name] for name in ("ai_score_shown", "aiScoreShown") if name in said), None)
    return bool(shown.advice) if word is None else bool(word)


def _entry(path: str, style: Style) -> dict[str, Any]:
    said = said_style(style)
    return {"path": path, "style": said} if said else {"path": path}


def _written(entry: Mapping[str, Any]) -> dict[str, Any]:
    style = entry.get("style")
    said = {name: value for name, value in style.items() if value is not None} if isinstance(style, dict) else {}
    if "top" in said:
        said["top"] = _number_if_one(said["top"])
    return {"path": entry.get("path"), **({"style": said} if said else {})}


def _number_if_one(value: Any) -> Any:
    """AugMed stored whatever it was sent. What is no number stays as it was, so that a record can always be told."""
    try:
        return plain_number(Decimal(str(value)))
    except (ArithmeticError, ValueError):
        return value


def _finite(text: str) -> float | str:
    """JSON can spell numbers that become infinite, which no JSON can say again."""
    number = float(text)
    return number if math.isfinite(number) else text


Pair = tuple[int, int]
"""Snapshot and disclosure set: what an opening bound."""
_Made = TypeVar("_Made")


class PerOpening(Generic[_Made]):
    """What `make` says of openings, by what they bound. Cases are parsed one after the other, and only what was made
    for the last call is kept, so that memory does not grow. Two statements a call, none where all is known."""

    def __init__(self, make: Callable[[CaseFeatures | None, DisclosureContent], _Made]) -> None:
        self._make = make
        self._made: dict[Pair, _Made] = {}

    def of(self, pairs: Iterable[tuple[int | None, int | None]]) -> dict[Pair, _Made]:
        wanted = {(snapshot, shown) for snapshot, shown in pairs if snapshot is not None and shown is not None}
        made = {pair: self._made[pair] for pair in wanted if pair in self._made}
        lacking: dict[int, list[int]] = defaultdict(list)
        for snapshot, shown in wanted - made.keys():
            lacking[snapshot].append(shown)
        if lacking:
            contents = _contents({shown for sets in lacking.values() for shown in sets})
            for snapshot, case in _cases(lacking):
                made |= {(snapshot, shown): self._make(case, contents[shown]) for shown in lacking[snapshot]}
        self._made = made
        return made


def _cases(pks: Iterable[int]) -> Iterator[tuple[int, CaseFeatures | None]]:
    rows = CaseSnapshot.objects.filter(pk__in=list(pks)).order_by()
    for pk, content, rules in rows.values_list("pk", "content", "layout_version__path_rules").iterator(chunk_size=20):
        yield pk, CaseFeatures.of(content, rules or {})


def _contents(pks: Iterable[int]) -> dict[int, DisclosureContent]:
    rows = DisclosureSet.objects.filter(pk__in=list(pks)).order_by().values_list("pk", "content")
    return {pk: DisclosureContent.from_json(json.loads(content)) for pk, content in rows.iterator(chunk_size=20)}
