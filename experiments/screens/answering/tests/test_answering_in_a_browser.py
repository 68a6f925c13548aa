"""The controls in Chromium: each type of question, by pointer and by keyboard; errors in place; drafts come back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from augmed.foundation.browsing import until
from experiments.models import Review, ReviewDraft, Submission
from experiments.screens.answering.tests.browser_help import (
    field,
    fill,
    go_on,
    is_done,
    is_kept,
    is_open,
    open_case,
    says,
    stored,
)
from experiments.screens.answering.tests.questions import ANSWERS

pytestmark = pytest.mark.browser

SIZES = [(1440, "light"), (1440, "dark"), (1024, "light"), (1024, "dark"), (390, "light"), (390, "dark")]


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_each_type_of_question_errors_and_both_readings(
    browse: Any, review: Review, clinician: Any, fits: Any, picture: Any, no_barriers: Any, width: int, scheme: str
) -> None:
    page = browse(clinician, width=width, scheme=scheme)
    open_case(page, review)
    fits(page)
    picture(page, f"case-{width}-{scheme}")
    no_barriers(page)

    fill(page, risk="120", next="")
    page.get_by_role("button", name="Send answers").click()
    expect(page.locator("#errors")).to_be_focused()
    expect(page.get_by_text("The number must be at most 100.")).to_be_visible()
    fits(page)
    picture(page, f"errors-{width}-{scheme}")
    no_barriers(page)
    page.get_by_role("link", name="What would you do next?").click()
    expect(page.locator("#q-next")).to_be_focused()

    fill(page)
    page.get_by_role("button", name="Send answers").click()
    is_done(page)
    assert stored(review)["risk"] == "35"
    picture(page, f"done-{width}-{scheme}")
    no_barriers(page)

    go_on(page)
    fill(page, risk="60", diagnosis="Pneumonia")
    expect(page.locator("[data-changed]:visible")).to_have_count(2)
    picture(page, f"again-{width}-{scheme}")
    no_barriers(page)
    fits(page)
    page.get_by_role("button", name="Send answers").click()
    page.get_by_role("link", name="Look at what you answered").click()
    expect(page.locator(".given .tag")).to_have_count(2)
    picture(page, f"given-{width}-{scheme}")
    no_barriers(page)
    fits(page)


def test_what_was_refused_is_kept_for_another_device_too(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    fill(page, risk="120")
    with page.expect_response(lambda response: "/draft/" in response.url and "/answer/" in page.url):
        page.get_by_role("button", name="Send answers").click()
    says(page, "saved")
    assert json.loads(ReviewDraft.objects.get().answers)["risk"] == "120"


def test_the_questions_are_two_keys_away(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#questions")
    page.keyboard.press("Tab")
    expect(page.locator("#q-diagnosis-1")).to_be_focused()


def test_a_slider_is_no_answer_before_it_is_touched(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    slider, number = page.locator('[data-slider="q-risk"]'), page.locator("#q-risk")
    expect(number).to_have_value("")
    expect(slider).to_have_attribute("aria-valuetext", "No answer yet")

    slider.focus()
    page.keyboard.press("Tab")
    expect(number).to_have_value("")  # to pass by is not to answer
    slider.focus()
    page.keyboard.press("Home")
    expect(number).to_have_value("0")  # the lowest value can be chosen
    page.keyboard.press("ArrowRight")
    expect(number).to_have_value("1")
    number.fill("42")
    expect(slider).to_have_value("42")
    number.fill("")
    expect(slider).to_have_attribute("aria-valuetext", "No answer yet")
    number.fill("33,5")
    slider.click()  # in its middle
    expect(number).to_have_value(re.compile(r"^(49|50|51)$"))


def test_a_click_at_the_very_start_of_a_slider_is_its_lowest_value(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    page.locator('[data-slider="q-urgency"]').click(position={"x": 3, "y": 20})
    expect(page.locator("#q-urgency")).to_have_value("0")


def test_the_whole_form_by_keyboard_alone(browse: Any, review: Review, clinician: Any) -> None:
    """From the button that opens the case to the second reading, no pointer."""
    page = browse(clinician)
    page.goto(reverse("review", args=[review.public_id]))
    page.get_by_role("button", name="Open the case").focus()
    page.keyboard.press("Enter")
    is_open(page)

    def go_to(selector: str) -> None:
        """By Tab, as far as it takes; what has the focus can be seen to have it."""
        for _ in range(60):
            page.keyboard.press("Tab")
            here = page.evaluate(
                "(wanted) => { const now = document.activeElement; return [now.matches(wanted), "
                "now === document.body || getComputedStyle(now).outlineStyle !== 'none', now.outerHTML]; }",
                selector,
            )
            assert here[1], here[2][:300]
            if here[0]:
                return
        raise AssertionError(f"{selector} cannot be reached")

    go_to("#q-diagnosis-1")
    page.keyboard.press("ArrowDown")
    go_to("#q-findings-2")
    page.keyboard.press("Space")
    go_to("#q-findings-3")
    page.keyboard.press("Space")
    go_to("#q-risk")
    page.keyboard.type("35")
    go_to('[data-slider="q-risk"]')
    go_to("#q-sure-1")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    go_to('[data-slider="q-urgency"]')
    page.keyboard.press("End")
    go_to("#q-dose")
    page.keyboard.type("7,5")
    go_to("#q-seen")
    page.keyboard.type("02032026")
    go_to("#q-next")
    page.keyboard.type("CT scan")
    go_to("#q-remarks")
    page.keyboard.type("Two")
    page.keyboard.press("Enter")
    page.keyboard.type("lines")
    go_to("#answers button[type=submit]")
    page.keyboard.press("Enter")
    is_done(page)
    assert stored(review) == {**ANSWERS, "findings": ["Cough", "Leg swelling"], "urgency": "100"}
    page.get_by_role("button", name="Go on with this case").focus()
    page.keyboard.press("Enter")
    is_open(page)
    field(page, "diagnosis").get_by_role("button", name="Keep it").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#q-diagnosis-2")).to_be_focused()
    expect(page.locator("#q-diagnosis-2")).to_be_checked()


def test_what_is_typed_comes_back_on_another_device(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    fill(page)
    is_kept(page)
    tablet = browse(clinician, width=1024)
    tablet.goto(reverse("review", args=[review.public_id]))
    expect(tablet.locator("#q-next")).to_have_value("CT scan")
    expect(tablet.locator("#q-remarks")).to_have_value("Two\nlines")
    expect(field(tablet, "findings").get_by_label("Cough")).to_be_checked()
    expect(tablet.locator('[data-slider="q-risk"]')).to_have_value("35")


def test_save_and_pause_leads_home_and_back(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    page.locator("#q-next").fill("CT scan")
    page.get_by_role("button", name="Save and pause").click()
    expect(page.get_by_text("Your answers so far are saved.")).to_be_visible()
    page.get_by_role("link", name="Go on with this case").click()
    expect(page.locator("#q-next")).to_have_value("CT scan")


def test_who_leaves_with_unsaved_words_is_warned(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician, offline=True)
    open_case(page, review)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.context.set_offline(True)
    page.locator("#q-next").click()
    page.keyboard.type("CT scan")
    expect(page.locator('[data-says="offline"]')).to_be_visible()
    page.evaluate("setTimeout(() => location.assign('/home/'))")
    until(page, lambda: asked)
    assert asked == ["beforeunload"]


def test_first_answers_can_be_kept_one_by_one(browse: Any, review: Review, clinician: Any) -> None:
    page = browse(clinician)
    open_case(page, review)
    fill(page)
    page.get_by_role("button", name="Send answers").click()
    is_done(page)
    go_on(page)
    expect(page.locator("#q-risk")).to_have_value("")
    while (keep := page.locator("[data-keep]:visible")).count():
        keep.first.click()
    expect(page.locator("[data-changed]:visible")).to_have_count(0)
    page.get_by_role("button", name="Send answers").click()
    is_done(page)
    first, second = Review.objects.filter(assignment=review.assignment_id).order_by("stage_position")
    assert stored(first) == stored(second)


def test_all_of_it_without_javascript(browse: Any, review: Review, clinician: Any, picture: Any) -> None:
    page = browse(clinician, javascript=False)
    open_case(page, review)
    expect(page.locator('[data-slider="q-risk"]')).to_be_hidden()
    fill(page, next="")
    page.get_by_role("button", name="Send answers").click()
    page.get_by_text("One answer needs another look.").wait_for()
    picture(page, "errors-without-javascript")
    page.locator("#q-next").fill("CT scan")
    page.get_by_role("button", name="Save and pause").click()
    page.get_by_role("link", name="Go on with this case").click()
    expect(page.locator("#q-next")).to_have_value("CT scan")
    page.get_by_role("button", name="Send answers").click()
    is_done(page)
    assert Submission.objects.count() == 1
    assert not ReviewDraft.objects.exists()


def test_at_200_percent_everything_can_be_reached(
    browse: Any, review: Review, clinician: Any, fits: Any, picture: Any
) -> None:
    """A window of 1280 by 1024 at 200 % is one of 640 by 512."""
    page = browse(clinician)
    page.set_viewport_size({"width": 640, "height": 512})
    open_case(page, review)
    fits(page)
    for name in ("Send answers", "Save and pause"):
        page.get_by_role("button", name=name).scroll_into_view_if_needed()
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()
    picture(page, "case-at-200-percent")
