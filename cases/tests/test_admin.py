from __future__ import annotations

# ruff: noqa: DTZ001 - OMOP times are local and have no zone
import json
from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from augmed.foundation.models import AuditEvent, Job
from cases.actions import put_forward
from cases.layouts import layout_content
from cases.models import Case, LayoutVersion, PageLayout
from cases.tests import omop_rows
from cases.tests.conftest import feature, layout_json
from omop.models import VisitOccurrence


@pytest.fixture
def case(one_visit: int, everything: LayoutVersion) -> Case:
    omop_rows.concept(100, "Smoking <b>status</b>")
    omop_rows.event("observation", value_as_string="never <i>")
    put_forward(visit_ids=[one_visit], by=None)
    return Case.objects.get()


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def form_of(version: LayoutVersion, **changes: Any) -> dict[str, Any]:
    """What a browser would post of the page of nodes; `changes` by field, as "row-field"."""
    page = client_page_fields(version)
    return {**page, **changes}


def client_page_fields(version: LayoutVersion) -> dict[str, Any]:
    from cases.admin.node_forms import NodeFormSet, initial

    formset = NodeFormSet(initial=initial(layout_content(version).nodes), prefix="nodes")
    fields: dict[str, Any] = {f"nodes-{key}": value for key, value in formset.management_form.initial.items()}
    for form in formset.forms:
        for name in form.fields:
            value = form[name].value()
            shown = form.fields[name].prepare_value(value)
            if shown is True:
                fields[form.add_prefix(name)] = "on"
            elif shown not in (None, False, ""):
                fields[form.add_prefix(name)] = shown
    return fields


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


def test_the_whole_case_is_shown_and_that_is_audited(case: Case, data_staff: Any) -> None:
    page = client_of(data_staff).get(reverse("admin:cases_case_change", args=[case.pk]))
    text = page.content.decode()
    assert page.status_code == 200
    assert "never &lt;i&gt;" in text
    assert "Smoking &lt;b&gt;status&lt;/b&gt;" in text
    assert "<i>" not in text
    event = AuditEvent.objects.get(action="case_viewed")
    assert event.actor == str(data_staff.pk)
    assert event.target_id == str(case.pk)
    assert json.loads(event.data) == {"snapshot": case.snapshots.get().pk}


def test_the_list_of_cases_needs_the_same_few_queries_for_one_and_many(
    case: Case, everything: LayoutVersion, data_staff: Any
) -> None:
    client, url = client_of(data_staff), reverse("admin:cases_case_changelist")
    client.get(url)
    one = queries_of(client, url)
    for visit_id in range(71, 91):
        omop_rows.visit(visit_id)
    put_forward(visit_ids=range(71, 91), by=None)
    assert b"21 cases" in client.get(url).content
    assert queries_of(client, url) == one


@pytest.mark.parametrize(
    ("who", "status"),
    [("administrator", 200), ("data_staff", 200), ("stranger", 403), ("clinician", 302)],
)
@pytest.mark.parametrize("page", ["list", "case", "layouts", "layout", "version", "export"])
def test_who_may_open_the_pages(
    case: Case, everything: LayoutVersion, request: Any, who: str, status: int, page: str
) -> None:
    url = {
        "list": reverse("admin:cases_case_changelist"),
        "case": reverse("admin:cases_case_change", args=[case.pk]),
        "layouts": reverse("admin:cases_pagelayout_changelist"),
        "layout": reverse("admin:cases_pagelayout_change", args=[everything.layout_id]),
        "version": reverse("admin:cases_layoutversion_change", args=[everything.pk]),
        "export": reverse("admin:cases_layoutversion_export", args=[everything.pk]),
    }[page]
    answer = client_of(request.getfixturevalue(who)).get(url)
    assert answer.status_code == status
    assert not AuditEvent.objects.filter(action="case_viewed").exists() or (page == "case" and status == 200)


@pytest.mark.parametrize("who", ["stranger", "clinician"])
def test_who_may_not_change_anything(case: Case, everything: LayoutVersion, request: Any, who: str) -> None:
    client = client_of(request.getfixturevalue(who))
    before = list(AuditEvent.objects.values_list("pk", flat=True))
    for url, data in (
        (reverse("admin:cases_case_build", args=[case.pk]), {"layout_version": everything.pk}),
        (reverse("admin:cases_pagelayout_import"), {}),
        (reverse("admin:cases_pagelayout_new_version", args=[everything.layout_id]), {}),
        (reverse("admin:cases_pagelayout_make_default", args=[everything.layout_id]), {}),
        (reverse("admin:cases_layoutversion_change", args=[everything.pk]), {}),
    ):
        assert client.post(url, data).status_code in {302, 403, 404}
    assert list(AuditEvent.objects.values_list("pk", flat=True)) == before


