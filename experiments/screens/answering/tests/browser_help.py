"""What the tests of answering in a browser share."""

from __future__ import annotations

import json
from typing import Any

from django.urls import reverse
from playwright.sync_api import expect

from experiments.models import Answer, Review
from experiments.screens.answering.tests.questions import ANSWERS


def address(review: Review) -> str:
    return reverse("review", args=[review.public_id])


def open_case(page: Any, review: Review) -> None:
    page.goto(address(review))
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_selector("#answers")


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
    expect(page.locator(f'[data-says="{what}"]')).to_be_visible(timeout=30_000)


def is_done(page: Any) -> None:
    expect(page.get_by_role("heading", name="Saved")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Your answers are saved and final.")).to_be_visible()


def stored(review: Review) -> dict[str, Any]:
    rows = Answer.objects.filter(submission__review=review).values_list("question_key", "value")
    return {key: json.loads(value) for key, value in rows}
