"""The disclosure matrix as a table: inheritance, counts, compatibility, and that it stays small in queries."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models import LayoutNode
from experiments.actions.design import set_cells
from experiments.design.disclosure_table import disclosure_table
from experiments.models import Stage
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def states(table: Any, column: int) -> dict[tuple[str, str | None], str]:
    return {row.place: row.cells[column].state for row in table.rows}


def test_rows_are_nodes_in_order_each_followed_by_its_features_with_counts(draft: Any) -> None:
    table = disclosure_table(draft)

    listed = [(row.node, row.discriminator, row.depth, row.case_count) for row in table.rows]
    assert listed == [
        ("patient", None, 0, None),
        ("age", None, 1, 4),
        ("findings", None, 0, None),
        ("laboratory", None, 1, None),
        ("lab", None, 2, None),
        ("lab", "c:3000963", 3, 4),
        ("lab", "c:3016723", 3, 4),
        ("advice-section", None, 0, None),
        ("advice", None, 1, 4),
        ("risk", None, 1, None),
    ]
    assert [column.label for column in table.columns] == [
        "Without advice",
        "With advice",
        "Advice afterwards, stage 1",
        "Advice afterwards, stage 2",
    ]
    assert [column.shown_count for column in table.columns] == [3, 4, 3, 4]
    assert table.feature_count == 4


def test_a_feature_takes_what_the_row_above_says_until_its_own_cell_says_otherwise(draft: Any) -> None:
    stage = Stage.objects.filter(arm__experiment=draft).order_by("pk")[0]
    cells = [
        {"node": "findings", "shown": True, "highlight": True},
        {"node": "lab", "discriminator": "c:3016723", "shown": False},
        {"node": "lab", "discriminator": "c:3000963", "top": "2"},
    ]
    set_cells(experiment=draft, cells={stage.pk: cells}, by=None)

    table = disclosure_table(draft)
    rows = {row.place: row.cells[0] for row in table.rows}

    assert rows["lab", "c:3000963"].words == "shown, as above, highlighted, pinned at 2"
    assert rows["lab", "c:3016723"].words == "hidden"
    assert rows["findings", None].state == "1 of 2"
    assert rows["patient", None].state == "Hidden"


def test_compatibility_is_marked_and_a_cell_switches_it_off(draft: Any) -> None:
    LayoutNode.objects.filter(version__layout=draft.layout, key="age").update(visibility="always")
    stage = Stage.objects.filter(arm__experiment=draft).order_by("pk")[0]
    set_cells(experiment=draft, cells={stage.pk: []}, by=None)

    table = disclosure_table(draft)
    assert states(table, 0)["age", None] == "Shown"
    assert next(row for row in table.rows if row.node == "age").compatibility_tag == "AugMed: always"

    set_cells(experiment=draft, cells={stage.pk: [{"node": "age", "shown": False}]}, by=None)
    assert states(disclosure_table(draft), 0)["age", None] == "Hidden"


def test_what_the_table_says_is_what_the_stored_sets_disclose(draft: Any) -> None:
    import json

    table = disclosure_table(draft)
    for at, column in enumerate(table.columns):
        stored = json.loads(column.stage.disclosure_set.content)
        shown = {(show["node_key"], show["discriminator"]) for show in stored["shows"]}
        said = {
            (row.node, row.discriminator or "")
            for row in table.rows
            if row.case_count is not None and row.cells[at].shown
        }
        assert said == shown


def test_a_row_differs_when_columns_do_not_say_the_same(draft: Any) -> None:
    differing = {row.place for row in disclosure_table(draft).rows if row.differs}
    assert differing == {("advice-section", None), ("advice", None)}


def test_the_token_changes_with_the_cells_and_only_then(draft: Any) -> None:
    token = disclosure_table(draft).token
    assert disclosure_table(draft).token == token
    stage = Stage.objects.filter(arm__experiment=draft).order_by("pk")[0]
    set_cells(experiment=draft, cells={stage.pk: [{"node": "age", "shown": True}]}, by=None)
    assert disclosure_table(draft).token != token


@pytest.mark.parametrize("case_count", [1, 12])
def test_the_number_of_queries_does_not_grow(lead: Any, case_count: int, django_assert_max_num_queries: Any) -> None:
    study = factories.make_study(by=lead, cases=case_count, active=False)
    study.refresh_from_db()
    with django_assert_max_num_queries(8):
        disclosure_table(study)
