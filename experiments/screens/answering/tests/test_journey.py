"""The whole journey of a clinician: from signing in to the last of ten cases, each read twice, on the screens alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from experiments.models import Answer, AttentionCheckAnswer, Enrolment, Review, ReviewDraft, Submission
from experiments.reviewing.progress import totals
from experiments.screens.answering.tests.browser_help import fill, is_done, is_open
from experiments.screens.answering.tests.questions import ALL_TYPES, ANSWERS
from experiments.screens.joining.tests.helpers import joining_study
from experiments.tests import factories

pytestmark = pytest.mark.browser

PASSWORD = "a long Passphrase 1!"
CASES = 10


@pytest.fixture
def study(owner: Any) -> Any:
    """Ten cases in one arm of two stages; consent, questions about the reader, instructions, one case to practise."""
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    return joining_study(owner, arms=arms, cases=CASES, questions=ALL_TYPES, case_order="fixed")


@pytest.fixture
def enrolled(study: Any, clinician: Any) -> Enrolment:
    return factories.make_enrolment(study, clinician)


def sign_in(page: Any, user: Any) -> None:
    page.goto("/")
    page.locator("[name=username]").fill(user.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("heading", name="Your studies")).to_be_visible()


def join(page: Any) -> None:
    page.get_by_role("link", name="Read and sign the consent form").click()
    page.get_by_label("I have read the text above and agree to take part.").check()
    page.get_by_label("Your full name, as your signature").fill("Dr. Ada Reader")
    page.get_by_role("button", name="Sign and take part").click()
    page.locator('[data-q="experience"]').get_by_label("more").check()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="I have read it").click()
    expect(page.get_by_role("button", name="Begin to practise")).to_be_visible()


def read(page: Any, *, risk: str) -> None:
    """Answer the case that is open."""
    is_open(page)
    fill(page, risk=risk)
    if (check := page.locator('[data-q="one-more"]')).count():
        check.get_by_label("All of the above").check()
    page.get_by_role("button", name="Send answers").click()


def practise(page: Any) -> None:
    """Both readings of the case for practice, as far as its feedback."""
    page.get_by_role("button", name="Begin to practise").click()
    page.get_by_role("button", name="Open the case").click()
    read(page, risk="10")
    is_done(page)
    page.get_by_role("button", name="Go on with this case").click()
    read(page, risk="10")
    page.wait_for_url("**/training/")
    expect(page.get_by_text("Feedback on case").first).to_be_visible()


def test_ten_cases_read_twice(browse: Any, enrolled: Enrolment, clinician: Any, study: Any, picture: Any) -> None:
    page = browse(None)
    sign_in(page, clinician)
    join(page)
    practise(page)
    page.goto("/home/")
    expect(page.get_by_text(f"0 of {CASES} cases answered")).to_be_visible()
    page.get_by_role("link", name="Go to the next case").click()
    page.get_by_role("button", name="Open the case").click()

    for number in range(1, CASES + 1):
        is_open(page)
        assert "stage" not in page.locator("main").inner_text().lower()
        expect(page.get_by_text("Risk estimate")).to_have_count(0)
        read(page, risk="20")
        is_done(page)
        page.get_by_role("button", name="Go on with this case").click()
        expect(page.get_by_text("Risk estimate").first).to_be_visible()
        read(page, risk="40")
        is_done(page)
        expect(page.get_by_text(f"{number} of {CASES} cases answered")).to_be_visible()
        if number < CASES:
            page.get_by_role("button", name="Open the next case").click()

    expect(page.get_by_text("You have answered every case so far. Thank you.")).to_be_visible()
    picture(page, "done-last-1440-light")
    enrolled.refresh_from_db()
    assert enrolled.status == Enrolment.Status.COMPLETED
    real = Submission.objects.filter(review__assignment__enrolment=enrolled)
    assert real.count() == 2 * CASES == Review.objects.filter(assignment__enrolment=enrolled).count()
    assert Answer.objects.filter(submission__in=real).count() == 2 * CASES * len(ANSWERS)
    assert AttentionCheckAnswer.objects.get(submission__in=real).passed  # of the tenth case
    assert not ReviewDraft.objects.exists()
    assert (totals(study).assigned, totals(study).answered) == (CASES, CASES)
