"""What the case page tells of its reading, in a real browser whose clock the test moves."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import expect

from augmed.foundation.browsing import until
from experiments.actions.reviews import submit
from experiments.models import ReviewEvent

pytestmark = pytest.mark.browser

BEFORE, BEGIN = "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z"


@pytest.fixture
def reading(browse, plain, clinician):
    """The case page of `plain`; time stands still but for `run_for`."""
    return case_page(browse(clinician), plain)


def case_page(page: Any, review: Any) -> Any:
    page.clock.install(time=BEFORE)  # it runs until it is stopped, for as long as that takes
    page.clock.pause_at(BEGIN)
    page.goto(f"/reviews/{review.public_id}/")
    seen(page)
    return page


def seen(page: Any) -> None:
    """The browser has told the script what is in view."""
    page.evaluate(
        """() => new Promise((done) => {
            const observer = new IntersectionObserver(() => { observer.disconnect(); done(); });
            observer.observe(document.querySelector("h1"));
        })"""
    )


def told(page: Any, milliseconds: int = 1000) -> list[ReviewEvent]:
    """What the server has after so much time, once the page has told all: the connection that is back comes last."""
    page.clock.run_for(milliseconds)
    with page.expect_response(lambda response: "online" in (response.request.post_data or "")) as caught:
        page.evaluate("() => window.dispatchEvent(new Event('online'))")
    assert caught.value.status == 204
    return stored()


def stored() -> list[ReviewEvent]:
    return list(ReviewEvent.objects.by_clients().order_by("pk"))


def visible(events: list[ReviewEvent], feature: str) -> int:
    mine = [event for event in events if event.kind == "feature_visible" and event.feature == feature]
    return sum(json.loads(event.data)["ms"] for event in mine)


def kinds(events: list[ReviewEvent]) -> Counter[str]:
    return Counter(event.kind for event in events)


def test_features_in_view_are_told_with_numbers_without_a_gap(reading):
    events = told(reading, 25_000)
    shown = [event.feature for event in events if event.kind == "feature_shown"]
    assert shown[:3] == ["age", "lab|c:1", "lab|c:2"]
    assert "lab|c:60" not in shown
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[0].kind == "case_opened"
    assert events[0].client_at.isoformat().startswith("2026-03-02T09:00:0")
    assert events[0].server_at > events[0].client_at
    assert 19_000 <= visible(events, "age") <= 25_000


def test_no_value_and_no_label_is_in_what_is_sent(reading):
    with reading.expect_request(lambda request: "/events/" in request.url) as caught:
        reading.clock.run_for(15_000)
    sent = caught.value.post_data
    assert "lab|c:1" in sent
    assert "SECRET" not in sent
    assert "Finding" not in sent
    assert "csrfmiddlewaretoken" in sent


def test_a_feature_that_comes_into_view_again_is_another_visit(reading):
    told(reading, 3000)
    scroll_to(reading, "lab|c:60")
    reading.clock.run_for(2000)
    scroll_to(reading, "age")
    events = told(reading, 5000)
    scroll_to(reading, "lab|c:60")
    events = told(reading, 1000)
    assert 2500 <= visible(events, "age") <= 9000
    visits = {json.loads(event.data)["visit"] for event in of(events, "feature_visible", "age")}
    assert visits == {1, 2}
    assert len(of(events, "feature_shown", "age")) == 1
    assert len(of(events, "feature_shown", "lab|c:60")) == 1


def test_scrolling_past_is_no_look(reading):
    scroll_to(reading, "lab|c:60")
    reading.clock.run_for(100)
    scroll_to(reading, "age")
    events = told(reading, 5000)
    assert of(events, "feature_shown", "lab|c:60") == []
    assert of(events, "feature_visible", "lab|c:60") == []


def test_time_without_any_sign_of_the_reader_is_taken_out(reading):
    reading.mouse.move(200, 200)
    reading.clock.run_for(100_000)
    reading.mouse.move(210, 210)
    scroll_to(reading, "lab|c:60")
    events = told(reading, 1000)
    assert 29_000 <= visible(events, "age") <= 31_500
    assert kinds(events)["idle"] == kinds(events)["resumed"] == 1
    resumed = next(event for event in events if event.kind == "resumed")
    assert 29_000 <= json.loads(resumed.data)["active"] <= 31_500


def test_time_in_another_tab_is_taken_out(reading):
    reading.clock.run_for(5000)
    cover(reading, hidden=True)
    reading.clock.run_for(20_000)
    cover(reading, hidden=False)
    reading.clock.run_for(3000)
    scroll_to(reading, "lab|c:60")
    events = told(reading, 1000)
    assert 7000 <= visible(events, "age") <= 10_000
    tab = [event.kind for event in events if json.loads(event.data).get("tab")]
    assert tab == ["blur", "focus"]
    visits = {json.loads(event.data)["visit"] for event in of(events, "feature_visible", "age")}
    assert visits == {1}  # it has not left the view


def test_what_happens_while_the_connection_is_lost_is_told_later(browse, plain, clinician):
    page = case_page(browse(clinician, offline=True), plain)
    before = told(page, 2000)
    page.context.set_offline(True)
    page.clock.run_for(15_000)
    scroll_to(page, "lab|c:60")
    page.clock.run_for(15_000)
    assert len(stored()) == len(before)
    page.context.set_offline(False)
    events = told(page, 1000)
    assert of(events, "feature_shown", "lab|c:60")
    assert kinds(events)["offline"] == 1
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert not ReviewEvent.objects.gaps().exists()


def test_what_could_not_be_told_outlives_a_reload_and_counts_once(browse, plain, clinician):
    page = case_page(browse(clinician, offline=True), plain)
    page.route("**/events/", lambda route: route.abort())
    page.evaluate("navigator.sendBeacon = () => true")  # lost on its way: no route catches one of a page that is left
    page.clock.run_for(5000)
    page.locator("[data-q=diagnosis] input").first.check()
    page.reload()
    seen(page)
    assert stored() == []
    page.unroute("**/events/")
    events = told(page, 32_000)
    sessions = list(dict.fromkeys(event.page_session for event in events))
    assert len(sessions) == 2
    first = [event for event in events if event.page_session == sessions[0]]
    assert [event.sequence for event in first] == list(range(1, len(first) + 1))
    assert {"case_opened", "feature_shown", "question_changed", "page_closed"} <= kinds(first).keys()
    assert not ReviewEvent.objects.gaps().exists()


def test_a_batch_that_is_refused_leaves_a_gap_that_shows(reading):
    reading.route("**/events/", lambda route: route.fulfill(status=422))
    with reading.expect_response("**/events/"):
        reading.clock.run_for(2000)
    reading.unroute("**/events/")
    told(reading, 12_000)
    gap = ReviewEvent.objects.gaps().get()
    assert gap.first_missing == 1
    assert gap.last_missing >= 2


def test_a_page_that_is_left_says_so(reading):
    reading.clock.run_for(3000)
    reading.evaluate("setTimeout(() => { location.href = '/home/'; })")
    reading.clock.run_for(1)
    expect(reading.get_by_role("heading", name="Your studies")).to_be_visible()
    until(reading, lambda: kinds(stored())["page_closed"])
    # The next case page tells it again, in case that nobody heard: it counts once.
    reading.go_back()
    seen(reading)
    events = told(reading, 2000)
    assert kinds(events)["page_closed"] == 1


def test_first_and_last_change_of_a_question(reading):
    reading.locator("[data-q=diagnosis] input").first.check()
    reading.clock.run_for(3000)
    reading.locator("[data-q=diagnosis] input").nth(1).check()
    reading.clock.run_for(10_000)
    reading.locator("[data-q=remarks] textarea").fill("nothing")
    reading.locator("[data-q=diagnosis] input").first.focus()
    events = told(reading, 1000)
    changed = [event for event in events if event.kind == "question_changed"]
    assert {event.question_key for event in changed} == {"diagnosis", "remarks"}
    first, last = (event.client_at for event in (changed[0], of_question(changed, "diagnosis")[-1]))
    assert (last - first).total_seconds() == pytest.approx(3, abs=1)
    assert kinds(events)["answer_opened"] == 1


def test_search_is_told_without_its_words(reading):
    reading.fill("#find", "Finding 7")
    events = told(reading, 2000)
    (search,) = [event for event in events if event.kind == "searched"]
    assert json.loads(search.data)["places"] == 1
    assert "Finding" not in search.data


def test_an_answered_review_is_not_traced(browse, plain, clinician):
    answers = {"diagnosis": "yes", "risk": 10}
    submit(public_id=plain.public_id, answers=answers, by=clinician)
    page = browse(clinician)
    page.goto(f"/reviews/{plain.public_id}/")
    expect(page.locator("script[src*=trace]")).to_have_count(0)


def test_a_hidden_feature_is_asked_for_and_then_traced(browse, hiding, clinician):
    page = case_page(browse(clinician), hiding)
    row = page.locator("[data-f='lab|c:1']")
    expect(row).to_contain_text("Finding 1")
    assert "SECRET" not in page.content()
    events = told(page, 5000)
    assert of(events, "feature_shown", "lab|c:1") == []
    assert of(events, "feature_shown", "age")
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("SECRET1")
    assert "SECRET2" not in page.content()
    (asked,) = ReviewEvent.objects.filter(kind="feature_revealed")
    assert (asked.feature, json.loads(asked.data)) == ("lab|c:1", {"cost": "0.5", "unit": "points"})
    page.clock.run_for(100)  # the new row settles
    seen(page)
    events = told(page, 25_000)
    assert of(events, "feature_shown", "lab|c:1")
    assert visible(events, "lab|c:1") >= 19_000
    page.reload()
    expect(page.locator("[data-f='lab|c:1']")).to_contain_text("SECRET1")


def test_asking_in_vain_says_why(browse, hiding, clinician):
    page = browse(clinician, offline=True)
    page.goto(f"/reviews/{hiding.public_id}/")
    page.evaluate("console.error = () => {}")  # where htmx tells of each request that failed
    first = page.locator("[data-f='lab|c:1']")
    page.context.set_offline(True)
    first.get_by_role("button").click()
    expect(page.get_by_text("There is no connection.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("What you typed is kept.")).to_be_visible()
    submit(public_id=hiding.public_id, answers={"diagnosis": "yes", "risk": 10}, by=clinician)
    first.get_by_role("button").click()
    expect(page.get_by_text("This case is answered already.")).to_be_visible()
    assert not ReviewEvent.objects.filter(kind=ReviewEvent.Kind.FEATURE_REVEALED).exists()


def test_asking_needs_no_javascript(browse, hiding, clinician):
    page = browse(clinician, javascript=False)
    page.goto(f"/reviews/{hiding.public_id}/")
    page.locator("[data-f='lab|c:2'] button").click()
    expect(page.locator("[data-f='lab|c:2']")).to_contain_text("SECRET2")
    assert ReviewEvent.objects.filter(kind="feature_revealed").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_hidden_features_look_calm_and_hinder_nobody(browse, hiding, clinician, picture, no_barriers, width, scheme):
    page = browse(clinician, width=width, scheme=scheme)
    page.goto(f"/reviews/{hiding.public_id}/")
    page.locator("[data-f='lab|c:1'] button").click()
    expect(page.locator("[data-f='lab|c:1']")).to_contain_text("SECRET1")
    no_barriers(page)
    picture(page, f"hidden-{width}")


def of(events: list[ReviewEvent], kind: str, feature: str) -> list[ReviewEvent]:
    return [event for event in events if event.kind == kind and event.feature == feature]


def of_question(events: list[ReviewEvent], key: str) -> list[ReviewEvent]:
    return [event for event in events if event.question_key == key]


def scroll_to(page: Any, feature: str) -> None:
    page.locator(f"[data-f='{feature}']").first.evaluate(
        "element => element.scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    seen(page)


def cover(page: Any, *, hidden: bool) -> None:
    """As a browser tells a page that another tab is in front of it."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
