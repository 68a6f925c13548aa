"""Checks of single rows, by themselves and beside the rows they refer to: all of a table in two passes over it.

The first pass asks what a row says of itself, and which columns have any value at all; the second joins the persons,
visits and other rows that those columns refer to. Only checks that found something are asked again, for the rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from omop.imports.backends import query, quoted
from omop.imports.gate.concept_level import FEMALE, MALE, sexes
from omop.imports.gate.definitions import (
    IN_VISIT,
    NEXT_YEAR,
    PERSON,
    RANGES,
    SOURCE_VALUES,
    UNMAPPED,
    VISIT,
    Range,
    definitions,
    visit_of,
)
from omop.imports.gate.scope import Scope
from omop.imports.options import ImportOptions
from omop.imports.schema import TableSchema, is_vocabulary

Parents = Mapping[str, tuple[str, str]]
REFERENCES = frozenset({"person_exists", "reference_exists", "visit_same_person"})


@dataclass(frozen=True, slots=True)
class RowCheck:
    """One check of one column. `asked` and `wrong` are SQL over the row `s` and its `parents` by alias.

    `threshold` is the percentage where it differs from the catalogue's. With `summary` the rows are counted in one
    finding, not listed.
    """

    code: str
    column: str | None
    asked: str
    wrong: str
    reason: str
    parents: Parents = field(default_factory=dict)
    threshold: float | None = None
    summary: bool = False


@dataclass(frozen=True, slots=True)
class Dates:
    """Between which days dates are plausible, and the year that is next."""

    earliest: date
    latest: date
    next_year: int

    @classmethod
    def of(cls, options: ImportOptions, today: date) -> "Dates":
        """As the options say; the latest is tomorrow if they do not."""
        return cls(options.earliest, options.latest or today + timedelta(days=1), today.year + 1)


def local_checks(schema: TableSchema, scope: Scope, dates: Dates) -> list[RowCheck]:
    """What a row says of itself."""
    return [
        *_pairs(schema, scope),
        *_moments(schema, scope),
        *_plausible(schema, scope, dates),
        *_unmapped(schema, scope),
        *_concept_names(schema, scope),
    ]


def _pairs(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    for start, end in definitions()[schema.name].pairs:
        first, last = f"s.{quoted(start)}", f"s.{quoted(end)}"
        wrong = f"{first} > {last}"
        if schema.columns[end].kind == "moment":  # at midnight means that only the day of the end is known
            day = scope.flavour.day_of
            wrong += f" AND NOT ({scope.flavour.midnight(last)} AND {day(first)} = {day(last)})"
        asked = f"{scope.asked(schema.name)} AND {first} IS NOT NULL AND {last} IS NOT NULL"
        yield RowCheck("start_before_end", start, asked, f"{scope.asked(schema.name)} AND {wrong}", f"is after {end}")


def _moments(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    for day, moment in definitions()[schema.name].moments:
        on, at = f"s.{quoted(day)}", f"s.{quoted(moment)}"
        kept = scope.kept(schema.name)
        yield RowCheck(
            "date_matches_datetime",
            moment,
            f"{kept} AND {on} IS NOT NULL AND {at} IS NOT NULL",
            f"{kept} AND {scope.flavour.day_of(at)} <> {on}",
            f"is not on the day of {day}",
        )


def _plausible(schema: TableSchema, scope: Scope, dates: Dates) -> Iterator[RowCheck]:
    kept = scope.kept(schema.name)
    low, high = scope.flavour.literal(dates.earliest), scope.flavour.literal(dates.latest)
    for name in definitions()[schema.name].dates:
        column = f"s.{quoted(name)}"
        reason = f"is not between {dates.earliest} and {dates.latest}"
        wrong = f"{kept} AND ({column} < {low} OR {column} > {high})"
        yield RowCheck("plausible_date", name, f"{kept} AND {column} IS NOT NULL", wrong, reason)
    for (table, name), limits in RANGES.items():
        if table == schema.name:
            column = f"s.{quoted(name)}"
            outside, reason = _outside(column, limits, dates.next_year)
            yield RowCheck(
                "plausible_value", name, f"{kept} AND {column} IS NOT NULL", f"{kept} AND ({outside})", reason
            )


def _outside(column: str, limits: Range, next_year: int) -> tuple[str, str]:
    if limits.above is not None:
        return f"{column} <= {limits.above}", f"is not above {limits.above}"
    high = next_year if limits.high == NEXT_YEAR else limits.high
    if high is None:
        return f"{column} < {limits.low}", f"is below {limits.low}"
    return f"{column} < {limits.low} OR {column} > {high}", f"is not between {limits.low} and {high}"


def _unmapped(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    """Concept 0 says that a source value has no concept; no concept beside a source value says the same."""
    sources, kept = definitions()[schema.name].sources, scope.kept(schema.name)
    for (table, name), threshold in UNMAPPED.items():
        if table != schema.name:
            continue
        concept = f"s.{quoted(name)}"
        asked, wrong = f"{concept} IS NOT NULL", f"{concept} = 0"
        if name in sources and not schema.columns[name].required:
            source = f"s.{quoted(sources[name])}"
            asked = f"({asked} OR {source} IS NOT NULL)"
            wrong = f"({wrong} OR ({concept} IS NULL AND {source} IS NOT NULL))"
        yield RowCheck(
            "concept_mapped",
            name,
            f"{kept} AND {asked}",
            f"{kept} AND {wrong}",
            "rows have no standard concept (0)",
            threshold=threshold,
            summary=True,
        )


def _concept_names(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    """Athena gives the concepts of CPT4 without their names; in other vocabularies a name is required."""
    if schema.name != "concept":
        return
    kept, asked = scope.kept(schema.name), scope.asked(schema.name)
    yield RowCheck(
        "cpt4_named",
        "concept_name",
        f"{kept} AND s.vocabulary_id = 'CPT4'",
        f"{kept} AND s.vocabulary_id = 'CPT4' AND s.concept_name = ''",
        "concepts of CPT4 have no name; run Athena's CPT4 tool and load CONCEPT.csv in the mode upsert",
        summary=True,
    )
    yield RowCheck(
        "value_required",
        "concept_name",
        asked,
        f"{asked} AND s.concept_name = '' AND s.vocabulary_id <> 'CPT4'",
        "is empty, but this column is required; only CPT4 comes without names",
    )


def joined_checks(schema: TableSchema, scope: Scope, filled: Iterable[str]) -> list[RowCheck]:
    """What a row says of those it refers to by the columns that have a value anywhere."""
    columns = frozenset(filled)
    checks = [*_references(schema, scope, columns), *_same_person(schema, scope, columns)]
    if "person_id" in columns:
        checks += [*_lifetimes(schema, scope), *_sexes(schema, scope)]
    if "visit_occurrence_id" in columns:
        checks += _in_visit(schema, scope)
    return checks


def reference_columns(schema: TableSchema) -> list[str]:
    """The columns that refer to rows which must be there."""
    return [c.name for c in schema.columns.values() if c.reference and not is_vocabulary(c.reference.table)]


def _parent(schema: TableSchema, column: str) -> Parents:
    reference = schema.columns[column].reference
    assert reference is not None
    return {_alias(column): (reference.table, column)}


def _alias(column: str) -> str:
    return {"person_id": "p", "visit_occurrence_id": "v", "visit_detail_id": "w"}.get(column, f"r_{column}")


def _references(schema: TableSchema, scope: Scope, columns: frozenset[str]) -> Iterator[RowCheck]:
    for name in reference_columns(schema):
        if name not in columns:
            continue
        reference = schema.columns[name].reference
        assert reference is not None
        asked = f"{scope.asked(schema.name)} AND s.{quoted(name)} IS NOT NULL"
        found = scope.value(_alias(name), reference.table, "id")
        yield RowCheck(
            "person_exists" if reference.table == PERSON else "reference_exists",
            name,
            asked,
            f"{asked} AND {found} IS NULL",
            f"no row of {reference.table} has this {reference.column}",
            _parent(schema, name),
        )


def _same_person(schema: TableSchema, scope: Scope, columns: frozenset[str]) -> Iterator[RowCheck]:
    for name in definitions()[schema.name].visits:
        if name in columns and "person_id" in columns:
            parent = _parent(schema, name)
            person = scope.value(_alias(name), parent[_alias(name)][0], "person_id")
            asked = scope.asked(schema.name)
            yield RowCheck(
                "visit_same_person",
                name,
                f"{asked} AND s.person_id IS NOT NULL AND {person} IS NOT NULL",
                f"{asked} AND {person} <> s.person_id",
                f"the {visit_of(name)} is another person's",
                parent,
            )


def _lifetimes(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    kept = scope.kept(schema.name)
    birth, last = scope.value("p", PERSON, "birth"), scope.value("d", "death", "last")
    for name in definitions()[schema.name].events:
        day = f"s.{quoted(name)}"
        yield RowCheck(
            "after_birth",
            name,
            f"{kept} AND {day} IS NOT NULL AND {birth} IS NOT NULL",
            f"{kept} AND {day} < {birth}",
            "is before the person's birth",
            _parent(schema, "person_id"),
        )
        if schema.name != "death":
            yield RowCheck(
                "before_death",
                name,
                f"{kept} AND {day} IS NOT NULL AND {last} IS NOT NULL",
                f"{kept} AND {day} > {last}",
                "is more than 60 days after the person's death",
                {"d": ("death", "person_id")},
            )


def _sexes(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    """Persons whose sex is not known to be male or female are not asked."""
    found = sexes(schema.name)
    if not found:
        return
    name = SOURCE_VALUES[schema.name][1]
    concept, sex, kept = f"s.{quoted(name)}", scope.value("p", PERSON, "sex"), scope.kept(schema.name)
    male, female = (f"{concept} IN ({', '.join(map(str, sorted(found[of])))})" for of in (MALE, FEMALE))
    yield RowCheck(
        "plausible_sex",
        name,
        f"{kept} AND {sex} IN ({MALE}, {FEMALE}) AND ({male} OR {female})",
        f"{kept} AND (({sex} = {FEMALE} AND {male}) OR ({sex} = {MALE} AND {female}))",
        "is of the other sex than the person",
        _parent(schema, "person_id"),
    )


def _in_visit(schema: TableSchema, scope: Scope) -> Iterator[RowCheck]:
    kept = scope.kept(schema.name)
    low, high = scope.value("v", VISIT, "low"), scope.value("v", VISIT, "high")
    for (table, name), threshold in IN_VISIT.items():
        if table == schema.name:
            day = f"s.{quoted(name)}"
            yield RowCheck(
                "within_visit",
                name,
                f"{kept} AND {day} IS NOT NULL AND {low} IS NOT NULL",
                f"{kept} AND ({day} < {low} OR {day} > {high})",
                "is more than 7 days before or after the visit",
                _parent(schema, "visit_occurrence_id"),
                threshold,
            )


def count(
    schema: TableSchema, scope: Scope, checks: Sequence[RowCheck], columns: Sequence[str] = ()
) -> tuple[list[tuple[int, int]], dict[str, int]]:
    """(rows asked, rows wrong) of each check, and how many rows have a value in each of `columns`, in one pass."""
    wanted: dict[str, None] = {}
    for check in checks:
        wanted |= {_counted(check.asked): None, _counted(check.wrong): None}
    wanted |= {f"count(s.{quoted(column)})": None for column in columns}
    if not wanted:
        return [], {}
    joins = scope.joins(parents_of(checks))
    row = query(f"SELECT {', '.join(wanted)} FROM {scope.rows(schema.name)} s{joins}")[0]
    found = dict(zip(wanted, row, strict=True))
    return (
        [(found[_counted(check.asked)], found[_counted(check.wrong)]) for check in checks],
        {column: found[f"count(s.{quoted(column)})"] for column in columns},
    )


def _counted(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


def parents_of(checks: Iterable[RowCheck]) -> dict[str, tuple[str, str]]:
    """The parents that checks ask for, each once."""
    return {alias: parent for check in checks for alias, parent in check.parents.items()}
