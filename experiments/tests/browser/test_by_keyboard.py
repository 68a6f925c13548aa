"""The whole journey of a clinician by keyboard alone: no pointer, and no focus that a key did not bring."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from augmed.foundation.browsing import arrived, until
from experiments.actions.design import update_stage
from experiments.actions.lifecycle import activate
from experiments.models import Answer, Arm, Enrolment, ReviewEvent
from experiments.screens.joining.tests.helpers import CONFIRMED, joining_study
from experiments.tests import factories

pytestmark = pytest.mark.browser

PASSWORD = "a long Passphrase 1!"
FOLDED = [{"node": "age", "shown": True}, {"node": "lab", "shown": True, "collapse": True}]
# The ring around what has the focus can be seen, and no bar or panel lies over all of it.
CAN_BE_SEEN = """(element) => {
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const free = (x, y) => {
    const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
    return top && (element.contains(top) || top.closest("label")?.control === element);
  };
  return ring && [[0.5, 0.5], [0.05, 0.5], [0.95, 0.5], [0.5, 0.1], [0.5, 0.9]].some(([x, y]) => free(x, y));
}"""


@pytest.fixture
def study(owner: Any) -> Any:
    """One case whose laboratory values are folded; the second reading adds advice, and hides all until asked."""
    stages = [FOLDED, [*FOLDED, *factories.show(factories.ADVICE)]]
    study = joining_study(owner, cases=1, arms={"Advice afterwards": stages}, active=False)
    second = Arm.objects.get(experiment=study).stages.get(position=2)
    update_stage(stage=second, by=owner, hidden_until_asked=True)
    activate(experiment=study, by=owner, confirmed=CONFIRMED | {"hides_what_was_shown"})
    study.refresh_from_db()
    return study


class Keys:
    """A keyboard. Each stop of the Tab key is told by its name, so that none is passed over and none is lost."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.here = page.locator(":focus")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)

    def stands_on(self, name: str | re.Pattern[str]) -> None:
        expect(self.here).to_have_accessible_name(name)
        expect(self.here).to_be_in_viewport()
        until(self.page, lambda: self.here.evaluate(CAN_BE_SEEN))

    def tab(self, *names: str | re.Pattern[str], key: str = "Tab") -> None:
        """The next stops, in this order."""
        for name in names:
            self.press(key)
            self.stands_on(name)

    def back(self, *names: str | re.Pattern[str]) -> None:
        self.tab(*names, key="Shift+Tab")

    def use(self, name: str | re.Pattern[str], onward: Locator, key: str = "Enter") -> None:
        """The next stop leads to a page of its own."""
        self.tab(name)
        self.press(key)
        self.comes(onward)

    def comes(self, onward: Locator) -> None:
        expect(onward).to_be_visible()
        arrived(self.page)

    def to_the_content(self) -> None:
        if self.page.url.endswith("#main"):  # a form that was reached so hands it on to the page that follows
            return
        self.tab("Skip to the content")
        self.press("Enter")
        expect(self.page.locator("main")).to_be_focused()


