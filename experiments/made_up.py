"""Made-up cases: a tree with invented values under a layout, for looking at a study without any patient's data. Pure.

A layout says where values come from; what is put there is made up here, the same each time. Names of findings (of a
measurement, a diagnosis) are taken from the study only where `Named` says so; the caller sees to it that no name leads
to a patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256

from augmed.foundation.canonical import canonical_decimal
from cases.disclosure import Show
from cases.tree import SCHEMA_VERSION, Entry, Feature, Identity, Kind, ModelOutput, Node, Tree, drop_empty
from cases.value_text import ValueClass, compose_text, format_number, map_number

EXAMPLE = "t:example"
_DATES = ("2026-01-12", "2026-02-09", "2026-03-16")


@dataclass(frozen=True, slots=True)
class MadeUpWords:
    """What stands where a text would, in the reader's language."""

    example: str = "example"
    text: str = "Made-up entry"
    finding: str = "Made-up finding"
    note: str = "This is a made-up note. In the study, the text of a note stands here."
    gender: str = "female"
    model: str = "Example model"
    caveat: str = "Made-up advice; in the study, the model's own caveat stands here."


@dataclass(frozen=True, slots=True)
class LayoutPlace:
    """A node of a layout: `level` section, category or feature; `splits`: each finding below it is a feature;
    `is_coded`: its entries are names of findings. Unit, decimals and bounds are those of its values, if it has any."""

    key: str
    parent: str | None
    label: str
    level: str
    source: str = ""
    demographic: str = ""
    unit: str = ""
    decimals: int | None = None
    low: str | None = None
    high: str | None = None
    shows_range: bool = True
    classes: tuple[ValueClass, ...] = ()
    is_coded: bool = False
    splits: bool = False
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A finding that may be named: a feature found in the study's cases."""

    identity: Identity
    label: str


def made_up_tree(
    places: Sequence[LayoutPlace], named: Iterable[Named] = (), *, number: int = 1, words: MadeUpWords | None = None
) -> Tree:
    """A case with something in every place. `number` tells one made-up case from the next."""
    maker = _Maker(tuple(places), tuple(named), number, words or MadeUpWords())
    sections = tuple(maker.node(place) for place in places if place.parent is None and place.level == "section")
    return drop_empty(Tree(SCHEMA_VERSION, sections))


def made_up_shows(tree_features: Iterable[Identity], shows: Sequence[Show]) -> tuple[Show, ...]:
    """What of a made-up case is shown where `shows` is what of real ones: a named finding as it is; one that stands for
    the findings of its place where any of them is shown, and as the first of them."""
    exact = {show.identity: show for show in shows}
    first: dict[str, Show] = {}
    for show in shows:
        first.setdefault(show.node_key, show)
    made = []
    for identity in tree_features:
        if identity in exact:
            made.append(exact[identity])
        elif identity.discriminator in ("", EXAMPLE) and identity.node_key in first:
            made.append(replace(first[identity.node_key], discriminator=identity.discriminator))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Maker:
    places: tuple[LayoutPlace, ...]
    named: tuple[Named, ...]
    number: int
    words: MadeUpWords

    def node(self, place: LayoutPlace) -> Node:
        children: list[Node | Feature] = []
        for below in self.places:
            if below.parent != place.key:
                continue
            if below.level == "feature":
                children += self.features(below)
            else:
                children.append(self.node(below))
        level = "section" if place.level == "section" else "category"
        return Node(place.key, place.label, level, tuple(children))  # type: ignore[arg-type]

    def features(self, place: LayoutPlace) -> list[Feature]:
        if not place.splits:
            return [self.feature(place, Identity(place.key, ""), place.label)]
        found = [one for one in self.named if one.identity.node_key == place.key]
        if found:
            return [self.feature(place, one.identity, one.label) for one in found]
        return [self.feature(place, Identity(place.key, EXAMPLE), f"{place.label} ({self.words.example})")]

    def feature(self, place: LayoutPlace, identity: Identity, label: str) -> Feature:
        kind, entries = self.entries(place, identity)
        role = "advice" if place.is_advice else "clinical"
        return Feature(*identity, label, kind, role, entries)  # type: ignore[arg-type]

    def entries(self, place: LayoutPlace, identity: Identity) -> tuple[Kind, tuple[Entry, ...]]:
        if place.is_advice:
            return "text", (self.advice(identity),)
        if place.demographic:
            return "text", (self.demographic(place.demographic),)
        if place.is_coded:
            return "coded", (Entry(self.words.finding),)
        if place.source == "measurement":
            return "series", tuple(self.measurement(place, identity, at) for at in range(len(_DATES)))
        if place.source == "note":
            return "note", (Entry(self.words.note, date=_DATES[0]),)
        return "text", (Entry(self.words.text),)

    def advice(self, identity: Identity) -> Entry:
        share = 10 + self.drawn(identity, 60)
        return Entry(f"{share} %", model=ModelOutput(self.words.model, "1", _DATES[-1], self.words.caveat))

    def demographic(self, what: str) -> Entry:
        if what == "age":
            age = 40 + self.drawn(Identity("age", ""), 45)
            return Entry(str(age), number=str(age))
        return Entry(self.words.gender if what == "gender" else self.words.text)

    def measurement(self, place: LayoutPlace, identity: Identity, at: int) -> Entry:
        number = _value(place, 20 + self.drawn(identity, 46) + 7 * at)
        text = map_number(number, place.classes)
        if text is not None:
            return Entry(text, date=_DATES[at])
        low, high = (place.low, place.high) if place.shows_range else (None, None)
        said = compose_text(format_number(number, place.decimals), unit=place.unit)
        return Entry(said, number=number, unit=place.unit or None, low=low, high=high, date=_DATES[at])

    def drawn(self, identity: Identity, below: int) -> int:
        """The same number each time for this place and case: nothing here is random."""
        digest = sha256(f"{self.number}/{identity.node_key}/{identity.discriminator}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % below


def _value(place: LayoutPlace, percent: int) -> str:
    """So far through the range of the place: an invented value is no finding. Without a range it is a small number."""
    known = [Decimal(bound) for bound in (place.low, place.high) if bound is not None]
    low, high = known if len(known) == 2 else (Decimal(5), Decimal(14))
    if len(known) == 1:
        [bound] = known
        width = abs(bound) / 2 or Decimal(1)
        low, high = (bound - width, bound) if place.low is None else (bound, bound + width)
    exact = low + (high - low) * percent / 100
    fine = max(-_exponent(bound) for bound in known) if known else 1
    number = round(exact, fine if place.decimals is None else place.decimals)
    return canonical_decimal(number if low <= number <= high else exact)


def _exponent(bound: Decimal) -> int:
    exponent = bound.normalize().as_tuple().exponent
    return min(exponent, 0) if isinstance(exponent, int) else 0
