"""Pages of packages under the strict policy: a script or style that it refuses would write an error to the console,
on which `browse` fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_page_of_exports_ticks_all_fields_at_once(administrator: Any, browse: Any) -> None:
    page = browse(administrator)
    page.goto(reverse("admin:omop_person_export"))
    box = '.selectable-field-export-row input[type="checkbox"]:not(#select-all-toggle)'
    boxes, ticked = page.locator(box), page.locator(f"{box}:checked")
    assert boxes.count() > 2
    page.get_by_label("Select all").uncheck()
    expect(ticked).to_have_count(0)
    page.get_by_label("Select all").check()
    expect(ticked).to_have_count(boxes.count())


def test_pages_of_accounts_and_schedules(administrator: Any, clinician: Any, browse: Any) -> None:
    page = browse(administrator)
    for address in (
        reverse("admin:index"),
        reverse("admin:participants_user_changelist"),
        reverse("admin:participants_user_add"),
        reverse("admin:participants_user_change", args=[clinician.pk]),
        reverse("admin:participants_user_import"),
        reverse("admin:participants_apikey_add"),
        reverse("admin:django_celery_beat_periodictask_add"),
        reverse("admin:axes_accessattempt_changelist"),
    ):
        page.goto(address)
        expect(page.locator("#content h1, #content h2").first).to_be_visible()
        page.wait_for_load_state("networkidle")


def test_the_documentation_of_the_api_is_drawn(db: Any, browse: Any) -> None:
    page = browse(None)
    page.goto("/api/docs")
    expect(page.get_by_role("heading", name="AugMed API")).to_be_visible(timeout=60_000)
    page.get_by_text("/api/v2/auth/token", exact=True).first.click()
    expect(page.get_by_text("second_factor").first).to_be_visible()
