"""From known rows to the feature tree of one case. Pure: equal rows give equal bytes, in whatever order they come."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cases.building.rows import CaseFacts, PersonFacts, SourceRow, age_at, in_window, known_at
from cases.building.spec import FeatureSpec, HeadingSpec, LabelRule, Plan
from cases.building.values import Names, concept_ids_of, concept_name, entry_of, mapped_number, relabelled
from cases.tree import (
    SCHEMA_VERSION,
    Entry,
    Feature,
    Node,
    Tree,
    concept_discriminator,
    drop_empty,
    format_number,
    split_label,
    text_discriminator,
)
from cases.value_text import compose_text


@dataclass(frozen=True, slots=True)
class FeatureSource:
    """Where a feature's entries came from, in their order; kept beside the hashed tree, never in it."""

    node_key: str
    discriminator: str
    table: str
    row_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BuiltCase:
    tree: Tree
    sources: tuple[FeatureSource, ...]


@dataclass(frozen=True, slots=True)
class SelectedRows:
    """The rows that a case may show, by node; ends that were still to come are already gone."""

    case: CaseFacts
    person: PersonFacts | None
    by_node: Mapping[str, tuple[SourceRow, ...]]

    def concept_ids(self) -> Iterator[int]:
        """Every concept whose name is needed."""
        for rows in self.by_node.values():
            for row in rows:
                yield from concept_ids_of(row)
        if self.person is not None:
            yield from (concept_id for concept_id, _ in self.person.coded.values())


_Item = tuple[SourceRow, Entry]


def select_rows(plan: Plan, case: CaseFacts, person: PersonFacts | None, rows: Iterable[SourceRow]) -> SelectedRows:
    """Keep what was known at the case's index time and what some node wants, newest first."""
    by_node: dict[str, list[SourceRow]] = {}
    for row in rows:
        if row.person_id != case.person_id:
            continue
        known = known_at(row, case.index_at)
        if known is None:
            continue
        for spec in plan.wanting(known.source, known.concept_id, known.type_concept_id):
            if in_window(known, spec.window, spec.window_number, case):
                by_node.setdefault(spec.key, []).append(known)
    ordered = {
        key: tuple(sorted(found, key=lambda row: (row.started, row.row_id), reverse=True))
        for key, found in by_node.items()
    }
    return SelectedRows(case, person, ordered)


def assemble(plan: Plan, selected: SelectedRows, names: Names) -> BuiltCase:
    """Build the tree: headings with no feature below are left out, features with no row as their rules say."""
    sources: list[FeatureSource] = []
    sections = tuple(_node(section, selected, names, sources) for section in plan.sections)
    return BuiltCase(drop_empty(Tree(SCHEMA_VERSION, sections)), tuple(sources))


def _node(heading: HeadingSpec, selected: SelectedRows, names: Names, sources: list[FeatureSource]) -> Node:
    children: list[Node | Feature] = []
    for child in heading.children:
        if isinstance(child, HeadingSpec):
            children.append(_node(child, selected, names, sources))
            continue
        if child.source == "demographics":
            children += _demographic(child, selected, names, sources)
            continue
        for feature, source in features_of(child, selected.by_node.get(child.key, ()), names):
            children.append(feature)
            sources.append(source)
    return Node(heading.key, heading.label, heading.level, tuple(children))


def features_of(spec: FeatureSpec, rows: Iterable[SourceRow], names: Names) -> Iterator[tuple[Feature, FeatureSource]]:
    """The features that a node's rows (known, newest first) make, in the order of display."""
    kept, rule = _direct_or_related(spec, tuple(rows))
    if spec.window == "latest" and rule == "node" and _every_row_is_an_entry(spec):
        kept = kept[: spec.window_number]  # as `_shown` would do, before the work of making the others' entries
    groups: dict[str, tuple[str, list[_Item]]] = {}
    for row in kept:
        if (entry := entry_of(row, spec, names)) is None:
            continue
        discriminator, label, entry = _identified(row, entry, spec, rule, names)
        groups.setdefault(discriminator, (label, []))[1].append((row, entry))
    if not groups and spec.rules.show_when_empty and rule == "node":
        groups[""] = (spec.label, [])
    for discriminator, (label, found) in sorted(groups.items(), key=lambda group: _place(spec, rule, group)):
        items = _shown(found, spec)
        entries = tuple(entry for _, entry in items)
        feature = Feature(spec.key, discriminator, relabelled(label, spec.rules), spec.kind, spec.role, entries)
        table = items[0][0].table if items else ""
        yield feature, FeatureSource(spec.key, discriminator, table, tuple(row.row_id for row, _ in items))


