"""The case page in Chromium: what one sees, reaches by key and hears, and that nothing moves while it loads."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from augmed.foundation.browsing import until
from experiments.models import Stage
from experiments.screens.reading.tests.charts_of_cases import (
    CLINICAL,
    everyday_tree,
    large_tree,
    reader_of,
)
from experiments.tests import factories

pytestmark = pytest.mark.browser

SHIFTS = """
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted || 0) + entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
SHOW = "(at) => document.querySelectorAll('.c')[at].scrollIntoView({block: 'nearest', behavior: 'instant'})"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def opened(page, review):
    page.goto(f"/reviews/{review.public_id}/")
    expect(page.get_by_role("heading", name="Case 1042")).to_be_visible()
    return page


def row(page, label):
    return page.locator("dt", has_text=label).last


def chart(page, at):
    """The chart at this place, once it has come in place of the words that stood there while it was out of view."""
    page.evaluate(SHOW, at)
    expect(page.locator(".c").nth(at).locator("svg")).to_be_visible()


def all_charts(page):
    for at in range(page.locator(".c").count()):
        chart(page, at)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_page_fits_its_window_and_has_no_barriers(browse, clinician, fits, picture, no_barriers, width, scheme):
    page = opened(browse(clinician, width=width, scheme=scheme), reader_of(clinician))
    all_charts(page)
    fits(page)
    page.evaluate("window.scrollTo(0, 0)")
    picture(page, f"case-{width}-{scheme}")
    for summary in page.locator(".course summary").all():
        summary.click()
    no_barriers(page)
    fits(page)
    picture(page, f"case-{width}-{scheme}-opened")


def test_the_page_before_the_opening_has_no_barriers(browse, clinician, picture, no_barriers):
    page = browse(clinician, width=390)
    opened(page, reader_of(clinician, opened=False))
    no_barriers(page)
    picture(page, "unopened-390")
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", name="Key findings")).to_be_visible()


def test_at_double_size_everything_is_still_in_its_place(browse, clinician, fits, picture, no_barriers):
    """1440 px at 200 % are 720 CSS pixels of twice the density."""
    page = browse(clinician, width=720, device_scale_factor=2)
    opened(page, reader_of(clinician))
    fits(page)
    no_barriers(page)
    picture(page, "case-200-percent")


def test_on_wide_screens_the_questions_stay_beside_the_case(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician, large_tree()))
    page.get_by_role("heading", name="Category 10").scroll_into_view_if_needed()
    expect(page.get_by_role("heading", name="Your answers")).to_be_in_viewport()
    expect(page.get_by_role("main").get_by_role("link", name="To the questions")).to_be_hidden()


def test_on_narrow_screens_a_link_leads_to_the_questions_until_they_are_there(browse, clinician):
    page = opened(browse(clinician, width=390), reader_of(clinician))
    link = page.get_by_role("main").get_by_role("link", name="To the questions")
    expect(link).to_be_in_viewport()
    expect(page.get_by_role("heading", name="Your answers")).not_to_be_in_viewport()
    link.click()
    expect(page.get_by_role("heading", name="Your answers")).to_be_in_viewport()


@pytest.mark.parametrize("javascript", [True, False])
def test_on_narrow_screens_a_link_leads_back_from_any_question_to_the_case(
    browse, clinician, picture, no_barriers, javascript
):
    page = opened(browse(clinician, width=390, javascript=javascript), reader_of(clinician))
    back = page.get_by_role("link", name="To the case")
    expect(back).not_to_be_in_viewport()
    page.get_by_role("button", name="Send answers").scroll_into_view_if_needed()
    expect(back).to_be_in_viewport()
    if javascript:
        no_barriers(page)
        picture(page, "case-questions-390")
    back.click()
    expect(page.get_by_role("heading", name="Case 1042")).to_be_in_viewport()
    expect(back).not_to_be_in_viewport()


def test_a_chart_tells_its_course_to_those_who_do_not_see_it(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician))
    chart(page, 0)
    systolic = page.get_by_role("img", name="Systolic blood pressure")
    expect(systolic).to_have_accessible_description(
        "3 Sep 1994 to 22 Sep 2003: first 128, lowest 128, highest 152, latest 152 mmHg. 2 values outside their range."
    )
    systolic.click()
    table = page.get_by_role("region", name="All values: Systolic blood pressure")
    expect(table.get_by_role("row")).to_have_count(6)
    expect(table.get_by_role("row").nth(1)).to_have_text("22 Sep 2003152 high")


def test_a_chart_that_comes_in_place_of_the_link_one_stands_on_keeps_the_focus(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician, large_tree(60)))
    page.locator(".c a").last.focus()
    expect(page.locator(".c").last.locator("svg")).to_be_visible()
    expect(page.locator(".c").last.locator("summary")).to_be_focused()


