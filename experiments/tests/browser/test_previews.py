"""Previews and links in Chromium: the way a researcher and an ethics board take."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from augmed.foundation.browsing import arrived
from experiments.actions import questionnaires
from experiments.actions.preview_links import make_preview_link
from experiments.models import ConsentDocument, Enrolment, Experiment, Stage, Submission
from experiments.tests import factories

pytestmark = pytest.mark.browser

TEXT = "You are invited to take part in a study.\n\nTaking part means:\n\n- reading ten cases\n- answering questions"


@pytest.fixture
def lead(owner: Any) -> Any:
    return owner


@pytest.fixture
def draft(lead: Any) -> Experiment:
    """A draft with consent, questions about the reader and instructions."""
    study = factories.make_study(by=lead, active=False, name="Advice in the emergency room")
    ConsentDocument.objects.create(experiment=study, number=1, title="Consent to take part", text=TEXT)
    about = questionnaires.create_questionnaire(
        experiment=study,
        name="About the reader",
        questions=[{"key": "years", "type": "number", "text": "Years of practice?", "minimum": 0}],
        by=lead,
    )
    fields = {"consent_required": True, "instructions": TEXT, "intake_questionnaire": about.questionnaire}
    Experiment.objects.filter(pk=study.pk).update(**fields)
    study.refresh_from_db()
    return study


def answer(page: Any) -> None:
    page.get_by_label("yes", exact=True).check()
    page.locator("#q-risk").fill("30")
    page.get_by_role("button", name="Send answers").click()


def test_a_researcher_reads_a_draft_as_an_arm_and_starts_over(
    browse: Any, draft: Experiment, lead: Any, picture: Any, no_barriers: Any
) -> None:
    page = browse(lead, width=1440)
    page.goto(reverse("admin:experiments_experiment_change", args=[draft.pk]))
    page.get_by_role("link", name="Previews", exact=True).click()
    expect(page.get_by_role("button", name="Begin", exact=True)).to_be_visible()
    picture(page, "previews-1440")
    page.get_by_label("Arm").select_option(label="Advice afterwards")
    page.get_by_role("button", name="Begin", exact=True).click()
    strip = page.get_by_role("complementary", name="Preview")
    expect(strip).to_contain_text("Nothing here counts")
    picture(page, "preview-before-1440")
    no_barriers(page)
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", name="Your answers")).to_be_visible()
    arrived(page)
    picture(page, "preview-case-1440")
    no_barriers(page)
    answer(page)
    expect(page.get_by_text("There is one more thing to this case")).to_be_visible()
    expect(page.get_by_role("complementary", name="Preview")).to_be_visible()
    picture(page, "preview-done-1440")
    no_barriers(page)
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("button", name="Open the case")).to_be_visible()
    page.get_by_role("link", name="Back to the study").click()
    expect(page.get_by_role("cell", name="1 of 8")).to_be_visible()
    assert Enrolment.objects.filter(kind="preview").count() == 2
    assert Submission.objects.count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "light")])
def test_two_arms_side_by_side(
    browse: Any, draft: Experiment, lead: Any, fits: Any, picture: Any, no_barriers: Any, width: int, scheme: str
) -> None:
    page = browse(lead, width=width, scheme=scheme)
    page.goto(reverse("admin:experiments_experiment_side_by_side", args=[draft.pk]))
    page.get_by_label("Right").select_option(label="With advice")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Only here")).to_be_visible()
    fits(page)
    picture(page, f"side-by-side-{width}-{scheme}")
    no_barriers(page)


def test_a_link_is_made_and_copied(browse: Any, draft: Experiment, lead: Any, picture: Any) -> None:
    page = browse(lead, width=1024)
    page.goto(reverse("admin:experiments_experiment_preview_links", args=[draft.pk]))
    page.get_by_label("For whom").fill("Ethics board")
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_label(re.compile("The link is ready")).input_value()
    picture(page, "links-1024")
    page.goto(address)
    expect(page.get_by_role("heading", name=draft.name)).to_be_visible()
    page.goto(reverse("admin:experiments_experiment_preview_links", args=[draft.pk]))
    page.get_by_role("button", name="Revoke the link for Ethics board").click()
    expect(page.get_by_role("cell", name=re.compile("^revoked"))).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "light"), (390, "dark")])
def test_an_ethics_board_walks_through_a_study_without_an_account(
    browse: Any, draft: Experiment, lead: Any, fits: Any, picture: Any, no_barriers: Any, width: int, scheme: str
) -> None:
    secret = make_preview_link(experiment=draft, label="Board", days=1, by=lead).secret
    page = browse(None, width=width, scheme=scheme)

    def looked_at(name: str, heading: str) -> None:
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        fits(page)
        picture(page, f"look-{name}-{width}-{scheme}")
        no_barriers(page)

    page.goto(reverse("look", args=[secret]))
    looked_at("overview", "Advice in the emergency room")
    page.get_by_role("link", name="Consent").click()
    looked_at("consent", "Consent to take part")
    page.get_by_role("button", name="Sign and take part").click()
    expect(page.get_by_text("Please type your full name.").last).to_be_visible()
    looked_at("consent-wrong", "Consent to take part")
    page.get_by_label("I have read the text above and agree to take part.").check()
    page.get_by_label("Your full name, as your signature").fill("A Name")
    page.get_by_role("button", name="Sign and take part").click()
    page.get_by_label("Years of practice?").fill("3")
    looked_at("about", "About you")
    page.get_by_role("button", name="Save and go on").click()
    looked_at("instructions", "Instructions")
    page.get_by_role("link", name="I have read it").click()
    page.get_by_role("link", name="Case 1 (Version C)").click()
    expect(page.locator("#answers")).to_be_visible()
    looked_at("case", "Case 1")
    page.get_by_role("button", name="Send answers").click()
    expect(page.get_by_text("This question needs an answer.").first).to_be_visible()
    answer(page)
    looked_at("sent", "Saved")
    page.get_by_role("button", name="Go on with this case").click()
    expect(page.get_by_role("heading", name="Your answers")).to_be_visible()
    expect(page.get_by_text("Made-up advice").first).to_be_visible()
    looked_at("second", "Your answers")
    answer(page)
    page.get_by_role("link", name="Open the next case").click()
    expect(page.get_by_role("heading", name="Case 2")).to_be_visible()
    assert not Enrolment.objects.exists()


def test_what_is_hidden_by_a_link_is_asked_for_by_a_click(
    browse: Any, draft: Experiment, lead: Any, picture: Any
) -> None:
    Stage.objects.filter(arm__experiment=draft).update(
        hidden_until_asked=True, reveal_cost="2", reveal_cost_unit="points"
    )
    secret = make_preview_link(experiment=draft, label="Board", days=1, by=lead).secret
    page = browse(None, width=1024)
    page.goto(reverse("look_case", args=[secret, "b", 1, 1]))
    expect(page.get_by_text("Example model")).to_have_count(0)
    picture(page, "look-hidden-1024")
    page.get_by_role("button", name="Show Risk estimate").click()
    expect(page.get_by_text("Example model").first).to_be_visible()
    expect(page.get_by_role("button", name="Show Age")).to_be_visible()


def test_a_link_works_without_javascript(browse: Any, draft: Experiment, lead: Any) -> None:
    Stage.objects.filter(arm__experiment=draft).update(hidden_until_asked=True)
    secret = make_preview_link(experiment=draft, label="Board", days=1, by=lead).secret
    page = browse(None, width=1024, javascript=False)
    page.goto(reverse("look_case", args=[secret, "b", 1, 1]))
    page.get_by_role("button", name="Show Risk estimate").click()
    page.get_by_role("button", name="Show Age").click()
    expect(page.get_by_text("Example model").first).to_be_visible()
    answer(page)
    expect(page.get_by_text("Your answers are saved and final.")).to_be_visible()