def _direct_or_related(spec: FeatureSpec, rows: tuple[SourceRow, ...]) -> tuple[tuple[SourceRow, ...], LabelRule]:
    """Rows of the node's own concepts; where there is none, those of the related concepts, one feature each."""
    if not spec.related:
        return rows, spec.label_rule
    direct = tuple(row for row in rows if row.concept_id in spec.concepts)
    return (direct, spec.label_rule) if direct else (rows, "concept")


def _identified(
    row: SourceRow, entry: Entry, spec: FeatureSpec, rule: LabelRule, names: Names
) -> tuple[str, str, Entry]:
    """The discriminator, the label and the entry of a row under the node's label rule."""
    if rule == "node":
        return "", spec.label, entry
    if rule == "concept":
        name = concept_name(row.concept_id, row.source_value, names)
        # Unmapped rows share concept 0 although they speak of different things.
        by_name = row.concept_id < 0 or (row.concept_id == 0 and bool((row.source_value or "").strip()))
        return text_discriminator(name) if by_name else concept_discriminator(row.concept_id), name, entry
    label, value = split_label(entry.text)
    label = label or spec.label
    # A number would be in the label or in the value already; the parts of a text have none of their own.
    plain = replace(entry, text=value, number=None, unit=None, low=None, high=None, operator=None)
    return text_discriminator(label), label, plain


def _every_row_is_an_entry(spec: FeatureSpec) -> bool:
    return not spec.rules.distinct and spec.rules.without_value != "drop"


def _shown(newest_first: list[_Item], spec: FeatureSpec) -> list[_Item]:
    items = newest_first
    if spec.rules.distinct:
        items = list({entry.text: (row, entry) for row, entry in reversed(items)}.values())
        items.sort(key=lambda item: (item[0].started, item[0].row_id), reverse=True)
    if spec.window == "latest":
        items = items[: spec.window_number]
    return items if spec.rules.order == "newest" else items[::-1]


def _place(spec: FeatureSpec, rule: LabelRule, group: tuple[str, tuple[str, list[_Item]]]) -> tuple[Any, ...]:
    """Features of a node stand in the order of its concept list, then by label, so that cases read alike."""
    discriminator, (label, items) = group
    listed = {concept_id: place for place, concept_id in enumerate(spec.listed)} if rule == "concept" else {}
    first = listed.get(items[0][0].concept_id, len(listed)) if items else 0
    return first, label.casefold(), discriminator


def _demographic(
    spec: FeatureSpec, selected: SelectedRows, names: Names, sources: list[FeatureSource]
) -> list[Feature]:
    person = selected.person
    if person is None:
        return []
    entry = _age_entry(spec, selected) if spec.demographic == "age" else _coded_entry(spec, person, names)
    if entry is None and not spec.rules.show_when_empty:
        return []
    sources.append(FeatureSource(spec.key, "", "person", (person.person_id,)))
    return [Feature(spec.key, "", spec.label, spec.kind, spec.role, () if entry is None else (entry,))]


def _age_entry(spec: FeatureSpec, selected: SelectedRows) -> Entry | None:
    assert selected.person is not None
    age = age_at(selected.person, selected.case.index_at)
    if age is None:
        return None
    if (words := mapped_number(age, spec.rules, 0)) is not None:
        return Entry(words)
    unit = (spec.rules.unit or "") if spec.rules.show_unit else ""
    text = format_number(age, spec.rules.decimals)
    return Entry(compose_text(text, unit=unit), number=str(age), unit=unit or None)


def _coded_entry(spec: FeatureSpec, person: PersonFacts, names: Names) -> Entry | None:
    concept_id, source_value = person.coded.get(spec.demographic, (0, None))
    if not concept_id and not (source_value or "").strip():
        return None
    name = concept_name(concept_id, source_value, names)
    shown = next((words for found, words in spec.rules.text_map if found == name), name)
    return Entry(shown, concept_id=concept_id or None)
