"""The running study in Chromium: every page in both themes and three widths, and the way of a reminder."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from augmed.foundation.browsing import until
from experiments.actions.references import set_reference
from experiments.actions.reminders import set_reminder_rule
from experiments.models import Enrolment
from experiments.tests import factories
from experiments.tests.monitoring.conftest import joined, read, reviews_of

pytestmark = pytest.mark.browser

PAGES = ("progress", "progress_participants", "progress_cases", "stalled", "reminders")


@pytest.fixture
def running(lead: Any) -> Any:
    """A study of three arms, with people who have come differently far."""
    study = factories.make_study(by=lead, cases=5, case_order="fixed", name="Advice on chest pain")
    begun = timezone.now() - timedelta(days=40)
    for number in range(8):
        enrolment = joined(study, at=begun, email=f"reader.{number}@hospital.example.org", password=number != 6)
        for place, review in enumerate(reviews_of(enrolment)[: number * 2 if number < 6 else 0]):
            at = begun + timedelta(days=2 * number + place, hours=place)
            answers = {"diagnosis": "yes" if place % 3 else "no", "risk": (number * 17 + place * 29) % 101}
            read(review, answers=answers, at=at, seconds=25 + 70 * place + 11 * number)
    case = study.study_cases.first().case
    set_reference(experiment=study, case=case, question_key="risk", value="yes", rule="one reading", by=None)
    set_reminder_rule(experiment=study, by=lead, quiet_from="00:00", quiet_until="00:00", on_weekends=True)
    return study


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "light")])
def test_every_page(
    browse: Any, running: Any, lead: Any, fits: Any, picture: Any, no_barriers: Any, width: int, scheme: str
) -> None:
    page = browse(lead, width=width, scheme=scheme)
    for name in PAGES:
        answer = page.goto(reverse(f"admin:experiments_experiment_{name}", args=[running.pk]))
        assert answer.status == 200
        picture(page, f"monitor-{name}-{width}-{scheme}")
        fits(page)
        no_barriers(page)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_outcomes_by_arm(
    browse: Any, running: Any, administrator: Any, fits: Any, picture: Any, no_barriers: Any, width: int, scheme: str
) -> None:
    page = browse(administrator, width=width, scheme=scheme)
    page.goto(reverse("admin:experiments_experiment_outcomes_by_arm", args=[running.pk]))
    picture(page, f"monitor-outcomes-gate-{width}-{scheme}")
    no_barriers(page)
    page.get_by_label("Why do you look?").fill("Monthly safety meeting")
    page.get_by_role("button", name="Show outcomes by arm").click()
    expect(page.get_by_role("heading", name="How likely?")).to_be_visible()
    picture(page, f"monitor-outcomes-{width}-{scheme}")
    fits(page)
    no_barriers(page)


def test_a_reminder_from_the_list_to_the_wish_for_none(
    browse: Any, running: Any, staff: Any, picture: Any, no_barriers: Any, live_server: Any, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    page = browse(staff(running, "coordinator"))
    page.goto(reverse("admin:experiments_experiment_stalled", args=[running.pk]))
    row = page.get_by_role("row").filter(has_text="reader.0@hospital.example.org")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Remind now").click()
    expect(page.get_by_text("Reminders on their way: 1.")).to_be_visible()
    [message] = until(page, lambda: mail.outbox)
    assert message.to == ["reader.0@hospital.example.org"]

    link = re.search(r"http\S+/reminders/\S+", message.body)
    assert link is not None
    for scheme, width in (("light", 390), ("dark", 1024)):
        reader = browse(None, width=width, scheme=scheme)
        reader.goto(link[0])
        picture(reader, f"monitor-reminders-off-{width}-{scheme}")
        no_barriers(reader)
    reader.get_by_role("button", name="Send me no reminders").press("Enter")
    expect(reader.get_by_text("You get no reminders of this study.")).to_be_visible()
    no_barriers(reader)
    assert Enrolment.objects.get(user__email="reader.0@hospital.example.org").reminders_off_at is not None

    page.reload()
    expect(row.get_by_role("checkbox")).to_be_disabled()
    expect(row.get_by_text("wants no reminders")).to_be_visible()


def test_all_of_it_without_javascript(browse: Any, running: Any, lead: Any) -> None:
    page = browse(lead, javascript=False)
    page.goto(reverse("admin:experiments_experiment_reminders", args=[running.pk]))
    page.get_by_role("spinbutton", name="After days", exact=False).first.fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule is saved.")).to_be_visible()
    page.get_by_role("link", name="Stalled participants").click()
    expect(page.get_by_text("Reminders go out by themselves after 12 days")).to_be_visible()