def test_searching_marks_counts_and_walks_through_the_places(browse, clinician, picture):
    page = opened(browse(clinician), reader_of(clinician))
    page.get_by_role("button", name="Close all").click()
    expect(page.locator("#s3")).to_be_visible()
    expect(row(page, "Heart rate")).to_be_hidden()
    page.keyboard.press("/")
    find = page.get_by_role("searchbox", name="Search in this case")
    expect(find).to_be_focused()
    find.fill("blood pressure")
    expect(page.locator("#found")).to_have_text("4 places")
    expect(page.locator(".hit")).to_have_count(4)
    expect(row(page, "Diastolic blood pressure")).to_be_visible()
    expect(row(page, "Leukocytes")).to_be_hidden()
    picture(page, "case-search")
    find.press("Enter")
    find.press("Enter")
    expect(page.locator("#found")).to_have_text("2 / 4")
    find.fill("pressure")
    page.get_by_role("status").get_by_role("button").click()
    expect(page.locator(".hit.now")).to_be_in_viewport()
    expect(page.locator("#found")).to_have_text("1 / 4")
    find.fill("nothing like it")
    expect(page.locator("#found")).to_have_text("Not found")
    find.press("Escape")
    expect(page.locator(".hit")).to_have_count(0)
    expect(row(page, "Heart rate")).to_be_hidden()


def test_search_finds_what_is_folded_away_and_does_not_mind_accents(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician))
    page.get_by_role("searchbox").fill("13 Jan 1993")
    expect(page.get_by_text("13 Jan 1993")).to_be_visible()
    page.get_by_role("searchbox").fill("sévere ANXIETY")
    expect(page.locator("#found")).to_have_text("2 places")


def test_keys_open_and_close_all_parts_and_can_be_switched_off(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician))
    rate = row(page, "Heart rate")
    page.keyboard.press("-")
    expect(rate).to_be_hidden()
    page.keyboard.press("+")
    expect(rate).to_be_visible()
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Use these keys").uncheck()
    page.get_by_role("heading", name="Case 1042").click()
    page.keyboard.press("-")
    expect(rate).to_be_visible()
    opened(page, type("Same", (), {"public_id": page.url.rstrip("/").rsplit("/", 1)[1]}))
    expect(page.get_by_label("Use these keys")).not_to_be_checked()


def test_keys_are_letters_in_a_field(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician))
    remarks = page.get_by_label("Anything else?")
    remarks.press_sequentially("a/b-c+")
    expect(remarks).to_have_value("a/b-c+")
    expect(row(page, "Heart rate")).to_be_visible()


def test_a_part_opens_and_closes_by_key_alone(browse, clinician):
    page = opened(browse(clinician), reader_of(clinician))
    page.locator("summary", has=page.get_by_role("heading", name="Notes")).focus()
    page.keyboard.press("Enter")
    expect(row(page, "Visit note")).to_be_hidden()
    page.keyboard.press("Space")
    expect(row(page, "Visit note")).to_be_visible()


def test_without_javascript_it_is_read_and_answered(browse, clinician, picture):
    page = opened(browse(clinician, javascript=False), reader_of(clinician))
    expect(page.get_by_text("Attends for her yearly check.")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    picture(page, "case-no-javascript")
    page.locator("[data-f='vital|c:1']").last.get_by_role("link", name="5 values").click()
    expect(page.get_by_role("heading", name="Systolic blood pressure")).to_be_visible()
    picture(page, "chart-alone")
    page.get_by_role("link", name="Back to the case").click()
    expect(page.get_by_role("heading", name="Case 1042")).to_be_visible()


def test_nothing_moves_while_two_hundred_charts_come(browse, clinician, picture):
    page = browse(clinician)
    page.add_init_script(SHIFTS)
    opened(page, reader_of(clinician, large_tree()))
    all_charts(page)
    assert page.locator("[data-f]").count() == 200
    until(page, lambda: page.evaluate(PAINTED))
    assert page.evaluate("window.shifted || 0") == 0
    page.evaluate("window.scrollTo(0, 0)")
    picture(page, "case-200-features")


def test_what_is_hidden_is_asked_for_by_a_button_and_comes_in_its_place(browse, clinician, picture, no_barriers):
    cells = [[*factories.show(*CLINICAL, "advice-section"), {"node": "vital", "discriminator": "c:1", "top": "1"}]]
    review = reader_of(
        clinician,
        everyday_tree(),
        cells=cells,
        prepare=lambda study: Stage.objects.filter(arm__experiment=study).update(
            hidden_until_asked=True, reveal_cost="2.5", reveal_cost_unit="points"
        ),
    )
    page = opened(browse(clinician), review)
    expect(page.get_by_text("Each that you ask for costs 2.5 points.")).to_be_visible()
    expect(page.locator("[data-f='vital|c:1']").first).to_contain_text("152 mmHg")
    expect(page.get_by_text("Attends for her")).to_have_count(0)
    no_barriers(page)
    picture(page, "case-hidden")
    page.get_by_role("button", name="Show Heart rate").click()
    expect(page.locator("[data-f='vital|c:3']")).to_contain_text("82 /min")
    expect(page.locator("[data-f='vital|c:3'] svg")).to_be_visible()
    page.reload()
    expect(page.locator("[data-f='vital|c:3']")).to_contain_text("82 /min")
    expect(page.get_by_role("button", name="Show Visit note")).to_be_visible()
