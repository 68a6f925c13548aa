"""Concepts and other references to vocabularies, by distinct value: one pass over a table, then small ones.

Vocabulary downloads are subsets as a rule, so all of this is a warning. Concept 0 is always allowed. Domain and
standing are only asked of concepts that are known.
"""

from collections.abc import Collection, Sequence

from omop.imports.backends import query, quoted, staging
from omop.imports.gate.concept_level import units
from omop.imports.gate.definitions import SOURCE_VALUES, definitions
from omop.imports.gate.recording import Recorder
from omop.imports.gate.scope import Scope
from omop.imports.report import FIRST
from omop.imports.schema import ColumnSchema, TableSchema, is_vocabulary

_COMBINATIONS, _USED = "omop_gate_combinations", "omop_gate_concepts"


def vocabulary_columns(schema: TableSchema) -> list[ColumnSchema]:
    """The columns that refer to a vocabulary table."""
    return [c for c in schema.columns.values() if c.reference is not None and is_vocabulary(c.reference.table)]


def check_concepts(scope: Scope, schema: TableSchema, record: Recorder, filled: Collection[str]) -> None:
    """All checks of concepts of a table. `filled` are the columns that have any value."""
    vocabulary = is_vocabulary(schema.name)
    for column in vocabulary_columns(schema):
        assert column.reference is not None
        if vocabulary or column.reference.table != "concept":
            _check_known(scope, schema, column, record, column.name in filled)
    if vocabulary:
        _check_judged(scope, schema, record, [c for c in _judged_columns(schema) if c in filled])
    else:
        _check_judged(scope, schema, record, [c for c in definitions()[schema.name].concepts if c in filled])
        for name in definitions()[schema.name].concepts:
            record.result("concept_exists", schema.name, name)
    for code, columns in (
        ("concept_domain", {*definitions()[schema.name].domains, *definitions()[schema.name].classes}),
        ("concept_standard", definitions()[schema.name].standard),
    ):
        for name in sorted(columns):
            record.result(code, schema.name, name)
    if schema.name == "measurement":
        record.result("plausible_unit", schema.name, "unit_concept_id")


def _judged_columns(schema: TableSchema) -> list[str]:
    """Of a vocabulary table: the few columns whose domain, class or standing is asked."""
    definition = definitions()[schema.name]
    asked = {*definition.domains, *definition.classes, *definition.standard}
    return [name for name in definition.concepts if name in asked]


# --- plain references


def _check_known(scope: Scope, schema: TableSchema, column: ColumnSchema, record: Recorder, filled: bool) -> None:
    reference = column.reference
    assert reference is not None
    result = record.result(known_code(column), schema.name, column.name)
    if not filled:
        return
    source = f"FROM {scope.rows(schema.name)} s WHERE {scope.kept(schema.name)}"
    result.checked += query(f"SELECT count(s.{quoted(column.name)}) {source}")[0][0]
    missing = f"{source} AND {unknown(scope, column)}"
    wrong = query(f"SELECT count(*) {missing}")[0][0]
    if wrong:
        name = f"s.{quoted(column.name)}"
        order = scope.flavour.by_bytes(name) if column.kind == "text" else name
        found = query(f"SELECT {name}, count(*) {missing} GROUP BY 1 ORDER BY 2 DESC, {order} LIMIT %s", [FIRST])
        record.values(result, [(value, rows, f"not in {reference.table}") for value, rows in found], wrong)


def known_code(column: ColumnSchema) -> str:
    """The check that asks whether what a column refers to is there."""
    return "concept_exists" if column.reference and column.reference.table == "concept" else "vocabulary_exists"


def unknown(scope: Scope, column: ColumnSchema) -> str:
    """Whether a row refers to a row of a vocabulary table that is neither in the run nor live."""
    reference = column.reference
    assert reference is not None
    places = [quoted(reference.table)] + [quoted(staging(t)) for t in {reference.table} & scope.staged]
    value = f"s.{quoted(column.name)}"
    none = [f"{value} IS NOT NULL"] + ([f"{value} <> 0"] if reference.table == "concept" else [])
    return " AND ".join(
        none + [f"NOT EXISTS (SELECT 1 FROM {p} r WHERE r.{quoted(reference.column)} = {value})" for p in places]
    )


