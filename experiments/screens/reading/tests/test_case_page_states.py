"""The case page in Chromium when something is missing: charts that did not come, a server that is gone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from experiments.models import Submission
from experiments.screens.reading.tests.charts_of_cases import large_tree, reader_of

pytestmark = pytest.mark.browser

# htmx tells of each request that failed, which is what these tests provoke.
QUIET = """
const told = console.error;
console.error = (text, ...more) => { if (!String(text).startsWith("htmx:")) told(text, ...more); };
"""


@pytest.fixture
def reading(browse, clinician):
    """A case of many charts, of which the last is far below the window."""
    review = reader_of(clinician, large_tree(60))
    page = browse(clinician, offline=True)
    page.add_init_script(QUIET)
    page.goto(f"/reviews/{review.public_id}/")
    expect(page.locator(".c svg").first).to_be_visible()
    return page


def test_the_page_stays_until_the_one_after_the_answer_is_there(reading):
    reading.route("**/done/", lambda route: route.abort())
    reading.get_by_label("yes", exact=True).check()
    reading.locator("#q-risk").fill("30")
    reading.get_by_role("button", name="Send answers").click()
    expect(reading.locator("[data-says=unsure]")).to_be_visible()
    expect(reading.get_by_role("heading", name="Your answers")).to_be_visible()
    reading.unroute("**/done/")
    expect(reading.get_by_text("Your answers are saved and final.")).to_be_visible()
    assert Submission.objects.count() == 1


def last_chart(page):
    return page.locator(".f").last.locator(".c")


def scroll_to_the_last(page):
    """At once: the chart takes the place of the element while that comes into view."""
    last_chart(page).evaluate("(element) => element.scrollIntoView({block: 'center', behavior: 'instant'})")


def test_a_chart_that_did_not_come_is_there_as_soon_as_the_connection_is(reading):
    reading.context.set_offline(True)
    scroll_to_the_last(reading)
    expect(last_chart(reading)).to_have_text("Not loaded yet")
    reading.context.set_offline(False)
    expect(last_chart(reading).locator("svg")).to_be_visible()
    expect(reading.get_by_text("Not loaded yet")).to_have_count(0)


def test_a_chart_that_did_not_come_is_asked_for_again_when_it_is_scrolled_to_again(reading):
    reading.route("**/chart/60/", lambda route: route.abort())
    scroll_to_the_last(reading)
    expect(last_chart(reading)).to_have_text("Not loaded yet")
    reading.unroute("**/chart/60/")
    reading.evaluate("window.scrollTo(0, 0)")
    expect(last_chart(reading)).not_to_be_in_viewport()
    scroll_to_the_last(reading)
    expect(last_chart(reading).locator("svg")).to_be_visible()


def test_a_chart_is_asked_for_once(reading):
    asked = []
    reading.on("request", lambda request: asked.append(request.url) if "/chart/60/" in request.url else None)
    for _time in range(2):
        scroll_to_the_last(reading)
        expect(last_chart(reading).locator("svg")).to_be_visible()
        reading.evaluate("window.scrollTo(0, 0)")
        expect(last_chart(reading)).not_to_be_in_viewport()
    assert len(asked) == 1
