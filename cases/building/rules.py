"""The value rules of a layout node: how its rows become entries. Validated once, applied to every row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal, cast

from augmed.foundation.canonical import canonical_decimal
from cases.value_text import ValueClass

Kind = Literal["text", "number", "coded", "series", "note"]
Order = Literal["newest", "oldest"]
WithoutValue = Literal["concept_name", "blank", "drop"]

KINDS = ("text", "number", "coded", "series", "note")
ORDERS = ("newest", "oldest")
WITHOUT_VALUE = ("concept_name", "blank", "drop")
TEXT_SOURCES = (
    "concept",
    "source_value",
    "value_as_string",
    "value_as_number",
    "value_as_concept",
    "value_source_value",
    "unit_source_value",
    "quantity",
    "sig",
    "note_text",
)
UNIT_SOURCES = ("concept", "source")

DEFAULT_KIND: Mapping[str, Kind] = {
    "observation": "text",
    "measurement": "series",
    "condition": "coded",
    "drug": "coded",
    "procedure": "coded",
    "device": "coded",
    "note": "note",
    "demographics": "text",
}
DEFAULT_TEXT_FROM: Mapping[str, tuple[str, ...]] = {
    "observation": ("value_as_string", "value_as_number", "value_as_concept", "value_source_value"),
    "measurement": ("value_as_number", "value_as_concept", "value_source_value"),
    "condition": ("concept",),
    "drug": ("concept",),
    "procedure": ("concept",),
    "device": ("concept",),
    "note": ("note_text",),
    "demographics": (),
}


class RulesError(ValueError):
    """Value rules are not valid; the message starts with the rule's name."""


@dataclass(frozen=True, slots=True)
class ModelRules:
    """Where the advice of a node comes from. `name_from_source`: the model's name is the row's source value."""

    name: str = ""
    version: str = ""
    caveat: str = ""
    name_from_source: bool = False


@dataclass(frozen=True, slots=True)
class ValueRules:
    """Every rule, with what holds where nothing is said (docs/layout-format.md describes them one by one)."""

    kind: Kind | None = None
    text_from: tuple[str, ...] | None = None
    without_value: WithoutValue = "concept_name"
    unit: str | None = None
    unit_from: tuple[str, ...] = UNIT_SOURCES
    unit_map: tuple[tuple[str, str], ...] = ()
    show_unit: bool = True
    decimals: int | None = None
    truncate: bool = False
    value_map: tuple[ValueClass, ...] = ()
    value_map_concept_ids: tuple[int, ...] = ()
    text_map: tuple[tuple[str, str], ...] = ()
    label_map: tuple[tuple[str, str], ...] = ()
    show_operator: bool = True
    show_qualifier: bool = True
    show_range: bool = True
    low: str | None = None
    high: str | None = None
    show_date: bool = True
    show_end: bool = False
    show_stop_reason: bool = False
    show_title: bool = True
    show_when_empty: bool = False
    distinct: bool = False
    order: Order = "newest"
    model: ModelRules | None = None

    @classmethod
    def from_json(cls, value: Any) -> "ValueRules":
        """Return the rules of a node's JSON, all keys optional; RulesError names the one that is wrong."""
        if not isinstance(value, Mapping):
            raise RulesError("value_rules: an object is needed")
        if unknown := sorted(str(key) for key in value.keys() - _READERS.keys()):
            raise RulesError(f"{unknown[0]}: there is no such value rule; there are {', '.join(sorted(_READERS))}")
        found: dict[str, Any] = {}
        for name, raw in value.items():
            try:
                found[name] = _READERS[name](raw)
            except (TypeError, ValueError, KeyError) as error:
                raise RulesError(f"{name}: {error}") from error
        return cls(**found)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
        return cast(str, value)

    return read


def _list_of(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{value!r} is not a list")
        return tuple(read(item) for item in value)

    return read_all


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _decimals(value: Any) -> int:
    places = _integer(value)
    if not 0 <= places <= 12:
        raise ValueError(f"{places} is not between 0 and 12")
    return places


def _number_text(value: Any) -> str:
    # A float of a JSON file cannot be told from a neighbour on another machine; a text can.
    if isinstance(value, float):
        raise ValueError(f'write {value} as a text: "{value}"')
    return canonical_decimal(value)


def _pair(value: Any) -> tuple[str, str]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value!r} is not a pair of texts")
    return _text(value[0]), _text(value[1])


def _value_classes(value: Any) -> tuple[ValueClass, ...]:
    """Lines as objects {comparison, value, text}, tried in order; or as [threshold, text], the highest reached wins."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is not a list")
    if all(isinstance(line, list | tuple) for line in value):
        pairs = [(_number_text(_two(line)[0]), _text(line[1])) for line in value]
        pairs.sort(key=lambda pair: Decimal(pair[0]), reverse=True)
        return tuple(ValueClass("at_least", threshold, text) for threshold, text in pairs)
    return tuple(_value_class(line) for line in value)


def _two(line: Any) -> Any:
    if len(line) != 2:
        raise ValueError(f"{line!r} is not [threshold, text]")
    return line


def _value_class(line: Any) -> ValueClass:
    if not isinstance(line, Mapping) or line.keys() != {"comparison", "value", "text"}:
        raise ValueError(f"{line!r} is neither {{comparison, value, text}} nor, like all others, [threshold, text]")
    return ValueClass(line["comparison"], _number_text(line["value"]), _text(line["text"]))


def _model(value: Any) -> ModelRules:
    if not isinstance(value, Mapping):
        raise ValueError("an object is needed")
    if unknown := sorted(str(key) for key in value.keys() - {field.name for field in fields(ModelRules)}):
        raise ValueError(f"unknown key {', '.join(unknown)}")
    read: dict[str, Any] = {
        key: (_boolean if key == "name_from_source" else _text)(item) for key, item in value.items()
    }
    return ModelRules(**read)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "kind": _optional(_one_of(KINDS)),
    "text_from": _optional(_list_of(_one_of(TEXT_SOURCES))),
    "without_value": _one_of(WITHOUT_VALUE),
    "unit": _optional(_text),
    "unit_from": _list_of(_one_of(UNIT_SOURCES)),
    "unit_map": _list_of(_pair),
    "show_unit": _boolean,
    "decimals": _optional(_decimals),
    "truncate": _boolean,
    "value_map": _value_classes,
    "value_map_concept_ids": _list_of(_integer),
    "text_map": _list_of(_pair),
    "label_map": _list_of(_pair),
    "show_operator": _boolean,
    "show_qualifier": _boolean,
    "show_range": _boolean,
    "low": _optional(_number_text),
    "high": _optional(_number_text),
    "show_date": _boolean,
    "show_end": _boolean,
    "show_stop_reason": _boolean,
    "show_title": _boolean,
    "show_when_empty": _boolean,
    "distinct": _boolean,
    "order": _one_of(ORDERS),
    "model": _optional(_model),
}
