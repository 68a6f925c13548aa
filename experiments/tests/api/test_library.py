"""/cases and /layouts: for those who may view them; reading a case leaves a trace."""

import json

import pytest

from augmed.foundation.models import AuditEvent
from cases.models import Case, PageLayout

pytestmark = pytest.mark.django_db


def test_a_whole_case_is_read_and_the_reading_recorded(api, cast, study):
    case = study.study_cases.first().case
    layout = study.layout.name
    answer = api(cast["data staff"]).get(f"/api/v2/cases/{case.number}", {"layout": layout})
    assert answer.status_code == 200
    body = answer.json()
    assert body["number"] == case.number
    assert body["snapshot"]["layout"] == layout
    assert body["tree"] == json.loads(case.snapshots.get().content)
    event = AuditEvent.objects.first()
    assert (event.action, event.actor, event.target_id) == ("case_viewed", str(cast["data staff"].pk), str(case.pk))


def test_without_layout_the_default_one_is_taken(api, cast, study):
    case = study.study_cases.first().case
    assert api(cast["data staff"]).get(f"/api/v2/cases/{case.number}").json()["tree"] is None
    PageLayout.objects.filter(pk=study.layout_id).update(is_default=True)
    assert api(cast["data staff"]).get(f"/api/v2/cases/{case.number}").json()["tree"]["sections"]


def test_an_unknown_case_is_not_found_and_leaves_no_trace(api, cast):
    before = AuditEvent.objects.count()
    assert api(cast["data staff"]).get("/api/v2/cases/-99").status_code == 404
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("who", ["clinician", "coordinator", "blinded analyst", "adjudicator"])
def test_others_read_no_whole_case(api, cast, who):
    number = Case.objects.first().number
    for path in ("/api/v2/cases", f"/api/v2/cases/{number}", "/api/v2/layouts"):
        assert api(cast[who]).get(path).status_code == 403


def test_cases_are_listed_in_pages(api, cast):
    page = api(cast["data staff"]).get("/api/v2/cases", {"page_size": 2}).json()
    assert len(page["results"]) == 2
    assert page["next"]


def test_a_layout_is_exported_and_imported_under_another_name(api, cast, study):
    client = api(cast["data staff"])
    exported = client.get(f"/api/v2/layouts/{study.layout_id}/versions/1")
    assert exported.status_code == 200
    content = exported.json()
    content["sections"] = content["sections"][:2]  # the factory's third has a node without source, for supplied values
    made = client.post("/api/v2/layouts", {"content": content, "name": "A copy"})
    assert made.status_code == 201, made.json()
    again = client.get(f"/api/v2/layouts/{made.json()['id']}/versions/1").json()
    assert again == content | {"name": "A copy"}


def test_a_broken_layout_names_what_is_wrong(api, cast):
    answer = api(cast["data staff"]).post("/api/v2/layouts", {"content": {"name": "Odd", "nodes": 3}})
    assert answer.status_code == 422
    assert answer.json()["code"] == "layout_invalid"