def test_building_anew_makes_the_next_snapshot_only_where_something_changed(
    case: Case, everything: LayoutVersion, data_staff: Any
) -> None:
    client, url = client_of(data_staff), reverse("admin:cases_case_build", args=[case.pk])
    client.post(url, {"layout_version": everything.pk})
    assert case.snapshots.count() == 1
    omop_rows.event("condition", concept_id=5)
    client.post(url, {"layout_version": everything.pk})
    assert sorted(case.snapshots.values_list("number", flat=True)) == [1, 2]


def test_the_index_time_is_editable_until_the_first_snapshot(
    one_visit: int, everything: LayoutVersion, data_staff: Any
) -> None:
    case = Case.objects.create(
        number=5, visit_occurrence_id=one_visit, person_id=7, index_at=datetime(2020, 5, 17, 23, 59, 59)
    )
    client, url = client_of(data_staff), reverse("admin:cases_case_change", args=[case.pk])
    assert client.post(url, {"index_at": "2020-05-16 08:00:00"}).status_code == 302
    case.refresh_from_db()
    assert case.index_at == datetime(2020, 5, 16, 8, 0)
    put_forward(visit_ids=[one_visit], by=None)
    client.post(url, {"index_at": "2020-05-15 08:00:00"})
    case.refresh_from_db()
    assert case.index_at == datetime(2020, 5, 16, 8, 0)
    assert AuditEvent.objects.filter(action="index_time_set").count() == 1


def test_visits_are_put_forward_from_their_own_page(one_visit: int, everything: LayoutVersion, data_staff: Any) -> None:
    url = reverse("admin:omop_visitoccurrence_changelist")
    answer = client_of(data_staff).post(
        url, {"action": "put_forward_visits", "_selected_action": [one_visit]}, follow=True
    )
    assert b"1 cases made" in answer.content
    assert Case.objects.get().visit_occurrence_id == one_visit


def test_the_index_time_is_set_where_the_snapshot_is_made_later(
    one_visit: int, everything: LayoutVersion, data_staff: Any
) -> None:
    client, visits = client_of(data_staff), reverse("admin:omop_visitoccurrence_changelist")
    chosen = {"action": "put_forward_snapshot_later", "_selected_action": [one_visit]}
    text = client.post(visits, chosen, follow=True).content.decode()
    assert f'<a href="{reverse("admin:cases_case_changelist")}">' in text
    case = Case.objects.get()
    assert not case.snapshots.exists()
    url = reverse("admin:cases_case_change", args=[case.pk])
    assert "Make the snapshot under" in client.get(url).content.decode()
    client.post(url, {"index_at": "2020-05-16 08:00:00"})
    client.post(reverse("admin:cases_case_build", args=[case.pk]), {"layout_version": everything.pk})
    assert case.snapshots.get().index_at == "2020-05-16T08:00:00"
    assert "Make the snapshot under" not in client.get(url).content.decode()


