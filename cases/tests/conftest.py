from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cases.actions import import_layout
from cases.models import LayoutVersion
from cases.tests import omop_rows


def feature(key: str, source: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "label": fields.pop("label", key.capitalize()), "source": source, **fields}


def layout_json(*features: dict[str, Any], name: str = "Test layout") -> dict[str, Any]:
    category = {"key": "category", "label": "Category", "children": list(features)}
    section = {"key": "section", "label": "Section", "children": [category]}
    return {"format": "augmed-layout", "version": 1, "name": name, "sections": [section]}


EVERYTHING = [
    feature("age", "demographics", demographic="age"),
    feature("sex", "demographics", demographic="gender"),
    feature("observations", "observation", label_rule="concept"),
    feature("history", "observation", concept_ids=[200], label_rule="split"),
    feature("labs", "measurement", label_rule="concept"),
    feature("conditions", "condition", value_rules={"show_end": True, "show_stop_reason": True}),
    feature("drugs", "drug", value_rules={"show_end": True, "show_stop_reason": True}),
    feature("latest-drug", "drug", window="latest", window_number=1),
    feature("procedures", "procedure", value_rules={"show_end": True}),
    feature("devices", "device", window="days", window_number=30, value_rules={"show_end": True}),
    feature("notes", "note", window="visit"),
]


@pytest.fixture
def make_layout(db: None) -> Callable[..., LayoutVersion]:
    def make(*features: dict[str, Any], name: str = "Test layout", **options: Any) -> LayoutVersion:
        options.setdefault("allow_unknown_concepts", True)
        return import_layout(content=layout_json(*features, name=name), by=None, **options)

    return make


@pytest.fixture
def everything(make_layout: Callable[..., LayoutVersion]) -> LayoutVersion:
    """A layout that reads every table and shows every end."""
    return make_layout(*EVERYTHING)


@pytest.fixture
def one_visit(db: None) -> int:
    omop_rows.person()
    omop_rows.visit()
    return omop_rows.VISIT
