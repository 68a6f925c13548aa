"""The disclosure matrix by keyboard alone, and by mouse, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from augmed.foundation.browsing import arrived
from cases.models import LayoutNode
from experiments.actions.design import set_cells
from experiments.models import Stage
from experiments.tests import factories

pytestmark = pytest.mark.browser
SHIFT = """new Promise(done => {
  let sum = 0;
  const add = entry => { sum += entry.hadRecentInput ? 0 : entry.value; };
  new PerformanceObserver(list => list.getEntries().forEach(add)).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 300);
})"""


def address(study: Any) -> str:
    return reverse("admin:experiments_experiment_matrix", args=[study.pk])


def cell(page: Any, row: str, column: str) -> Any:
    return page.locator(f'button.cell[aria-label^="{row}, {column}:"]')


def says(button: Any, words: str) -> None:
    expect(button).to_have_attribute("aria-label", re.compile(f": {re.escape(words)}$"))


def cells_of(study: Any, arm: str, stage: int = 1) -> list[dict[str, Any]]:
    return Stage.objects.get(arm__experiment=study, arm__name=arm, position=stage).cells


def test_a_study_is_designed_by_keyboard_alone(browse: Any, draft: Any, lead: Any, picture: Any) -> None:
    page = browse(lead)
    page.goto(address(draft))
    press = page.keyboard.press

    page.locator(".matrix-scroll").focus()
    press("Tab")  # one tab stop for the whole grid
    while page.evaluate("document.activeElement.className.includes('expand')"):
        press("Tab")
    expect(cell(page, "Patient", "Without advice")).to_be_focused()

    press("ArrowDown")
    press("ArrowRight")
    age = cell(page, "Age", "With advice")
    expect(age).to_be_focused()
    says(age, "shown")
    press("Space")
    says(age, "hidden")
    expect(page.locator('[data-count="1"]')).to_have_text("3")

    press("Enter")  # into the editor, with this cell
    expect(page.locator("#matrix-selected")).to_have_text("Age: With advice")
    expect(page.locator("#edit-shown")).to_be_focused()
    page.locator("#edit-shown").select_option("1")
    press("Tab")
    press("Tab")
    expect(page.locator("#edit-highlight")).to_be_focused()
    page.locator("#edit-highlight").select_option("1")
    press("Tab")
    page.keyboard.type("1.5")
    press("Tab")
    press("Shift+Tab")
    press("Escape")
    expect(age).to_be_focused()
    says(age, "shown, highlighted, pinned at 1.5")

    press("ArrowDown")  # Findings
    press("ArrowDown")
    press("ArrowDown")
    press("+")  # its features
    press("ArrowDown")
    expect(cell(page, "Hemoglobin", "With advice")).to_be_focused()
    press("Space")
    says(cell(page, "Findings", "With advice"), "1 of 2 shown, as above")
    press("Delete")
    says(cell(page, "Hemoglobin", "With advice"), "shown, as above")
    picture(page, "matrix-keyboard")

    page.locator("#matrix-submit").focus()
    with page.expect_navigation():
        press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("The matrix is saved.")
    saved = {(one["node"], one["discriminator"]): one for one in cells_of(draft, "With advice")}
    assert saved["age", None] == {
        "node": "age", "discriminator": None, "shown": True, "collapse": None, "highlight": True, "top": "1.5",
    }  # fmt: skip
    assert ("lab", "c:3000963") not in saved


def test_bulk_copy_filter_and_undo(browse: Any, draft: Any, lead: Any, picture: Any) -> None:
    page = browse(lead)
    page.goto(address(draft))
    visible = page.locator("table.matrix tbody tr:visible")
    expect(visible).to_have_count(8)  # features are folded in

    page.get_by_label("Only what differs between columns").check()
    expect(visible).to_have_count(2)
    expect(visible.first.locator(".label")).to_have_text("Advice")
    page.get_by_label("Only what differs between columns").uncheck()
    page.get_by_role("searchbox", name="Find").fill("creat")
    expect(visible).to_have_count(4)  # the feature and the headings above it
    page.get_by_role("searchbox", name="Find").fill("")

    cell(page, "Findings", "Without advice").click()  # chooses it and changes nothing
    expect(page.locator("#matrix-status")).to_have_text("No changes yet")
    cell(page, "Findings", "Without advice").click()
    says(cell(page, "Findings", "Without advice"), "shown")
    expect(page.locator("#edit-shown")).not_to_have_value("")
    page.locator("#edit-scope").select_option("column")
    expect(page.locator("#edit-shown")).to_have_value("")  # whatever is picked now is a change
    page.locator("#edit-shown").select_option("0")
    expect(page.locator('[data-count="0"]')).to_have_text("0")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator('[data-count="0"]')).to_have_text("3")

    page.locator("#copy-from").select_option("1")
    page.locator("#copy-to").select_option("0")
    page.get_by_role("button", name="Copy column").click()
    expect(page.locator('[data-count="0"]')).to_have_text("4")
    with page.expect_navigation():
        page.get_by_role("button", name="Save matrix").click()
    assert {one["node"] for one in cells_of(draft, "Without advice")} == {"age", "lab", "advice"}


def test_the_slower_of_two_sees_the_conflict_and_keeps_the_own_cells(
    browse: Any, draft: Any, lead: Any, picture: Any
) -> None:
    page = browse(lead)
    page.goto(address(draft))
    cell(page, "Age", "Without advice").dblclick()
    stage = Stage.objects.get(arm__experiment=draft, arm__name="Without advice")
    set_cells(experiment=draft, cells={stage.pk: [{"node": "advice", "shown": True}]}, by=None)

    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="Save matrix").click()
    assert answer.value.status == 409
    expect(page.locator(".notice.warning")).to_be_visible()
    arrived(page)
    picture(page, "matrix-conflict")
    says(cell(page, "Age", "Without advice"), "hidden")
    with page.expect_navigation():
        page.get_by_role("button", name="Save matrix").click()
    assert {one["node"]: one["shown"] for one in cells_of(draft, "Without advice")} == {"age": False, "lab": True}


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (1024, "light"), (1024, "dark")])
def test_a_large_matrix_fits_and_stays_still(
    browse: Any, lead: Any, fits: Any, picture: Any, width: int, scheme: str
) -> None:
    study = large_study(lead)
    page = browse(lead, width=width, scheme=scheme)
    page.goto(address(study))
    assert page.evaluate(SHIFT) < 0.02
    fits(page)
    top = page.locator("table.matrix thead").bounding_box()["y"]
    page.locator("button.cell").nth(3).click()
    picture(page, f"matrix-{width}-{scheme}")
    assert page.locator("table.matrix thead").bounding_box()["y"] == top  # choosing a cell moves nothing
    page.evaluate("document.querySelector('.matrix-scroll').scrollTo(400, 900)")
    head = page.locator("table.matrix thead .corner").bounding_box()
    assert head["y"] == pytest.approx(top, abs=2)
    picture(page, f"matrix-{width}-{scheme}-scrolled")


def large_study(by: Any) -> Any:
    version = factories.make_layout()
    LayoutNode.objects.filter(version=version, key="age").update(visibility="always")
    position = 100
    for section in range(5):
        top = LayoutNode.objects.create(
            version=version, position=position, key=f"s{section}", label=f"Body system {section}", level="section"
        )
        position += 1
        category = LayoutNode.objects.create(
            version=version, position=position, key=f"c{section}", label="Symptoms and signs", level="category",
            parent=top,
        )  # fmt: skip
        position += 1
        LayoutNode.objects.bulk_create(
            LayoutNode(
                version=version, position=position + at, key=f"n{section}-{at}", parent=category,
                label=f"Observation number {at} of the review of systems", level="feature", source="observation",
            )
            for at in range(36)
        )  # fmt: skip
        position += 36
    arms: dict[str, Any] = {
        "Control": [factories.show("patient", "s0")],
        "Advice at once": [factories.show("patient", "s0", "advice")],
        "Advice after a first reading": [factories.show("patient", "s0"), factories.show("patient", "s0", "advice")],
        "Restricted": [factories.show("s1")],
        "Everything": [factories.show("patient", "findings", "advice-section", *(f"s{at}" for at in range(5)))],
    }
    return factories.make_study(by=by, arms=arms, layout_version=version, active=False, name="A large study")
