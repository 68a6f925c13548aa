"""What the tests of answering in a browser share."""

from __future__ import annotations

import json
from typing import Any

from django.urls import reverse
from playwright.sync_api import expect

from augmed.foundation.browsing import arrived, until
from experiments.models import Answer, Review, ReviewDraft
from experiments.screens.answering.tests.questions import ANSWERS


def address(review: Review) -> str:
    return reverse("review", args=[review.public_id])


def open_case(page: Any, review: Review) -> None:
    page.goto(address(review))
    page.get_by_role("button", name="Open the case").click()
    is_open(page)


def is_open(page: Any) -> None:
    """The case with its questions is there, and the scripts that keep and send what is typed. Before this step the
    page had no questions."""
    expect(page.locator("#answers")).to_be_visible()
    arrived(page)


def go_on(page: Any) -> None:
    """From the first answers to the second reading."""
    page.get_by_role("button", name="Go on with this case").click()
    is_open(page)


def field(page: Any, key: str) -> Any:
    return page.locator(f'[data-q="{key}"]')


def fill(page: Any, **other: str) -> None:
    """Answers to all questions, by pointer."""
    answers = {**ANSWERS, **other}
    field(page, "diagnosis").get_by_label(answers["diagnosis"]).check()
    for finding in answers["findings"]:
        field(page, "findings").get_by_label(finding).check()
    page.locator("#q-risk").fill(answers["risk"])
    field(page, "sure").get_by_label(answers["sure"], exact=True).check()
    page.locator("#q-urgency").fill(answers["urgency"])
    page.locator("#q-dose").fill(answers["dose"])
    page.locator("#q-seen").fill(answers["seen"])
    page.locator("#q-next").fill(answers["next"])
    page.locator("#q-remarks").fill(answers["remarks"])


def send(page: Any) -> None:
    page.get_by_role("button", name="Send answers").click()


def says(page: Any, what: str) -> None:
    """The line of this name is the one that is shown."""
    expect(page.locator(f'[data-says="{what}"]')).to_be_visible()


def is_kept(page: Any) -> None:
    """All of `fill` is in the draft. That something was saved is said earlier, too, where a field took its time."""
    until(page, lambda: ReviewDraft.objects.filter(answers__contains="lines").exists())
    says(page, "saved")


def is_done(page: Any) -> None:
    expect(page.get_by_role("heading", name="Saved")).to_be_visible()
    expect(page.get_by_text("Your answers are saved and final.")).to_be_visible()


def stored(review: Review) -> dict[str, Any]:
    rows = Answer.objects.filter(submission__review=review).values_list("question_key", "value")
    return {key: json.loads(value) for key, value in rows}
