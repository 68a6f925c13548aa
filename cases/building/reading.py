"""The only module here that asks the database: a layout's plan, and the rows of a chunk of cases, table by table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, cast

from django.db.models import Q, QuerySet

from cases.building.assemble import BuiltCase, SelectedRows, assemble, select_rows
from cases.building.rows import CaseFacts, PersonFacts, SourceRow
from cases.building.rules import ValueRules
from cases.building.spec import FeatureSpec, HeadingSpec, Plan
from cases.models import Case, LayoutNode, LayoutVersion
from omop.events import EVENT_TABLES, EventTable
from omop.models import ConceptAncestor, ConceptRelationship, Person
from omop.vocabulary import concept_names

CHUNK = 50
"""Cases read together: their rows are held in memory at once."""

# With more ids than this the rows are chosen here instead: SQLite takes at most 32,766 parameters in a statement.
_MOST_IDS_IN_SQL = 2_000
_LOOKUP = 900


def read_plan(version: LayoutVersion) -> Plan:
    """The version's nodes with their concepts widened; one query, and one each for descendants and relations."""
    nodes = list(version.nodes.order_by("position"))
    below = _descendants({c for node in nodes if node.include_descendants for c in node.concept_ids})
    related = _related(nodes)
    children: dict[int | None, list[LayoutNode]] = {}
    for node in nodes:
        children.setdefault(node.parent_id, []).append(node)
    tops = (_spec(node, children, below, related) for node in children.get(None, []))
    return Plan(tuple(top for top in tops if isinstance(top, HeadingSpec)))


def build_cases(plan: Plan, cases: Sequence[Case]) -> Iterator[tuple[Case, BuiltCase]]:
    """Build one chunk of cases of visits: a query per event table the layout uses, one for persons, one for names."""
    facts = {case.pk: _facts(case) for case in cases}
    persons = _persons({fact.person_id for fact in facts.values()})
    rows = _rows(plan, list(facts.values()))
    selected: list[tuple[Case, SelectedRows]] = []
    for case in cases:
        fact = facts[case.pk]
        found = select_rows(plan, fact, persons.get(fact.person_id), rows.get(fact.person_id, ()))
        selected.append((case, found))
    names = concept_names({concept_id for _, found in selected for concept_id in found.concept_ids()})
    for case, found in selected:
        yield case, assemble(plan, found, names)


def _facts(case: Case) -> CaseFacts:
    assert case.person_id is not None
    assert case.index_at is not None
    return CaseFacts(case.person_id, case.visit_occurrence_id, case.index_at)


def _persons(ids: set[int]) -> dict[int, PersonFacts]:
    coded = ("gender", "race", "ethnicity")
    return {
        person.person_id: PersonFacts(
            person.person_id,
            person.year_of_birth,
            person.month_of_birth,
            person.day_of_birth,
            person.birth_datetime,
            {name: (getattr(person, f"{name}_concept_id"), getattr(person, f"{name}_source_value")) for name in coded},
        )
        for person in Person.objects.filter(pk__in=ids)
    }


def _rows(plan: Plan, cases: Sequence[CaseFacts]) -> dict[int, list[SourceRow]]:
    """Rows of these cases' persons that some node may want, by person."""
    found: dict[int, list[SourceRow]] = {}
    latest = max((case.index_at.date() for case in cases), default=None)
    if latest is None:
        return found
    for kind, table in EVENT_TABLES.items():
        if specs := plan.by_source.get(kind):
            for row in _read_table(table, specs, cases, latest):
                found.setdefault(row.person_id, []).append(row)
    return found


def _read_table(
    table: EventTable, specs: Sequence[FeatureSpec], cases: Sequence[CaseFacts], latest: date
) -> Iterator[SourceRow]:
    queryset: QuerySet[Any] = table.model._default_manager.filter(
        _wanted(table, specs),
        person_id__in={case.person_id for case in cases},
        **{f"{table.start_date}__lte": latest},
    )
    if all(spec.window == "visit" for spec in specs):
        queryset = queryset.filter(visit_occurrence_id__in={case.visit_id for case in cases if case.visit_id})
    columns = table.columns
    for values in queryset.values_list(*columns).iterator(chunk_size=2_000):
        yield _source_row(table, dict(zip(columns, values, strict=True)))