def test_many_visits_are_put_forward_by_a_job(
    one_visit: int,
    everything: LayoutVersion,
    data_staff: Any,
    monkeypatch: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr("cases.admin.visits.MOST_AT_ONCE", 1)
    omop_rows.visit(71)
    omop_rows.visit(72, person_id=999)
    url = reverse("admin:omop_visitoccurrence_changelist")
    with django_capture_on_commit_callbacks(execute=True):
        ids = list(VisitOccurrence.objects.values_list("pk", flat=True))
        client_of(data_staff).post(url, {"action": "put_forward_visits", "_selected_action": ids})
    job = Job.objects.get()
    assert job.status == Job.Status.SUCCEEDED
    assert job.result == {
        "created": 2,
        "kept": 0,
        "refused": 1,
        "reasons": [[72, "its person 999 is not in the person table"]],
    }
    assert Case.objects.count() == 2


def test_import_and_export_of_a_layout(data_staff: Any) -> None:
    omop_rows.concept(100, "Haemoglobin")
    content = layout_json(feature("hb", "measurement", concept_ids=[100]), name="Blood")
    upload = SimpleUploadedFile("layout.json", json.dumps(content).encode())
    client = client_of(data_staff)
    answer = client.post(reverse("admin:cases_pagelayout_import"), {"file": upload}, follow=True)
    assert answer.status_code == 200
    layout = PageLayout.objects.get()
    assert layout.is_default
    exported = client.get(reverse("admin:cases_layoutversion_export", args=[layout.versions.get().pk]))
    assert json.loads(exported.content) == content
    assert 'filename="blood-v1.json"' in exported["Content-Disposition"]


def test_an_import_that_is_refused_names_the_nodes(data_staff: Any) -> None:
    content = layout_json(feature("hb", "measurement", concept_ids=[100]), feature("x", "laboratory"))
    upload = SimpleUploadedFile("layout.json", json.dumps(content).encode())
    answer = client_of(data_staff).post(reverse("admin:cases_pagelayout_import"), {"file": upload})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "<strong>hb</strong>: concept 100 is not in the vocabulary" in text
    assert "<strong>x</strong>: unknown table" in text
    assert not PageLayout.objects.exists()


def test_nodes_are_edited_on_the_page_of_a_draft(make_layout: Any, data_staff: Any) -> None:
    small = make_layout(feature("n0", "drug"), name="Small")
    version = make_layout(*(feature(f"n{i}", "measurement", concept_ids=[100]) for i in range(40)))
    omop_rows.concept(100, "Haemoglobin")
    client, url = client_of(data_staff), reverse("admin:cases_layoutversion_change", args=[version.pk])
    client.get(url)
    assert queries_of(client, url) == queries_of(client, reverse("admin:cases_layoutversion_change", args=[small.pk]))
    last = len(layout_content(version).nodes)
    new = {"position": "1", "level": "feature", "parent": "category", "key": "new", "label": "New", "source": "drug"}
    defaults = {"window": "latest", "window_number": "2", "label_rule": "node", "role": "clinical"}
    changed = form_of(
        version,
        **{
            "nodes-3-label": "Renamed",
            "nodes-4-remove": "on",
            "nodes-5-value_rules": '{"decimals": 1}',
            **{f"nodes-{last}-{name}": value for name, value in {**new, **defaults}.items()},
            f"nodes-{last}-visibility": "when_disclosed",
        },
    )
    assert client.post(url, changed).status_code == 302
    nodes = {node.key: node for node in layout_content(version).nodes}
    assert "n2" not in nodes
    assert nodes["n1"].label == "Renamed"
    assert nodes["n3"].value_rules == {"decimals": 1}
    assert nodes["new"].window_number == 2
    assert list(nodes)[:3] == ["section", "category", "new"]
    assert len(nodes) == last


def test_nodes_that_are_wrong_are_named_and_nothing_is_saved(make_layout: Any, data_staff: Any) -> None:
    version = make_layout(feature("n0", "drug"), feature("n1", "drug"))
    before = layout_content(version)
    client, url = client_of(data_staff), reverse("admin:cases_layoutversion_change", args=[version.pk])
    answer = client.post(url, form_of(version, **{"nodes-3-key": "n0", "nodes-2-concept_ids": "12"}))
    assert answer.status_code == 422
    assert "<strong>n0</strong>: this key is used twice" in answer.content.decode()
    assert "concept 12 is not in the vocabulary" in answer.content.decode()
    answer = client.post(url, form_of(version, **{"nodes-2-value_rules": "{", "nodes-3-concept_ids": "a"}))
    assert "Not valid JSON" in answer.content.decode()
    assert "Write concept ids" in answer.content.decode()
    assert layout_content(version) == before


def test_a_frozen_version_is_shown_and_a_new_one_made_from_it(
    case: Case, everything: LayoutVersion, data_staff: Any
) -> None:
    client = client_of(data_staff)
    url = reverse("admin:cases_layoutversion_change", args=[everything.pk])
    assert b"Frozen since" in client.get(url).content
    assert client.post(url, form_of(everything)).status_code == 403
    client.post(reverse("admin:cases_pagelayout_new_version", args=[everything.layout_id]))
    newest = LayoutVersion.objects.get(number=2)
    assert layout_content(newest) == layout_content(everything)
    assert client.get(reverse("admin:cases_layoutversion_change", args=[newest.pk])).status_code == 200
    assert b"There is no need of another" not in client.get(url).content


def test_a_training_case_is_made_from_the_tree_of_another(
    case: Case, everything: LayoutVersion, data_staff: Any, stranger: Any
) -> None:
    client = client_of(data_staff)
    tree = client.get(reverse("admin:cases_case_tree", args=[case.pk])).content
    assert AuditEvent.objects.filter(action="case_viewed").count() == 1
    url = reverse("admin:cases_case_training")
    given = {"label": "First steps", "layout_version": everything.pk}
    assert client.get(url).status_code == 200
    client.post(url, {**given, "tree": SimpleUploadedFile("tree.json", tree)})
    made = Case.objects.get(kind=Case.Kind.TRAINING)
    assert made.number == case.number + 1
    assert made.snapshots.get().sha256 == case.snapshots.get().sha256
    page = client.get(reverse("admin:cases_case_change", args=[made.pk]))
    assert b"never &lt;i&gt;" in page.content
    refused = client.post(url, {**given, "tree": SimpleUploadedFile("tree.json", b'{"sections": []}')})
    assert refused.status_code == 422
    assert b"The tree is not valid" in refused.content
    assert b"Not valid JSON" in client.post(url, {**given, "tree": SimpleUploadedFile("t.json", b"{")}).content
    assert client_of(stranger).get(url).status_code == 403
    assert client_of(stranger).get(reverse("admin:cases_case_tree", args=[case.pk])).status_code in {403, 404}
    assert Case.objects.count() == 2
