"""What the case page shows of a disclosed tree, worked out for its templates. Pure: nothing is added to what is there.

`case_page(disclosed)` takes the disclosed tree as parsed JSON. Every text of the result is in it, but for labels that
the study has translated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cases.tree import feature_key
from experiments.screens.reading.entries import ShownEntry, ShownSource, shown_entry, when

Shape = Literal["value", "text", "list", "note", "none", "hidden"]
Texts = Callable[[str], str]

AT_ONCE = 5
"""So many entries of a long list stand open; the rest is folded."""


@dataclass(frozen=True, slots=True)
class ShownFeature:
    """A feature. `number` counts the features of the case page from 1; `first` is the value that a row shows (of a
    course the latest); `sources` are told at the last of neighbours that share them; `note` is said beside the label
    where two cases are compared."""

    key: str
    number: int
    label: str
    shape: Shape
    advice: bool
    marked: bool
    folded: bool
    is_course: bool
    entries: tuple[ShownEntry, ...]
    first: ShownEntry | None
    sources: tuple[ShownSource, ...]
    above: tuple[str, ...]
    note: str = ""

    @property
    def at_once(self) -> tuple[ShownEntry, ...]:
        """A single entry is not folded away: it takes the place of the fold."""
        return self.entries if len(self.entries) <= AT_ONCE + 1 else self.entries[:AT_ONCE]

    @property
    def more(self) -> tuple[ShownEntry, ...]:
        return self.entries[len(self.at_once) :]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring features of a heading that are shown together: advice is set apart."""

    advice: bool
    features: tuple[ShownFeature, ...]

    @property
    def is_heading(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class ShownNode:
    """A heading with what is below it, in order: runs of features, and headings. `depth` is 2 for a section."""

    key: str
    label: str
    anchor: str
    depth: int
    children: tuple[Run | ShownNode, ...]

    @property
    def is_heading(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class CasePage:
    """All that a case page shows. `charts` is the address below which the charts are, by number of the feature; empty:
    they are drawn in the page. `reveal_url` is where hidden features are asked for, `reveal_cost` what it costs, said
    in words. `prefix` tells the ids of two cases on one page apart."""

    sections: tuple[ShownNode, ...]
    pinned: tuple[Run, ...]
    features: tuple[ShownFeature, ...]
    charts: str = "chart/"
    reveal_url: str = "reveal/"
    reveal_cost: str = ""
    prefix: str = ""

    def by_number(self, number: int) -> ShownFeature | None:
        return self.features[number - 1] if 0 < number <= len(self.features) else None

    def by_key(self, key: str) -> ShownFeature | None:
        return next((feature for feature in self.features if feature.key == key), None)

    @property
    def hides_something(self) -> bool:
        return any(feature.shape == "hidden" for feature in self.features)


def case_page(
    disclosed: Mapping[str, Any],
    *,
    hidden: frozenset[str] = frozenset(),
    texts: Texts = str,
    charts: str = "chart/",
    reveal_url: str = "reveal/",
    reveal_cost: str = "",
    prefix: str = "",
    notes: Mapping[str, str] | None = None,
) -> CasePage:
    """The case page of a disclosed tree. Of `hidden` features (by key) only the label is taken."""
    builder = _Builder(hidden, texts, notes or {})
    sections = tuple(
        builder.node(section, 2, f"{prefix}s{at}", ()) for at, section in enumerate(disclosed["sections"], start=1)
    )
    found = {feature.key: feature for feature in builder.features}
    keys = [_key(pin) for pin in disclosed.get("importants", ())]
    pinned = [found[key] for key in keys if key in found and key not in hidden]
    runs = tuple(run for run in _in_runs(pinned) if isinstance(run, Run))
    return CasePage(sections, runs, tuple(builder.features), charts, reveal_url, reveal_cost, prefix)


class _Builder:
    def __init__(self, hidden: frozenset[str], texts: Texts, notes: Mapping[str, str]) -> None:
        self.hidden = hidden
        self.texts = texts
        self.notes = notes
        self.features: list[ShownFeature] = []

    def node(self, node: Mapping[str, Any], depth: int, anchor: str, above: tuple[str, ...]) -> ShownNode:
        label = self.texts(node["label"])
        children: list[Run | ShownNode | ShownFeature] = []
        for at, child in enumerate(node["children"], start=1):
            if child["level"] == "feature":
                children.append(self.feature(child, (*above, label)))
            else:
                children.append(self.node(child, depth + 1, f"{anchor}-{at}", (*above, label)))
        return ShownNode(node["key"], label, anchor, min(depth, 6), tuple(_in_runs(children)))

    def feature(self, feature: Mapping[str, Any], above: tuple[str, ...]) -> ShownFeature:
        key, style = _key(feature), feature.get("style") or {}
        is_hidden = key in self.hidden
        entries = () if is_hidden else tuple(shown_entry(entry) for entry in feature["entries"])
        advice = feature["role"] == "advice"
        is_course = _is_course(entries)
        shown = ShownFeature(
            key=key,
            number=len(self.features) + 1,
            label=self.texts(feature["label"]),
            shape="hidden" if is_hidden else _shape(feature["kind"], entries, is_course=is_course),
            advice=advice,
            marked=not is_hidden and bool(style.get("highlight")),
            folded=not is_hidden and bool(style.get("collapse")) and bool(entries),
            is_course=is_course,
            entries=entries,
            first=_latest(entries) if is_course else next(iter(entries), None),
            sources=_sources(entries) if advice else (),
            above=above,
            note=self.notes.get(key, ""),
        )
        self.features.append(shown)
        return shown


def _key(item: Mapping[str, Any]) -> str:
    return feature_key(item["key"], item["discriminator"])


def _sources(entries: Sequence[ShownEntry]) -> tuple[ShownSource, ...]:
    return tuple(dict.fromkeys(entry.source or ShownSource() for entry in entries))


def _is_course(entries: Sequence[ShownEntry]) -> bool:
    """Two or more dated numbers in one unit, and nothing else. Of several at one moment none is the latest: all are
    listed."""
    if len(entries) < 2 or len({entry.unit for entry in entries}) > 1:
        return False
    if any(entry.number is None or entry.date is None for entry in entries):
        return False
    return len({when(entry) for entry in entries}) > 1


def _latest(entries: Sequence[ShownEntry]) -> ShownEntry:
    return max(entries, key=when)


def _shape(kind: str, entries: Sequence[ShownEntry], *, is_course: bool) -> Shape:
    if not any(entry.text.strip() for entry in entries):
        return "none"
    if kind == "note" or any("\n" in entry.text for entry in entries):
        return "note"
    if is_course or (len(entries) == 1 and entries[0].number is not None):
        return "value"
    return "text" if len(entries) == 1 else "list"


def _in_runs(children: Sequence[Run | ShownNode | ShownFeature]) -> Iterator[Run | ShownNode]:
    run: list[ShownFeature] = []
    for child in children:
        if isinstance(child, ShownFeature) and (not run or run[-1].advice == child.advice):
            run.append(child)
            continue
        if run:
            yield _run(run)
            run = []
        if isinstance(child, ShownFeature):
            run = [child]
        else:
            yield child
    if run:
        yield _run(run)


def _run(features: Sequence[ShownFeature]) -> Run:
    """The same source is told once, at the last of its neighbours."""
    told = tuple(
        replace(feature, sources=()) if after is not None and feature.sources == after.sources else feature
        for feature, after in zip(features, (*features[1:], None), strict=True)
    )
    return Run(told[0].advice, told)