def _wanted(table: EventTable, specs: Sequence[FeatureSpec]) -> Q:
    """Narrow by concept or type where that is a short list; the exact choice is made on the rows."""
    if any(not spec.wanted_concepts and not spec.type_concepts for spec in specs):
        return Q()
    concepts = {concept for spec in specs for concept in spec.wanted_concepts}
    types = {t for spec in specs if not spec.wanted_concepts for t in spec.type_concepts}
    if len(concepts) + len(types) > _MOST_IDS_IN_SQL:
        return Q()
    return Q(**{f"{table.concept_column}__in": concepts}) | Q(**{f"{table.type_column}__in": types})


def _source_row(table: EventTable, values: Mapping[str, Any]) -> SourceRow:
    ends = {table.end_date, table.end_datetime}
    return SourceRow(
        source=table.kind,
        table=table.model._meta.db_table,
        row_id=values[table.id_column],
        person_id=values["person_id"],
        visit_id=values["visit_occurrence_id"],
        concept_id=values[table.concept_column],
        type_concept_id=values[table.type_column],
        start_date=values[table.start_date],
        start_datetime=values[table.start_datetime] if table.start_datetime else None,
        end_date=values[table.end_date] if table.end_date else None,
        end_datetime=values[table.end_datetime] if table.end_datetime else None,
        later={name: values[name] for name in table.later_columns if name not in ends},
        values={name: values[name] for name in table.value_columns},
        source_value=values[table.source_value],
    )


def _spec(
    node: LayoutNode,
    children: Mapping[int | None, list[LayoutNode]],
    below: Mapping[int, set[int]],
    related: Mapping[tuple[int, str], set[int]],
) -> HeadingSpec | FeatureSpec:
    if node.level != LayoutNode.Level.FEATURE:
        specs = tuple(_spec(child, children, below, related) for child in children.get(node.pk, []))
        return HeadingSpec(node.key, node.label, cast(Any, node.level), specs)
    concepts = set(node.concept_ids)
    if node.include_descendants:
        concepts.update(*(below.get(concept_id, set()) for concept_id in node.concept_ids))
    beside = {c for i in node.concept_ids for r in node.relationship_ids for c in related.get((i, r), ())}
    return FeatureSpec(
        key=node.key,
        label=node.label,
        source=node.source,
        demographic=node.demographic,
        listed=tuple(node.concept_ids),
        concepts=frozenset(concepts),
        related=frozenset(beside - concepts),
        type_concepts=frozenset(node.type_concept_ids),
        window=cast(Any, node.window),
        window_number=node.window_number or 0,
        label_rule=cast(Any, node.label_rule),
        role=cast(Any, node.role),
        rules=ValueRules.from_json(node.value_rules),
    )


def _descendants(ids: set[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for chunk in _chunks(ids):
        pairs = ConceptAncestor.objects.filter(ancestor_concept_id__in=chunk)
        for ancestor, descendant in pairs.values_list("ancestor_concept_id", "descendant_concept_id"):
            found.setdefault(ancestor, set()).add(descendant)
    return found


def _related(nodes: Iterable[LayoutNode]) -> dict[tuple[int, str], set[int]]:
    found: dict[tuple[int, str], set[int]] = {}
    asking = [node for node in nodes if node.relationship_ids]
    names = {name for node in asking for name in node.relationship_ids}
    for chunk in _chunks({concept_id for node in asking for concept_id in node.concept_ids}):
        rows = ConceptRelationship.objects.filter(concept_id_1__in=chunk, relationship_id__in=names)
        for first, name, second in rows.values_list("concept_id_1", "relationship_id", "concept_id_2"):
            found.setdefault((first, name), set()).add(second)
    return found


def _chunks(ids: set[int]) -> Iterator[list[int]]:
    iterator = iter(sorted(ids))
    while chunk := list(islice(iterator, _LOOKUP)):
        yield chunk
