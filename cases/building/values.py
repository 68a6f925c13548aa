"""One known row becomes one entry: its text as displayed, and what it was made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from augmed.foundation.canonical import canonical_decimal
from cases.building.rows import SourceRow
from cases.building.rules import ModelRules, ValueRules
from cases.building.spec import FeatureSpec
from cases.tree import Entry, ModelOutput
from cases.value_text import compose_text, format_number, map_number

EQUAL_SIGN = "="  # what an operator says that says nothing

Names = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Value:
    """What a row says, before unit, operator and qualifier. `mapped`: replaced by the layout's own words."""

    text: str
    number: str | None = None
    concept_id: int | None = None
    came_from: str = ""
    mapped: bool = False


def concept_ids_of(row: SourceRow) -> Iterator[int]:
    """The concepts whose names the entry of this row may need."""
    yield row.concept_id
    for name in ("value_as_concept_id", "unit_concept_id", "operator_concept_id", "qualifier_concept_id"):
        if found := row.values.get(name):
            yield found


def concept_name(concept_id: int, source_value: str | None, names: Names) -> str:
    """The concept's name; for an unmapped (0) or unknown concept the source value, else the id."""
    if concept_id and (name := names.get(concept_id)):
        return name
    return (source_value or "").strip() or names.get(concept_id) or f"Concept {concept_id}"


def entry_of(row: SourceRow, spec: FeatureSpec, names: Names) -> Entry | None:
    """The entry of a known row, or None where it has no value and the rules drop such rows."""
    rules = spec.rules
    value = _mapped(_value(row, spec, names), row, rules)
    if value is None:
        if rules.without_value == "drop":
            return None
        name = concept_name(row.concept_id, row.source_value, names)
        text = name if rules.without_value == "concept_name" else ""
        value = _Value(text, concept_id=row.concept_id, came_from="concept")
    plain = value.mapped or value.came_from in ("concept", "source_value", "note_text")
    unit = "" if plain else _unit(row, value, rules, names)
    operator = "" if plain else _operator(row, rules, names)
    qualifier = "" if value.mapped else _qualifier(row, rules, names)
    ranged = rules.show_range and value.number is not None
    return Entry(
        text=compose_text(value.text, operator=operator, unit=unit, qualifier=qualifier) + _ending(row, rules),
        number=value.number,
        unit=unit or None,
        low=_bound(row, rules.low, "range_low") if ranged else None,
        high=_bound(row, rules.high, "range_high") if ranged else None,
        operator=operator or None,
        concept_id=(value.concept_id or row.concept_id) or None,
        date=row.date_text if rules.show_date else None,
        model=_model_output(row, spec),
    )


def mapped_number(number: Decimal | int, rules: ValueRules, concept_id: int) -> str | None:
    """The words that stand for a number, where the value map has some for it."""
    if rules.value_map_concept_ids and concept_id not in rules.value_map_concept_ids:
        return None
    return map_number(number, rules.value_map)


def relabelled(label: str, rules: ValueRules) -> str:
    return next((shown for found, shown in rules.label_map if found == label), label)


def _value(row: SourceRow, spec: FeatureSpec, names: Names) -> _Value | None:
    """The first of the node's text sources that says something. The number zero does."""
    for source in spec.text_from:
        if (value := _from(source, row, spec.rules, names)) is not None:
            return value
    return None


def _from(source: str, row: SourceRow, rules: ValueRules, names: Names) -> _Value | None:
    if source == "concept":
        text = concept_name(row.concept_id, row.source_value, names)
        return _Value(text, concept_id=row.concept_id, came_from=source)
    if source == "value_as_concept":
        # 0 means that there was a source value which nobody could map; it says nothing by itself.
        concept_id = row.values.get("value_as_concept_id")
        if not concept_id:
            return None
        text = concept_name(concept_id, row.values.get("value_source_value"), names)
        return _Value(text, concept_id=concept_id, came_from=source)
    if source == "note_text":
        return _note(row, rules)
    raw: Any = row.source_value if source == "source_value" else row.values.get(source)
    if source in ("value_as_number", "quantity"):
        return None if raw is None else _number(raw, row, rules, source)
    text = (raw or "").strip()
    return _Value(text, came_from=source) if text else None


def _note(row: SourceRow, rules: ValueRules) -> _Value | None:
    title = (row.values.get("note_title") or "").strip() if rules.show_title else ""
    text = (row.values.get("note_text") or "").strip()
    whole = "\n\n".join(part for part in (title, text) if part)
    return _Value(whole, came_from="note_text") if whole else None


def _number(raw: Decimal | int, row: SourceRow, rules: ValueRules, source: str) -> _Value:
    if (words := mapped_number(raw, rules, row.concept_id)) is not None:
        # The words stand in for the number, which is then not disclosed beside them.
        return _Value(words, came_from=source, mapped=True)
    text = format_number(raw, rules.decimals, truncate=rules.truncate)
    return _Value(text, number=canonical_decimal(text), came_from=source)


def _mapped(value: _Value | None, row: SourceRow, rules: ValueRules) -> _Value | None:
    if value is None or value.mapped:
        return value
    words = next((shown for found, shown in rules.text_map if found == value.text), None)
    return value if words is None else _Value(words, came_from=value.came_from, mapped=True)


def _unit(row: SourceRow, value: _Value, rules: ValueRules, names: Names) -> str:
    if not rules.show_unit:
        return ""
    if rules.unit is not None:
        return rules.unit
    concept_id = row.values.get("unit_concept_id") or 0
    written = "" if value.came_from == "unit_source_value" else (row.values.get("unit_source_value") or "").strip()
    found = {"concept": concept_name(concept_id, written, names) if concept_id else "", "source": written}
    unit = next((found[source] for source in rules.unit_from if found[source]), "")
    return next((shown for written, shown in rules.unit_map if written == unit), unit)


def _operator(row: SourceRow, rules: ValueRules, names: Names) -> str:
    concept_id = row.values.get("operator_concept_id")
    if not concept_id or not rules.show_operator:
        return ""
    name = concept_name(concept_id, None, names)
    return "" if name == EQUAL_SIGN else name


def _qualifier(row: SourceRow, rules: ValueRules, names: Names) -> str:
    concept_id = row.values.get("qualifier_concept_id")
    if not concept_id or not rules.show_qualifier:
        return ""
    return concept_name(concept_id, row.values.get("qualifier_source_value"), names)


def _bound(row: SourceRow, stated: str | None, column: str) -> str | None:
    if stated is not None:
        return stated
    found = row.values.get(column)
    return None if found is None else canonical_decimal(found)


def _ending(row: SourceRow, rules: ValueRules) -> str:
    """What the end made known; `known_at` has blanked it where the end was still to come."""
    text = ""
    if rules.show_end and row.end_date is not None:
        text += f" (until {row.end_date.isoformat()})"
    if rules.show_stop_reason and (reason := (row.later.get("stop_reason") or "").strip()):
        text += f" (stopped: {reason})"
    return text


def _model_output(row: SourceRow, spec: FeatureSpec) -> ModelOutput | None:
    if spec.role != "advice":
        return None
    model = spec.rules.model or ModelRules(name_from_source=True)
    name = (row.source_value or "").strip() if model.name_from_source else ""
    return ModelOutput(name or model.name, model.version, row.date_text, model.caveat)
