"""What the published client tolerates, as strict JSON Schemas: sections 1.4 to 2.3 of its contract, and its crash list.

Stricter than the client where the server has no reason to be loose: no unknown keys, no empty lists of values."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from augmed.published.reading.details import AI_KEY

_NODE = {"$ref": "#/$defs/node"}
_STYLE = {
    "oneOf": [
        {"type": "null"},
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {
                "collapse": {"type": "boolean"},
                "highlight": {"type": "boolean"},
                "top": {"type": "number"},
            },
        },
    ]
}
_DEFINITIONS: dict[str, Any] = {
    "node": {
        "type": "object",
        "additionalProperties": False,
        "required": ["key", "values", "style"],
        "properties": {
            "key": {"type": "string", "minLength": 1},
            "values": {
                "oneOf": [
                    {"type": "null"},
                    {"type": "string", "minLength": 1},
                    {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
                    {"type": "array", "minItems": 1, "items": _NODE},
                ]
            },
            "style": _STYLE,
        },
    },
    "section": {
        "allOf": [_NODE],
        "properties": {"values": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/card"}}},
    },
    "card": {"allOf": [_NODE], "not": {"properties": {"key": {"const": "CRC risk assessments"}}}},
    "important": {
        "allOf": [_NODE],
        "if": {"properties": {"key": {"const": AI_KEY}}},
        "then": {
            "properties": {
                "values": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1,
                    "items": {"type": "string", "pattern": r"^[^:]*: *[-+]?[0-9]+(\.[0-9]+)? *$"},
                }
            }
        },
    },
}


def _envelope(data: Any) -> Draft202012Validator:
    schema = {
        "$defs": _DEFINITIONS,
        "type": "object",
        "additionalProperties": False,
        "required": ["data", "error"],
        "properties": {"data": data, "error": {"type": "null"}},
    }
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


CASES = _envelope(
    {
        "type": "array",
        "maxItems": 1,
        "items": _object(
            config_id={"type": "string", "pattern": "^[0-9a-f]{32}$"},
            case_id={"type": "integer"},
            patient_chief_complaint={"type": "string"},
            age={"type": "string"},
            gender={"type": "string"},
        ),
    }
)
CASE_REVIEW = _envelope(
    _object(
        personName={"type": ["string", "null"]},
        caseNumber={"type": "string", "minLength": 1},
        details={"type": "array", "items": {"$ref": "#/$defs/section"}},
        importantInfos={"type": "array", "items": {"$ref": "#/$defs/important"}},
    )
)
_TITLE = {"type": "string", "minLength": 1}
_OPEN = {"type": {"enum": ["Text", "Paragraph"]}, "title": _TITLE, "required": {"type": "boolean"}}
_CHOICE = {
    "type": {"enum": ["SingleChoice", "MultipleChoice"]},
    "title": _TITLE,
    "required": {"type": "boolean"},
    "options": {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"type": "string", "minLength": 1}},
}
ANSWER_CONFIG = _envelope(
    _object(
        id={"type": "string", "pattern": "^[0-9a-f]{32}$"},
        config={"type": "array", "minItems": 1, "items": {"oneOf": [_object(**_OPEN), _object(**_CHOICE)]}},
        created_timestamp={"type": "string", "minLength": 1},
    )
)
STORED = _envelope(_object(id={"type": "integer"}))
REFUSED = Draft202012Validator(
    _object(
        data={"type": "null"},
        error=_object(code={"type": ["string", "integer"]}, message={"type": "string", "minLength": 1}),
        message={"type": "string"},
    )
)