# --- by distinct values


def _check_judged(scope: Scope, schema: TableSchema, record: Recorder, columns: Sequence[str]) -> None:
    source, mapped = SOURCE_VALUES.get(schema.name, ("", ""))
    grouped = list(dict.fromkeys([*columns, *([source, mapped] if source else [])]))
    if not grouped:
        return
    names = ", ".join(f"s.{quoted(name)}" for name in grouped)
    scope.create(
        _COMBINATIONS,
        f"SELECT {names}, count(*) AS n FROM {scope.rows(schema.name)} s"
        f" WHERE {scope.kept(schema.name)} GROUP BY {names}",
    )
    if columns:
        _judge(scope, schema, record, columns)
    if schema.name == "measurement":
        _check_units(schema, record, grouped)
    if source:
        _check_source_values(scope, schema, record, source, mapped)
    scope.drop(_COMBINATIONS)


def _judge(scope: Scope, schema: TableSchema, record: Recorder, columns: Sequence[str]) -> None:
    used = " UNION ALL ".join(
        f"SELECT {number} AS col, {quoted(name)} AS concept, sum(n) AS n FROM {quoted(_COMBINATIONS)}"
        f" WHERE {quoted(name)} IS NOT NULL GROUP BY {quoted(name)}"
        for number, name in enumerate(columns)
    )
    places = (["concept"] if scope.filled("concept") else []) + ["staged"] * ("concept" in scope.staged)
    sources = {"concept": quoted("concept"), "staged": quoted(staging("concept"))}
    wanted = ("concept_id", "domain_id", "concept_class_id", "standard_concept", "invalid_reason")
    joins = "".join(f" LEFT JOIN {sources[place]} {place} ON {place}.concept_id = u.concept" for place in places)
    parts = ", ".join(f"{_either(places, name)} AS {name}" for name in wanted)
    scope.create(_USED, f"SELECT DISTINCT u.col, u.concept, u.n, {parts} FROM ({used}) u{joins}")
    vocabulary = is_vocabulary(schema.name)
    for number, name in enumerate(columns):
        for code, asked, wrong, reason in _questions(schema, name):
            if code != "concept_exists" or not vocabulary:
                _ask(record, schema, code, name, f"col = {number} AND {asked}", wrong, reason)
    scope.drop(_USED)


def _either(places: Sequence[str], column: str) -> str:
    """The run's value, else the live one. A concept of the run counts as a whole: it may have no standing any more."""
    if not places:
        return "NULL"
    if len(places) == 1:
        return f"{places[0]}.{column}"
    return f"CASE WHEN staged.concept_id IS NOT NULL THEN staged.{column} ELSE concept.{column} END"


def _questions(schema: TableSchema, column: str) -> list[tuple[str, str, str, str]]:
    """(code, asked, wrong, SQL of the reason) of a column, over the distinct concepts with what is known of them."""
    definition = definitions()[schema.name]
    known = "concept_id IS NOT NULL AND concept <> 0"
    found = [("concept_exists", "TRUE", "concept_id IS NULL AND concept <> 0", "'not in concept'")]
    if wrong := wrong_domain(schema, column):
        found.append(("concept_domain", known, f"({wrong})", _why_wrong(schema, column)))
    if column in definition.standard:
        reason = "CASE WHEN coalesce(invalid_reason, '') <> '' THEN 'is no longer valid' ELSE 'is not standard' END"
        found.append(("concept_standard", known, f"({NOT_STANDARD})", reason))
    return found


def wrong_domain(schema: TableSchema, column: str) -> str:
    """Whether a concept is of another domain or class than the column's; empty where the column has neither."""
    definition = definitions()[schema.name]
    wanted = {"domain_id": definition.domains.get(column), "concept_class_id": definition.classes.get(column)}
    return " OR ".join(f"{name} <> '{value}'" for name, value in wanted.items() if value)


