"""One review's case in the published client's shape, and what its list of cases says of it. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from augmed.published.reading.details import Json, sections
from augmed.published.reading.importants import importants
from cases.augmed_paths import PathRules


def case_detail(*, disclosed: str, case_number: int, layout_rules: Mapping[str, Any]) -> dict[str, Any]:
    """CaseDetail of the contract. No layout knows a person's name, so none is ever disclosed."""
    tree = json.loads(disclosed)
    return {
        "personName": None,
        "caseNumber": str(case_number),
        "details": sections(tree),
        "importantInfos": importants(tree, PathRules.from_json(layout_rules)),
    }


def listed_case(
    *,
    config_id: str,
    case_number: int,
    disclosed: str | None,
    layout_rules: Mapping[str, Any],
    demographic_nodes: Mapping[str, str | None],
) -> dict[str, Any]:
    """A line of the list of cases: its fields are what the review discloses, and empty where it does not.

    `demographic_nodes`: the keys of the layout's nodes for "age" and "gender"."""
    shown: list[Json] = list(_features(json.loads(disclosed)["sections"])) if disclosed else []
    complaints = PathRules.from_json(layout_rules).complaint_nodes
    return {
        "config_id": config_id,
        "case_id": case_number,
        "patient_chief_complaint": ", ".join(
            dict.fromkeys(feature["label"] for feature in shown if feature["key"] in complaints)
        ),
        "age": _first_text(shown, demographic_nodes.get("age")),
        "gender": _first_text(shown, demographic_nodes.get("gender")),
    }


def _features(children: Iterable[Json]) -> Iterator[Json]:
    for child in children:
        if child["level"] == "feature":
            yield child
        else:
            yield from _features(child["children"])


def _first_text(features: Iterable[Json], node_key: str | None) -> str:
    texts = (entry["text"] for feature in features if feature["key"] == node_key for entry in feature["entries"])
    return next((text for text in texts if text), "")
