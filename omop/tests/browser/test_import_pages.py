"""The import in a real browser: upload, check, alias, confirm; progress, cancel; by keyboard; without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from augmed.foundation.browsing import arrived
from augmed.foundation.models import Job
from omop import actions
from omop.imports.options import ImportOptions
from omop.models import Person, VisitOccurrence
from omop.sources import ImportSource
from omop.tests.admin_imports.conftest import sent
from omop.uploads import store

pytestmark = pytest.mark.browser
RUN = re.compile(r"/bulk-import/[0-9a-f-]{36}/$")
# Labels of what is shown and can be typed into, chosen or pressed; none may be empty.
UNNAMED = """[...document.querySelectorAll("#content :is(input, select, textarea, button, a, summary)")]
  .filter(e => e.checkVisibility() && !(e.labels?.length || e.textContent.trim() || e.ariaLabel || e.value))
  .map(e => e.outerHTML)"""


@pytest.fixture
def is_sound(fits: Any) -> Callable[[Any], None]:
    """`is_sound(page)`: it fits its window, and whatever one can use has a name."""

    def look(page: Any) -> None:
        fits(page)
        assert page.evaluate(UNNAMED) == []

    return look


def send(page: Any, *paths: Any) -> None:
    page.goto(reverse("admin:omop_bulk_import"))
    page.get_by_label("Files", exact=True).last.set_input_files([str(path) for path in paths])
    page.get_by_role("button", name="Check the files").click()
    page.wait_for_url(RUN)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_upload_alias_confirm_loaded(
    browse: Any, data_staff: Any, write_table: Any, is_sound: Any, picture: Any, width: int, scheme: str
) -> None:
    visit = write_table("visit_occurrence", name="CDM_VISIT_OCCURRENCE_2020.csv")
    page = browse(data_staff, width=width, scheme=scheme)
    page.goto(reverse("admin:omop_bulk_import"))
    is_sound(page)
    picture(page, f"import-start-{width}-{scheme}")
    for summary in page.locator("summary").all():
        summary.click()
    is_sound(page)
    picture(page, f"import-choices-{width}-{scheme}")

    send(page, write_table("person"), visit)
    page.get_by_role("heading", name="These files cannot be loaded as they are").wait_for()
    is_sound(page)
    picture(page, f"import-alias-{width}-{scheme}")
    first = page.url
    expect(page.get_by_label("CDM_VISIT_OCCURRENCE_2020.csv is")).to_have_value("visit_occurrence")
    page.get_by_role("button", name="Confirm and check again").click()
    page.wait_for_url(lambda address: address != first)
    page.get_by_role("heading", name="Checked: no errors").wait_for()
    assert Person.objects.count() == 0
    is_sound(page)
    picture(page, f"import-checked-{width}-{scheme}")

    page.get_by_role("button", name="Load now").click()
    page.get_by_role("heading", name="Loaded", exact=True).wait_for()
    assert (Person.objects.count(), VisitOccurrence.objects.count()) == (1, 1)
    is_sound(page)
    picture(page, f"import-loaded-{width}-{scheme}")


def test_by_keyboard_alone(browse: Any, data_staff: Any, write_table: Any) -> None:
    page = browse(data_staff)
    page.goto(reverse("admin:omop_bulk_import"))
    files = page.locator("#id_uploaded")
    files.set_input_files([str(write_table("person"))])  # the system's own dialogue is not the page's
    files.focus()
    press = page.keyboard.press
    focused = "document.activeElement.value || document.activeElement.textContent.trim()"
    seen = []
    while "Check the files" not in seen and len(seen) < 20:
        press("Tab")
        seen.append(page.evaluate(focused))
    assert seen[:2] == ["insert", "refuse"]  # a group of choices is one stop
    press("Enter")
    page.wait_for_url(RUN)
    page.get_by_role("button", name="Load now").wait_for()
    arrived(page)
    page.locator("#content h1").evaluate("title => { title.tabIndex = -1; title.focus(); }")
    press("Tab")
    expect(page.get_by_role("button", name="Load now")).to_be_focused()
    press("Enter")
    page.get_by_role("heading", name="Loaded", exact=True).wait_for()
    assert Person.objects.count() == 1


def test_a_wrong_choice_keeps_the_upload(browse: Any, data_staff: Any, write_table: Any) -> None:
    page = browse(data_staff)
    page.goto(reverse("admin:omop_bulk_import"))
    page.locator("#id_uploaded").set_input_files([str(write_table("person"))])
    page.get_by_text("More choices").click()
    page.get_by_label("Tables whose files have no header").fill("persons")
    page.get_by_role("button", name="Check the files").click()
    page.get_by_text("There is no table persons in CDM 5.4.").wait_for()
    expect(page.locator("[name=headerless]")).to_be_focused()
    page.get_by_text("is on the server already").wait_for()
    page.get_by_label("Tables whose files have no header").fill("")
    page.get_by_role("button", name="Check the files").click()
    page.wait_for_url(RUN)
    page.get_by_role("heading", name="Checked: no errors").wait_for()


def test_too_large_is_said_before_anything_is_sent(
    browse: Any, data_staff: Any, tmp_path: Any, settings: Any, picture: Any
) -> None:
    settings.OMOP_UPLOAD_MAX_MB = 1
    large = tmp_path / "measurement.csv"
    large.write_bytes(b"x" * 1_500_000)
    page = browse(data_staff)
    page.goto(reverse("admin:omop_bulk_import"))
    page.locator("#id_uploaded").set_input_files([str(large)])
    page.get_by_role("button", name="Check the files").click()
    page.get_by_text("These files are 1.5 MB; an upload may have 1.0 MB.").wait_for()
    assert not Job.objects.exists()
    picture(page, "import-too-large")


def test_an_upload_is_stopped(browse: Any, data_staff: Any, write_table: Any) -> None:
    page = browse(data_staff)
    page.goto(reverse("admin:omop_bulk_import"))
    page.route("**/bulk-import/", lambda route: None if route.request.method == "POST" else route.continue_())
    page.locator("#id_uploaded").set_input_files([str(write_table("person"))])
    page.get_by_role("button", name="Check the files").click()
    page.get_by_role("button", name="Stop the upload").click()
    page.get_by_text("You stopped the upload, and nothing of it was kept.").wait_for()
    expect(page.get_by_role("button", name="Check the files")).to_be_enabled()
    page.unroute("**/bulk-import/")


def test_who_was_signed_out_hears_it_before_the_upload(browse: Any, data_staff: Any, write_table: Any) -> None:
    page = browse(data_staff)
    page.goto(reverse("admin:omop_bulk_import"))
    page.locator("#id_uploaded").set_input_files([str(write_table("person"))])
    page.context.clear_cookies()
    page.get_by_role("button", name="Check the files").click()
    page.get_by_text("You are no longer signed in.").wait_for()
    assert not Job.objects.exists()


@pytest.fixture
def waiting(data_staff: Any, write_table: Any, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job that nobody takes."""
    monkeypatch.setattr("augmed.foundation.jobs.dispatch", lambda job: None)
    source = ImportSource("upload", store([sent(write_table("person"))]))
    return actions.start_import(source=source, options=ImportOptions(), by=data_staff)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_progress_without_a_reload_then_the_outcome(
    browse: Any, data_staff: Any, waiting: Job, is_sound: Any, picture: Any, width: int, scheme: str
) -> None:
    page = browse(data_staff, width=width, scheme=scheme)
    page.goto(reverse("admin:omop_bulk_report", args=[waiting.pk]))
    page.evaluate("window.stays = true")
    page.get_by_text("Waiting to start").wait_for()
    now = timezone.now()
    Job.objects.filter(pk=waiting.pk).update(
        status="running",
        started_at=now - timezone.timedelta(seconds=10),
        heartbeat_at=now,
        progress_done=25,
        progress_total=100,
        message="Reading person.csv, 400,000 rows",
    )
    page.get_by_text("Reading person.csv", exact=True).wait_for()
    page.get_by_text("400,000 rows · 40,000 rows/s · less than a minute left").wait_for()
    page.get_by_text("25 %").wait_for()
    expect(page.get_by_role("progressbar", name="Check")).to_have_attribute("value", "25")
    assert page.evaluate("window.stays")
    is_sound(page)
    picture(page, f"import-progress-{width}-{scheme}")

    Job.objects.filter(pk=waiting.pk).update(status="failed", error="The disk of the server is full.")
    page.get_by_role("heading", name="Stopped. Nothing was loaded").wait_for()
    page.get_by_text("The disk of the server is full.").wait_for()


