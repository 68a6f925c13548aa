"""The disclosure matrix by keyboard alone, and by mouse, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

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
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Patient, Without advice:")

    press("ArrowDown")
    press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Age, With advice: shown"
    press("Space")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Age, With advice: hidden"
    assert page.locator('[data-count="1"]').inner_text() == "3"

    press("Enter")  # into the editor, with this cell
    assert page.locator("#matrix-selected").inner_text() == "Age: With advice"
    assert page.evaluate("document.activeElement.id") == "edit-shown"
    page.locator("#edit-shown").select_option("1")
    press("Tab")
    press("Tab")
    assert page.evaluate("document.activeElement.id") == "edit-highlight"
    page.locator("#edit-highlight").select_option("1")
    press("Tab")
    page.keyboard.type("1.5")
    press("Tab")
    press("Shift+Tab")
    press("Escape")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "Age, With advice: shown, highlighted, pinned at 1.5"

    press("ArrowDown")  # Findings
    press("ArrowDown")
    press("ArrowDown")
    press("+")  # its features
    press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Hemoglobin, With advice")
    press("Space")
    assert "1 of 2 shown" in cell(page, "Findings", "With advice").get_attribute("aria-label")
    press("Delete")
    assert cell(page, "Hemoglobin", "With advice").get_attribute("aria-label").endswith(": shown, as above")
    picture(page, "matrix-keyboard")

    page.locator("#matrix-submit").focus()
    with page.expect_navigation():
        press("Enter")
    assert "The matrix is saved." in page.locator(".messagelist").inner_text()
    saved = {(one["node"], one["discriminator"]): one for one in cells_of(draft, "With advice")}
    assert saved["age", None] == {
        "node": "age", "discriminator": None, "shown": True, "collapse": None, "highlight": True, "top": "1.5",
    }  # fmt: skip
    assert ("lab", "c:3000963") not in saved


def test_bulk_copy_filter_and_undo(browse: Any, draft: Any, lead: Any, picture: Any) -> None:
    page = browse(lead)
    page.goto(address(draft))
    visible = page.locator("table.matrix tbody tr:visible")
    assert visible.count() == 8  # features are folded in

    page.get_by_label("Only what differs between columns").check()
    assert visible.first.locator(".label").inner_text() == "Advice"
    assert visible.count() == 2
    page.get_by_label("Only what differs between columns").uncheck()
    page.get_by_role("searchbox", name="Find").fill("creat")
    assert visible.count() == 4  # the feature and the headings above it
    page.get_by_role("searchbox", name="Find").fill("")

    cell(page, "Findings", "Without advice").click()  # chooses it and changes nothing
    assert page.locator("#matrix-status").inner_text() == "No changes yet"
    cell(page, "Findings", "Without advice").click()
    assert cell(page, "Findings", "Without advice").get_attribute("aria-label").endswith(": shown")
    assert page.locator("#edit-shown").input_value() != ""
    page.locator("#edit-scope").select_option("column")
    assert page.locator("#edit-shown").input_value() == ""  # whatever is picked now is a change
    page.locator("#edit-shown").select_option("0")
    assert page.locator('[data-count="0"]').inner_text() == "0"
    page.get_by_role("button", name="Undo").click()
    assert page.locator('[data-count="0"]').inner_text() == "3"

    page.locator("#copy-from").select_option("1")
    page.locator("#copy-to").select_option("0")
    page.get_by_role("button", name="Copy column").click()
    assert page.locator('[data-count="0"]').inner_text() == "4"
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
    page.wait_for_selector(".notice.warning")
    picture(page, "matrix-conflict")
    assert cell(page, "Age", "Without advice").get_attribute("aria-label").endswith(": hidden")
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