def sign_in(keys: Keys, email: str) -> None:
    keys.page.goto("/")
    keys.stands_on("E-mail address")
    keys.type(email)
    keys.tab("Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    keys.comes(keys.page.get_by_role("heading", name="Your studies"))


def join(keys: Keys) -> None:
    page = keys.page
    keys.to_the_content()
    keys.use("Read and sign the consent form", page.get_by_role("button", name="Sign and take part"))
    keys.to_the_content()
    keys.tab("I have read the text above and agree to take part.")
    keys.press("Space")
    keys.tab("Your full name, as your signature")
    keys.type("Dr. Ada Reader")
    keys.use("Sign and take part", page.get_by_role("group", name="How experienced are you?"))
    keys.to_the_content()
    keys.tab("< 5 years")
    keys.press("ArrowDown")
    keys.stands_on("more")
    keys.tab("Years since you qualified")
    keys.type("12")
    keys.use("Save and go on", page.get_by_role("button", name="I have read it"))
    keys.to_the_content()
    keys.use("I have read it", page.get_by_role("button", name="Begin to practise"), key="Space")


def open_the_case(keys: Keys) -> None:
    keys.to_the_content()
    keys.use("Open the case", keys.page.locator("#answers"))


def to_the_questions(keys: Keys) -> None:
    keys.tab("Skip to the content", "To the questions")
    keys.press("Enter")
    expect(keys.page.locator("#questions")).to_be_focused()


def answer(keys: Keys) -> None:
    """From just before the first question; the number is typed."""
    keys.tab("yes")
    keys.press("Space")
    expect(keys.here).to_be_checked()
    keys.tab(re.compile("^How likely"))
    keys.type("30")
    keys.tab(re.compile("^How likely"), "Anything else?")
    keys.use("Send answers", keys.page.get_by_role("heading", name="Saved"))


def practise(keys: Keys) -> None:
    page = keys.page
    keys.to_the_content()
    keys.use("Begin to practise", page.get_by_role("button", name="Open the case"))
    open_the_case(keys)
    to_the_questions(keys)
    answer(keys)
    keys.to_the_content()
    keys.use("Go on with this case", page.locator("#answers"))
    to_the_questions(keys)
    keep_both(keys, page.get_by_text("Feedback on case"))
    keys.to_the_content()
    keys.use("Go to the next case", page.get_by_role("button", name="Open the case"))


def keep_both(keys: Keys, onward: Locator) -> None:
    """The second answers, as the first; from just before the first question."""
    keys.tab(re.compile("^Keep it ?: Which diagnosis"))
    keys.press("Enter")
    keys.stands_on("yes")
    expect(keys.here).to_be_checked()
    keys.tab(re.compile("^Keep it ?: How likely"))
    keys.press("Space")
    keys.stands_on(re.compile("^How likely"))
    expect(keys.here).to_have_value("30")
    keys.tab(re.compile("^How likely"), "Anything else?", "Send answers")
    keys.back("Anything else?")
    keys.type("As before.")
    keys.use("Send answers", onward)


def read(keys: Keys) -> None:
    """Search, and open what is folded."""
    page = keys.page
    value = page.get_by_text("13.2 u")
    keys.tab("Skip to the content", "To the questions", "AugMed", "Account", "Sign out", "Search in this case")
    keys.type("hemo")
    expect(page.locator("#found")).to_have_text("1 place")
    expect(value).to_be_visible()
    keys.press("Enter")
    keys.tab("1 / 1")
    keys.back("Search in this case")
    keys.press("Escape")
    expect(value).to_be_hidden()
    keys.tab("Open all", "Close all", "Keys", "Patient", "Findings", "Details Hemoglobin")
    keys.press("Enter")
    expect(value).to_be_visible()
    keys.tab("Details Creatinine")


def read_again(keys: Keys) -> None:
    """Ask for the advice, which is last."""
    parts = ("Patient", "Findings", "Advice")
    keys.tab("Skip to the content", "To the questions", "AugMed", "Account", "Sign out")
    keys.tab("Search in this case", "Open all", "Close all", "Keys", *parts)
    keys.tab("Patient", "Show Age", "Findings", "Show Hemoglobin", "Show Creatinine", "Advice", "Show Risk estimate")
    keys.press("Enter")
    expect(keys.here).to_contain_text("12 %")  # in the place of the button, and with its focus
    expect(keys.here).to_be_in_viewport()
    keys.back("Advice")


def test_from_signing_in_to_signing_out(browse: Any, study: Any, clinician: Any) -> None:
    enrolment = factories.make_enrolment(study, clinician)
    page = browse(None)
    keys = Keys(page)
    sign_in(keys, clinician.email)
    join(keys)
    practise(keys)

    open_the_case(keys)
    read(keys)
    answer(keys)
    keys.to_the_content()
    keys.use("Go on with this case", page.locator("#answers"))
    read_again(keys)
    keep_both(keys, page.get_by_text("You have answered every case so far. Thank you."))
    keys.to_the_content()
    keys.use("To your studies", page.get_by_role("heading", name="Your studies"))
    keys.tab("Skip to the content", "AugMed", "Language", "Change", "Account")
    keys.use("Sign out", page.get_by_text("You are signed out."))

    enrolment.refresh_from_db()
    assert enrolment.status == Enrolment.Status.COMPLETED
    given = Answer.objects.filter(submission__review__assignment__enrolment=enrolment)
    assert sorted(given.values_list("question_key", "value")) == [
        ("diagnosis", '"yes"'), ("diagnosis", '"yes"'), ("remarks", '"As before."'), ("risk", '"30"'), ("risk", '"30"'),
    ]  # fmt: skip
    asked = ReviewEvent.objects.filter(kind="feature_revealed", review__assignment__enrolment=enrolment)
    assert asked.get().feature == "advice"