def _why_wrong(schema: TableSchema, column: str) -> str:
    definition = definitions()[schema.name]
    domain, concept_class = definition.domains.get(column), definition.classes.get(column)
    reasons = []
    if domain:
        reasons.append(f"WHEN domain_id <> '{domain}' THEN 'is of the domain ' || domain_id || ', not {domain}'")
    if concept_class:
        reasons.append(f"ELSE 'is of the class ' || concept_class_id || ', not {concept_class}'")
    return f"CASE {' '.join(reasons)} END" if domain else reasons[0].removeprefix("ELSE ")


NOT_STANDARD = "coalesce(standard_concept, '') <> 'S' OR coalesce(invalid_reason, '') <> ''"


def _ask(record: Recorder, schema: TableSchema, code: str, column: str, asked: str, wrong: str, reason: str) -> None:
    used = quoted(_USED)
    rows = int(query(f"SELECT coalesce(sum(n), 0) FROM {used} WHERE {asked}")[0][0])
    where = f"{asked} AND {wrong}"
    result = record.result(code, schema.name, column, rows)
    total = int(query(f"SELECT coalesce(sum(n), 0) FROM {used} WHERE {where}")[0][0])
    if total:
        sql = f"SELECT concept, n, {reason} FROM {used} WHERE {where} ORDER BY n DESC, concept LIMIT %s"
        record.values(result, [(value, int(n), why) for value, n, why in query(sql, [FIRST])], total)


def _check_units(schema: TableSchema, record: Recorder, grouped: Sequence[str]) -> None:
    """Units that a measurement never has. Rows without a unit, or with concept 0 for it, are not asked."""
    result = record.result("plausible_unit", schema.name, "unit_concept_id")
    if "unit_concept_id" not in grouped:
        return
    found = query(
        f"SELECT measurement_concept_id, unit_concept_id, sum(n) FROM {quoted(_COMBINATIONS)}"
        f" WHERE measurement_concept_id IN ({', '.join(map(str, sorted(units())))}) AND unit_concept_id <> 0"
        f" GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    )
    result.checked += sum(int(rows) for _, _, rows in found)
    wrong = [(concept, unit, int(rows)) for concept, unit, rows in found if unit not in units()[concept]]
    values = [(unit, rows, f"is no unit of the measurement {concept}") for concept, unit, rows in wrong]
    record.values(result, values, sum(rows for _, rows, _ in values))


def implausible_unit() -> str:
    """Whether a row of measurement has a unit that its concept never has."""
    allowed: dict[frozenset[int], list[int]] = {}
    for concept, plausible in units().items():
        allowed.setdefault(plausible, []).append(concept)
    wrong = []
    for plausible, concepts in sorted(allowed.items(), key=lambda each: each[1]):
        of = f"s.measurement_concept_id IN ({', '.join(map(str, sorted(concepts)))})"
        none = f" AND s.unit_concept_id NOT IN ({', '.join(map(str, sorted(plausible)))})" if plausible else ""
        wrong.append(f"({of}{none})")
    return f"s.unit_concept_id <> 0 AND ({' OR '.join(wrong)})"


def _check_source_values(scope: Scope, schema: TableSchema, record: Recorder, source: str, mapped: str) -> None:
    """How many distinct source values are mapped to nothing (concept 0, or none)."""
    rows, value = quoted(_COMBINATIONS), quoted(source)
    nothing = f"coalesce({quoted(mapped)}, 0) = 0"
    asked, wrong = query(
        f"SELECT count(DISTINCT {value}), count(DISTINCT CASE WHEN {nothing} THEN {value} END) FROM {rows}"
    )[0]
    result = record.result("source_values_mapped", schema.name, source, asked)
    if wrong:
        sql = (
            f"SELECT {value}, sum(n) FROM {rows} WHERE {nothing} AND {value} IS NOT NULL"
            f" GROUP BY 1 ORDER BY 2 DESC, {scope.flavour.by_bytes(value)} LIMIT %s"
        )
        found = [(text, int(n), "has no standard concept (0)") for text, n in query(sql, [FIRST])]
        record.values(result, found, wrong)
