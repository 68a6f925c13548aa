"""From a count to rows and lines: what is shown, to whom, and that it is written down who looked."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from omop.admin.quality import drill_down
from omop.imports import runs as kept
from omop.models import Domain, Measurement, Person
from omop.tests.quality.factories import found, make_run

pytestmark = pytest.mark.django_db


def rows_page(code="person_exists", table="measurement"):
    return reverse("admin:omop_quality_rows", args=[table, code])


def measurements(*persons: int) -> None:
    Measurement.objects.bulk_create(
        Measurement(
            measurement_id=number,
            person_id=person,
            measurement_concept_id=0,
            measurement_date="2020-01-31",
            measurement_type_concept_id=32817,
            value_source_value="never shown",
        )
        for number, person in enumerate(persons, start=1)
    )


def events(action):
    return [(event.target_id, json.loads(event.data)) for event in AuditEvent.objects.filter(action=action)]


def keys(response):
    assert response.status_code == 200
    return [row.key for row, _ in response.context["rows"]]


def test_the_rows_that_are_wrong_now(staff):
    Person.objects.create(
        person_id=1, gender_concept_id=0, year_of_birth=1980, race_concept_id=0, ethnicity_concept_id=0
    )
    measurements(1, 7, 1, 8)
    page = staff.get(rows_page(), {"column": "person_id"})
    assert keys(page) == [2, 4]
    text = page.content.decode()
    assert reverse("admin:omop_measurement_change", args=[4]) in text
    assert "never shown" not in text
    assert events("omop_rows_viewed") == [
        ("measurement", {"check": "person_exists", "column": "person_id", "rows": 2}),
    ]


def test_pages_go_on_where_the_last_one_ended(staff, monkeypatch):
    monkeypatch.setattr(drill_down, "PER_PAGE", 3)
    measurements(*range(7))
    seen, address = [], f"{rows_page()}?column=person_id"
    while address:
        page = staff.get(address)
        seen.append(keys(page))
        address = f"{rows_page()}?{page.context['next']}" if page.context["next"] else ""
    assert seen == [[1, 2, 3], [4, 5, 6], [7]]
    assert len(events("omop_rows_viewed")) == 3
    assert "There are no more" in staff.get(rows_page(), {"column": "person_id", "after": "7"}).content.decode()


def test_no_row_is_wrong(staff):
    text = staff.get(rows_page(), {"column": "person_id"}).content.decode()
    assert "No row of the database is wrong in this way now" in text


@pytest.mark.parametrize("after", ["x", "", "1.5", "9" * 25, "9223372036854775808", "٣"])
def test_a_place_that_is_none(staff, after):
    assert staff.get(rows_page(), {"column": "person_id", "after": after}).status_code == 404
    assert not AuditEvent.objects.filter(action="omop_rows_viewed").exists()


def test_negative_ids_are_places(staff):
    measurements(5)
    assert keys(staff.get(rows_page(), {"column": "person_id", "after": "-9223372036854775807"})) == [1]


@pytest.mark.parametrize(
    ("code", "table", "column"),
    [
        ("columns_known", "measurement", ""),
        ("nonsense", "measurement", ""),
        ("person_exists", "measurement", "nonsense"),
        ("person_exists", "nonsense", "person_id"),
        ("visit_same_person", "concept", ""),
    ],
)
def test_what_cannot_be_listed(staff, code, table, column):
    assert staff.get(rows_page(code, table), {"column": column}).status_code == 404
    assert not AuditEvent.objects.filter(action="omop_rows_viewed").exists()


def test_the_statements_do_not_grow_with_the_rows(staff, django_assert_max_num_queries):
    measurements(*range(60))
    with django_assert_max_num_queries(20):
        assert len(keys(staff.get(rows_page(), {"column": "person_id"}))) == drill_down.PER_PAGE


def test_who_may_see_rows_and_lines(client, signed_in, stranger, only_looks):
    run = make_run()
    found(run, count=1)
    rows, lines = f"{rows_page()}?column=person_id", reverse("admin:omop_quality_lines", args=[run.pk])
    for address in (rows, lines):
        assert client.get(address).status_code == 302
        assert signed_in(stranger).get(address).status_code == 403
    assert only_looks.get(rows).status_code == 200
    assert only_looks.get(lines).status_code == 403


def write_report(run: Any, *findings: dict[str, Any], code="value_type", column="unit_concept_id") -> None:
    kept.make_folder(run)
    others = [{"code": code, "table": "measurement", "column": None, "first": [{"reason": "of another check"}]}]
    mine = {"code": code, "table": "measurement", "column": column, "first": list(findings)}
    (kept.folder_of(run) / "report.json").write_text(json.dumps({"checks": [*others, mine]}))


def lines_of(client, run, **key):
    asked = {"table": "measurement", "code": "value_type", "column": "unit_concept_id", **key}
    return client.get(reverse("admin:omop_quality_lines", args=[run.pk]), asked)


def test_the_first_lines_of_a_run(staff):
    run = make_run(status="refused")
    found(run, column="unit_concept_id", count=3)
    line = {
        "file": "m.csv",
        "line": 7,
        "column": "unit_concept_id",
        "value": "<x>",
        "reason": "is no number",
        "rows": 1,
    }
    write_report(run, line)
    page = lines_of(staff, run)
    text = page.content.decode()
    for words in ("m.csv", "&lt;x&gt;", "is no number", "3 of 100"):
        assert words in text
    assert "of another check" not in text
    assert events("omop_run_lines_viewed") == [
        (str(run.pk), {"check": "value_type", "column": "unit_concept_id", "rows": 1}),
    ]


def test_a_report_that_was_removed(staff):
    run = make_run(status="refused")
    found(run, column="unit_concept_id", count=3)
    assert "was removed" in lines_of(staff, run).content.decode()


def test_a_report_without_such_a_line(staff):
    run = make_run(status="refused")
    found(run, column="unit_concept_id", count=3)
    write_report(run, column="another_column")
    assert "lists no line" in lines_of(staff, run).content.decode()


def test_the_rejects_can_be_had_there(staff):
    run = make_run(status="refused")
    found(run, column="unit_concept_id", count=3)
    write_report(run)
    address = reverse("admin:omop_run_rejects", args=[run.pk])
    assert address not in lines_of(staff, run).content.decode()
    (kept.folder_of(run) / "rejects.csv").write_text("file,line\n")
    assert address in lines_of(staff, run).content.decode()
    text = staff.get(reverse("admin:omop_importrun_change", args=[run.pk])).content.decode()
    assert address in text
    assert reverse("admin:omop_run_report", args=[run.pk]) in text


def test_what_is_kept_of_a_run_can_be_downloaded_and_that_is_written_down(staff, signed_in, stranger):
    run = make_run(status="refused")
    report, rejects = (reverse(f"admin:omop_run_{what}", args=[run.pk]) for what in ("report", "rejects"))
    assert staff.get(report).status_code == staff.get(rejects).status_code == 404
    write_report(run)
    (kept.folder_of(run) / "rejects.csv").write_text("file,line\nm.csv,7\n")
    assert signed_in(stranger).get(report).status_code == signed_in(stranger).get(rejects).status_code == 403
    assert json.loads(b"".join(staff.get(report).streaming_content))["checks"]
    response = staff.get(rejects)
    assert b"".join(response.streaming_content) == b"file,line\nm.csv,7\n"
    assert 'filename="rejects-20260101-0800.csv"' in response["Content-Disposition"]
    assert events("omop_rejects_downloaded") == [(str(run.pk), {"bytes": 18})]
    assert len(events("omop_report_downloaded")) == 1


def test_lines_that_are_not_there(staff):
    run = make_run()
    found(run, column="unit_concept_id", count=3)
    assert lines_of(staff, run, code="nonsense").status_code == 404
    assert lines_of(staff, run, table="").status_code == 404
    assert staff.get(reverse("admin:omop_quality_lines", args=[uuid.UUID(int=1)])).status_code == 404
    assert not AuditEvent.objects.filter(action="omop_run_lines_viewed").exists()


def test_keys_that_are_texts(staff):
    """Vocabularies have texts as keys, some with a slash or an underscore."""
    for key in ("Meas/Proc_1", "Spec Anatomic Site", "Zz"):
        Domain.objects.create(domain_id=key, domain_name=key, domain_concept_id=77)
    page = staff.get(rows_page("concept_exists", "domain"), {"column": "domain_concept_id"})
    assert keys(page) == ["Meas/Proc_1", "Spec Anatomic Site", "Zz"]
    for _, address in page.context["rows"]:
        assert staff.get(address).status_code == 200
    page = staff.get(rows_page("concept_exists", "domain"), {"column": "domain_concept_id", "after": "Meas/Proc_1"})
    assert keys(page) == ["Spec Anatomic Site", "Zz"]
