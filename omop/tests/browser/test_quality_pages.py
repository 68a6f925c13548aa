"""The pages on data quality and on the history of imports, as people meet them."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from omop.imports import runs as kept
from omop.models import CheckOutcome, ImportRun, Measurement, TableLoad
from omop.tests.quality.factories import make_file, make_run, outcome_of

pytestmark = pytest.mark.browser
SIZES = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
ASKED = (
    ("columns_required", "", 0),
    ("value_type", "value_as_number", 0),
    ("value_required", "", 0),
    ("person_exists", "person_id", 4),
    ("visit_same_person", "visit_occurrence_id", 0),
    ("concept_mapped", "measurement_concept_id", 900),
    ("concept_domain", "unit_concept_id", 0),
    ("after_birth", "measurement_date", 60),
    ("plausible_value", "value_as_number", 20),
)
TABLES = ("person", "observation_period", "visit_occurrence", "condition_occurrence", "measurement", "death")


@pytest.fixture
def history(data_staff: Any) -> list[ImportRun]:
    """Sixteen runs; the faults come and go, each run with the next share."""
    runs = []
    for day in range(16):
        database = day % 5 == 4
        kind, status = ("database", "checked") if database else ("load", ("loaded", "loaded", "refused")[day % 3])
        run = make_run(
            day * 7, kind=kind, status=status, created_by=data_staff, rows=61_234, bytes=9_000_000, checksum="c0" * 32
        )
        runs.append(run)
        CheckOutcome.objects.bulk_create(
            outcome_of(
                run,
                code,
                table,
                column,
                checked=0 if place == 3 and day % 4 == 1 else 10_000,
                count=count * (1 + day * 7 % 5) * (table in {"measurement", "condition_occurrence"}),
                threshold=5.0 if code == "concept_mapped" else 1.0 if count == 20 else 0.0,
            )
            for table in TABLES
            for place, (code, column, count) in enumerate(ASKED)
        )
        if not database:
            _files(run)
    return runs


def _files(run: ImportRun) -> None:
    for table in TABLES:
        make_file(
            run,
            table=table,
            name=f"{table.upper()}.csv",
            recognised={"separator": "tab", "header": "upper case", "encoding": "UTF-8 with BOM"},
            renamed={"admitting_source_value": "admitted_from_source_value"} if table == "visit_occurrence" else {},
            missing=["care_site_id", "provider_id"],
        )
    TableLoad.objects.bulk_create(
        TableLoad(run=run, table=table, read=10_000, new=9_000, changed=10, unchanged=986, rejected=4, loaded=9_010)
        for table in TABLES
    )


def _report(run: ImportRun) -> None:
    first = [
        {
            "file": "MEASUREMENT.csv",
            "line": line,
            "column": "person_id",
            "value": str(line),
            "reason": "There is no person with this id.",
            "rows": 1,
        }
        for line in range(2, 14)
    ]
    checks = [{"code": "person_exists", "table": "measurement", "column": "person_id", "first": first}]
    kept.make_folder(run)
    (kept.folder_of(run) / "report.json").write_text(json.dumps({"checks": checks}))


def _measurements() -> None:
    Measurement.objects.bulk_create(
        Measurement(
            measurement_id=number,
            person_id=number % 7,
            measurement_concept_id=0,
            measurement_date="2020-01-31",
            measurement_type_concept_id=32817,
        )
        for number in range(1, 121)
    )


def headings(page: Any) -> list[int]:
    return list(
        page.evaluate("[...document.querySelectorAll('#content h1, #content h2, #content h3')].map(h => +h.tagName[1])")
    )


def unnamed(page: Any) -> list[str]:
    """Controls, pictures and tables' cells of the page's own part that a screen reader could not name."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll('#content :is(input, select, button, a, svg[role])')]
            .filter(e => e.type !== 'hidden' && !(e.labels && e.labels.length) && !e.getAttribute('aria-label'))
            .filter(e => !e.textContent.trim() && !e.value).map(e => e.outerHTML)"""
        )
    )


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_pages(
    browse: Any, data_staff: Any, history: Any, fits: Any, picture: Any, width: int, scheme: str
) -> None:
    _measurements()
    refused = [run for run in history if run.status == "refused"][-1]
    _report(refused)
    lines = {"table": "measurement", "code": "person_exists", "column": "person_id"}
    query = "&".join(f"{name}={value}" for name, value in lines.items())
    addresses = {
        "overview": reverse("admin:omop_checkoutcome_changelist"),
        "table": reverse("admin:omop_quality_table", args=["measurement"]),
        "check": reverse("admin:omop_quality_check", args=["measurement", "concept_mapped"])
        + "?column=measurement_concept_id",
        "rows": reverse("admin:omop_quality_rows", args=["measurement", "concept_mapped"])
        + "?column=measurement_concept_id",
        "lines": f"{reverse('admin:omop_quality_lines', args=[refused.pk])}?{query}",
        "runs": reverse("admin:omop_importrun_changelist"),
        "run": reverse("admin:omop_importrun_change", args=[refused.pk]),
    }
    page = browse(data_staff, width=width, scheme=scheme)
    for name, address in addresses.items():
        assert page.goto(address).status == 200, name
        picture(page, f"quality-{name}-{width}-{scheme}")
        fits(page)
        assert unnamed(page) == [], name
        levels = headings(page)
        assert levels[0] == 1, name
        assert all(below - above <= 1 for above, below in pairwise(levels)), name


def test_by_keyboard_from_the_overview_to_a_check(browse: Any, data_staff: Any, history: Any) -> None:
    page = browse(data_staff)
    page.goto(reverse("admin:omop_checkoutcome_changelist"))
    page.get_by_role("link", name="measurement", exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    region = page.get_by_role("region", name="Needs attention")
    region.focus()
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("^12 runs"))  # the refused have no mark
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^measurement"))