def test_cancel(browse: Any, data_staff: Any, waiting: Job, is_sound: Any) -> None:
    page = browse(data_staff)
    page.goto(reverse("admin:omop_bulk_report", args=[waiting.pk]))
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="Cancelled. Nothing was loaded").wait_for()
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    page.get_by_role("link", name="Change choices and check again").click()
    page.get_by_role("button", name="Check again").wait_for()
    is_sound(page)


def test_without_scripts_it_works_too(browse: Any, data_staff: Any, write_table: Any) -> None:
    page = browse(data_staff, javascript=False)
    page.goto(reverse("admin:omop_bulk_import"))
    page.locator("#id_uploaded").set_input_files([str(write_table("person"))])
    page.get_by_role("button", name="Check the files").click()
    page.get_by_role("button", name="Load now").click()
    page.get_by_role("heading", name="Loaded", exact=True).wait_for()
    assert Person.objects.count() == 1


def test_without_scripts_progress_reloads_itself(browse: Any, data_staff: Any, waiting: Job) -> None:
    page = browse(data_staff, javascript=False)
    page.goto(reverse("admin:omop_bulk_report", args=[waiting.pk]))
    Job.objects.filter(pk=waiting.pk).update(status="cancelled")
    page.get_by_role("heading", name="Cancelled. Nothing was loaded").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_a_folder_of_the_server(
    browse: Any,
    data_staff: Any,
    write_table: Any,
    tmp_path: Any,
    settings: Any,
    is_sound: Any,
    picture: Any,
    width: int,
    scheme: str,
) -> None:
    write_table("person")
    (tmp_path / "older").mkdir()
    settings.OMOP_IMPORT_FOLDERS = [str(tmp_path)]
    page = browse(data_staff, width=width, scheme=scheme)
    page.goto(reverse("admin:omop_bulk_import"))
    page.get_by_role("link", name="Use a folder of the server").click()
    page.get_by_role("link", name=str(tmp_path)).click()
    page.get_by_role("link", name="older", exact=True).wait_for()
    is_sound(page)
    picture(page, f"import-folder-{width}-{scheme}")
    page.get_by_label("person.csv").uncheck()
    page.get_by_role("button", name="Check the files").click()
    page.get_by_text("Tick at least one file.").wait_for()
    page.get_by_label("person.csv").check()
    page.get_by_role("button", name="Check the files").click()
    page.wait_for_url(RUN)
    page.get_by_role("heading", name="Checked: no errors").wait_for()
