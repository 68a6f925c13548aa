"""Joining a study in Chromium: every page at each width and in both themes, by keyboard, and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from augmed.foundation.browsing import arrived
from experiments.actions.design import update_experiment
from experiments.actions.references import set_reference
from experiments.models import Enrolment, Experiment
from experiments.screens.joining.tests import helpers
from experiments.tests import factories

pytestmark = pytest.mark.browser

SIZES = [(1440, "light"), (1440, "dark"), (1024, "light"), (390, "light"), (390, "dark")]
CONSENT = """This study asks how clinicians judge the risk of patients, and whether advice of a computer changes that.

If you take part, you will:
- read ten de-identified cases, in your own time and at your own place, with a break whenever you like
- answer the same few questions about each of them
- tell us once about your profession and experience

Your answers are stored under a random code. Only the study team at the university can connect it with your name, and \
only as long as the study runs.

Taking part is voluntary. There is no disadvantage for you if you do not take part or leave later."""
INSTRUCTIONS = """Read each case as you would on your ward, then answer the questions beside it.

- Take the time that you would take there.
- Do not look anything up: we are interested in your own judgement.

What you send is final. You can pause at any time before."""
ABOUT = [
    {"key": "profession", "type": "single_choice", "text": "Your profession",
     "options": ["Physician", "Nurse", "Other"]},
    {"key": "years", "type": "number", "text": "Years of experience", "unit": "years", "minimum": 0, "maximum": 60},
    {"key": "trust", "type": "scale", "text": "How much do you trust calculated risks?", "minimum": 1, "maximum": 5,
     "low_label": "not at all", "high_label": "fully"},
    {"key": "ward", "type": "short_text", "text": "Where do you work?", "required": False,
     "help": "For example: internal medicine."},
]  # fmt: skip


@pytest.fixture
def study(owner: Any, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.setattr(helpers, "CONSENT", CONSENT)
    monkeypatch.setattr(helpers, "ABOUT", ABOUT)
    study = helpers.joining_study(owner, instructions=INSTRUCTIONS, name="Judging risk with and without advice")
    for row in study.training_cases.all():
        row.feedback = "The patient was readmitted.\n\nNote:\n- the hemoglobin fell\n- the creatinine rose"
        row.save()
        set_reference(experiment=study, case=row.case, question_key="diagnosis", value="no", rule="outcome", by=owner)
        set_reference(experiment=study, case=row.case, question_key="risk", value="yes", rule="outcome", by=owner)
    return update_experiment(experiment=study, description="", by=owner)


@pytest.fixture
def reader(study: Experiment, clinician: Any) -> Enrolment:
    return factories.make_enrolment(study, clinician)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_from_the_consent_to_the_feedback_and_out_again(
    browse: Any,
    study: Experiment,
    reader: Enrolment,
    fits: Any,
    picture: Any,
    no_barriers: Any,
    width: int,
    scheme: str,
) -> None:
    page = browse(reader.user, width=width, scheme=scheme)

    def looked_at(name: str, only_here: Any) -> None:
        expect(only_here).to_be_visible()
        fits(page)
        picture(page, f"{name}-{width}-{scheme}")
        no_barriers(page)

    page.goto("/home/")
    page.get_by_role("link", name="Read and sign the consent form").click()
    looked_at("consent", page.get_by_role("button", name="Sign and take part"))
    page.get_by_role("button", name="Sign and take part").click()
    expect(page.locator("#errors")).to_be_focused()
    looked_at("consent-errors", page.locator("#errors"))
    page.get_by_label("I have read the text above").check()
    page.get_by_label("Your full name").fill("Dr. Ada Reader")
    page.get_by_role("button", name="Sign and take part").click()

    looked_at("intake", page.get_by_role("heading", name="About you"))
    page.get_by_role("button", name="Save and go on").click()
    expect(page.locator("#errors")).to_be_focused()
    looked_at("intake-errors", page.locator("#errors"))
    page.get_by_label("Physician").check()
    page.get_by_label("Years of experience").fill("12")
    page.get_by_label("4", exact=True).check()
    page.get_by_role("button", name="Save and go on").click()

    looked_at("instructions", page.get_by_role("button", name="I have read it"))
    page.get_by_role("button", name="I have read it").click()
    looked_at("practice", page.get_by_role("button", name="Begin to practise"))
    page.get_by_role("button", name="Begin to practise").click()
    looked_at("practice-unopened", page.get_by_role("button", name="Open the case"))
    page.get_by_role("button", name="Open the case").click()
    expect(page.locator("#answers")).to_be_visible()
    arrived(page)
    page.get_by_label("yes").check()
    page.locator("#q-risk").fill("30")
    page.get_by_role("button", name="Send answers").click()
    looked_at("feedback", page.get_by_text("Differs from your answer"))

    page.get_by_role("link", name="To your studies").click()
    page.get_by_role("link", name="Leave the study").click()
    looked_at("withdraw", page.get_by_role("button", name="Leave the study"))
    page.get_by_role("button", name="Leave the study").click()
    looked_at("left", page.get_by_text("It is recorded that you left."))


def test_by_keyboard_alone(browse: Any, study: Experiment, reader: Enrolment) -> None:
    page = browse(reader.user)
    page.goto(helpers.page(study, "consent"))
    page.locator("#agrees").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("Ada Reader")
    page.keyboard.press("Enter")  # signs: the first button of the form is not "I do not want to take part"
    expect(page.get_by_role("heading", name="About you")).to_be_visible()
    reader.refresh_from_db()
    assert reader.status == "active"


def test_without_javascript(browse: Any, study: Experiment, reader: Enrolment) -> None:
    page = browse(reader.user, javascript=False)
    page.goto(helpers.page(study, "consent"))
    page.get_by_label("I have read the text above").check()
    page.get_by_label("Your full name").fill("Ada Reader")
    page.get_by_role("button", name="Sign and take part").click()
    page.get_by_label("Nurse").check()
    page.get_by_label("Years of experience").fill("3")
    page.get_by_label("2", exact=True).check()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="I have read it").click()
    page.get_by_role("button", name="Begin to practise").click()
    expect(page.get_by_role("button", name="Open the case")).to_be_visible()


def test_at_twice_the_size_nothing_is_cut_off(browse: Any, study: Experiment, reader: Enrolment, fits: Any) -> None:
    page = browse(reader.user, width=640, device_scale_factor=2)  # as 1280 pixels at 200 %
    for name in ("consent", "instructions", "withdraw"):
        page.goto(helpers.page(study, name))
        fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_researchers_pages(
    browse: Any, study: Experiment, owner: Any, picture: Any, no_barriers: Any, scheme: str
) -> None:
    page = browse(owner, scheme=scheme)
    for name in ("consent", "training"):
        page.goto(f"/admin/experiments/experiment/{study.pk}/{name}/")
        picture(page, f"admin-{name}-{scheme}")
        no_barriers(page)
