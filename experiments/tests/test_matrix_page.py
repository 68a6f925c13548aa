"""The disclosure matrix in the admin: who may, saving, conflicts, and the frozen design."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from cases.models import LayoutNode
from experiments.actions.design import set_cells
from experiments.actions.roles import grant_role
from experiments.design.disclosure_table import disclosure_table
from experiments.models import Experiment, Stage
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(experiment: Any, page: str = "matrix") -> str:
    return reverse(f"admin:experiments_experiment_{page}", args=[experiment.pk])


def first_stage(experiment: Any) -> Stage:
    return Stage.objects.filter(arm__experiment=experiment).order_by("arm__position", "position")[0]


def post(client: Client, experiment: Any, cells: dict[int, Any], token: str) -> Any:
    return client.post(address(experiment), {"cells": json.dumps(cells), "token": token})


def test_the_page_holds_the_table_and_its_data(draft: Any, lead: Any) -> None:
    response = client_of(lead).get(address(draft))

    assert response.status_code == 200
    page = response.content.decode()
    assert "Hemoglobin, With advice: shown, as above" in page
    assert 'id="matrix-form"' in page
    data = page.split('<script id="matrix-data" type="application/json">')[1].split("</script>")[0]
    assert [len(stage["cells"]) for stage in json.loads(data)["stages"]] == [2, 3, 2, 3]
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("role", "status", "may_save"),
    [
        ("lead", 200, True),
        ("unblinded_analyst", 200, False),
        ("blinded_analyst", 403, False),
        ("coordinator", 403, False),
        ("adjudicator", 403, False),
    ],
)
def test_who_may_see_and_who_may_save(draft: Any, stranger: Any, role: str, status: int, may_save: bool) -> None:
    grant_role(user=stranger, experiment=draft, role=role, by=None)
    client = client_of(stranger)

    response = client.get(address(draft))
    assert response.status_code == status
    if status == 200:
        assert ('id="matrix-form"' in response.content.decode()) is may_save

    token = disclosure_table(draft).token
    saved = post(client, draft, {first_stage(draft).pk: [{"node": "age", "shown": False}]}, token)
    assert saved.status_code == (302 if may_save else 403)
    assert (len(first_stage(draft).cells) == 1) is may_save


def test_a_foreign_study_is_404_for_reading_and_saving(draft: Any, stranger: Any) -> None:
    other = factories.make_study(by=stranger, active=False)
    client = client_of(stranger)
    assert client.get(address(draft)).status_code == 404
    assert post(client, draft, {}, "").status_code == 404
    assert client.get(address(other)).status_code == 200


def test_saving_stores_cells_and_the_resolved_set_in_one_request(draft: Any, lead: Any) -> None:
    stage = first_stage(draft)
    cells = {stage.pk: [{"node": "lab", "discriminator": "c:3000963", "shown": True, "top": "1.5"}]}

    response = post(client_of(lead), draft, cells, disclosure_table(draft).token)

    assert response.status_code == 302
    stage.refresh_from_db()
    assert stage.cells[0]["top"] == "1.5"
    shows = json.loads(stage.disclosure_set.content)["shows"]
    assert [(show["node_key"], show["discriminator"]) for show in shows] == [("lab", "c:3000963")]
    assert AuditEvent.objects.filter(action="disclosure_changed", actor=str(lead.pk)).count() == 1


def test_of_two_researchers_the_slower_one_loses_nothing_and_overwrites_nothing(draft: Any, lead: Any) -> None:
    stage = first_stage(draft)
    seen = disclosure_table(draft).token
    theirs = [{"node": "advice", "shown": True}]
    set_cells(experiment=draft, cells={stage.pk: theirs}, by=lead)

    mine = {stage.pk: [{"node": "age", "shown": True, "highlight": True}]}
    response = post(client_of(lead), draft, mine, seen)

    assert response.status_code == 409
    page = response.content.decode()
    assert "Somebody else saved this matrix while you were editing it" in page
    assert "Age" in page
    data = json.loads(page.split('<script id="matrix-data" type="application/json">')[1].split("</script>")[0])
    assert data["unsaved"] == [stage.pk]
    assert [{name: value for name, value in cell.items() if value} for cell in data["stages"][0]["cells"]] == mine[
        stage.pk
    ]
    stage.refresh_from_db()
    assert [cell["node"] for cell in stage.cells] == ["advice"]

    token = page.split('name="token" value="')[1].split('"')[0]
    assert post(client_of(lead), draft, mine, token).status_code == 302
    stage.refresh_from_db()
    assert [cell["node"] for cell in stage.cells] == ["age"]


@pytest.mark.parametrize(
    "cells",
    ["no json", "[]", '{"x": []}', '{"1": {}}', '{"1": [1]}', '{"1": [{"node": "nowhere"}]}'],
)
def test_what_cannot_be_read_is_refused_with_a_reason_and_changes_nothing(draft: Any, lead: Any, cells: str) -> None:
    stage = first_stage(draft)
    text = cells.replace('"1"', f'"{stage.pk}"')
    before = stage.cells
    response = client_of(lead).post(address(draft), {"cells": text, "token": disclosure_table(draft).token})
    assert response.status_code == 422
    assert 'class="errornote"' in response.content.decode()
    stage.refresh_from_db()
    assert stage.cells == before


def test_a_stage_of_another_study_cannot_be_saved_here(draft: Any, lead: Any) -> None:
    other = first_stage(factories.make_study(by=lead, active=False))
    response = post(client_of(lead), draft, {other.pk: []}, disclosure_table(draft).token)
    assert response.status_code == 422
    assert Stage.objects.get(pk=other.pk).cells == other.cells


def test_an_active_study_is_read_only_until_an_amendment_is_begun_and_published(study: Any, lead: Any) -> None:
    client = client_of(lead)
    stage = first_stage(study)
    frozen = stage.disclosure_set_id
    page = client.get(address(study)).content.decode()
    assert 'id="matrix-form"' not in page
    assert "Begin an amendment" in page
    cells = {stage.pk: [{"node": "age", "shown": True}]}
    assert post(client, study, cells, disclosure_table(study).token).status_code == 409
    assert Stage.objects.get(pk=stage.pk).disclosure_set_id == frozen

    assert client.post(address(study, "begin_amendment"), {"reason": " "}).status_code == 302
    assert 'id="matrix-form"' not in client.get(address(study)).content.decode()
    client.post(address(study, "begin_amendment"), {"reason": "less is more"})
    assert AuditEvent.objects.filter(action="amendment_begun").count() == 1
    assert post(client, study, cells, disclosure_table(study).token).status_code == 302
    page = client.get(address(study)).content.decode()
    assert "<strong>Not published yet:</strong> changes in Without advice" in page

    page = client.get(address(study, "amend")).content.decode()
    assert "less is more" in page
    response = client.post(address(study, "amend"), {"reason": "less is more"})
    assert response.status_code == 302
    study.refresh_from_db()
    assert study.protocol.number == 2
    assert study.protocol.reason == "less is more"
    assert 'id="matrix-form"' not in client.get(address(study)).content.decode()


def test_a_completed_study_cannot_be_changed(study: Any, lead: Any) -> None:
    Experiment.objects.filter(pk=study.pk).update(status="completed")
    page = client_of(lead).get(address(study)).content.decode()
    assert 'id="matrix-form"' not in page
    assert "Begin an amendment" not in page


def large_study(by: Any, nodes: int = 200, arms: int = 6) -> Any:
    version = factories.make_layout()
    section = LayoutNode.objects.create(version=version, position=100, key="many", label="Many", level="section")
    LayoutNode.objects.bulk_create(
        LayoutNode(
            version=version, parent=section, position=101 + at, key=f"n{at}", label=f"Node {at}", level="feature",
            source="observation",
        )
        for at in range(nodes - 9)
    )  # fmt: skip
    designs = {f"Arm {at}": [factories.show("age", f"n{at}")] for at in range(arms)}
    return factories.make_study(by=by, arms=designs, layout_version=version, active=False)


def test_it_stays_small_and_few_in_queries_with_200_rows_and_6_columns(
    lead: Any, django_assert_max_num_queries: Any
) -> None:
    study = large_study(lead)
    client = client_of(lead)
    client.get(address(study))  # templates are compiled once
    with django_assert_max_num_queries(25):
        page = client.get(address(study)).content.decode()
    assert page.count('class="cell') >= 1200
    assert len(page) < 300_000

    cells = {
        stage.pk: [{"node": f"n{at}", "shown": True} for at in range(190)]
        for stage in Stage.objects.filter(arm__experiment=study)
    }
    token = disclosure_table(study).token
    with django_assert_max_num_queries(40):
        assert post(client, study, cells, token).status_code == 302
