"""/experiments/{code}/arms, stages, disclosure, cases."""

import pytest

from experiments.models import Experiment
from experiments.tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(draft: Experiment) -> str:
    return f"/api/v2/experiments/{draft.code}"


@pytest.fixture
def client(api, lead, draft):
    lead.refresh_from_db()
    return api(lead)


def test_arms_are_listed_with_their_stages(client, address):
    arms = client.get(f"{address}/arms").json()
    assert [arm["key"] for arm in arms] == ["without-advice", "with-advice", "advice-afterwards"]
    assert [len(arm["stages"]) for arm in arms] == [1, 1, 2]


def test_listing_arms_takes_as_many_statements_for_three_as_for_six(client, address, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        client.get(f"{address}/arms")
    for name in "abc":
        client.post(f"{address}/arms", {"name": name})
    with django_assert_max_num_queries(9):
        assert len(client.get(f"{address}/arms").json()) == 6


def test_an_arm_is_made_with_stages_and_changed_and_removed(client, address, draft):
    questionnaire = draft.questionnaires.get().name
    stages = [{"name": "First", "questionnaire": questionnaire}, {"name": "Second", "not_before_days": 7}]
    made = client.post(f"{address}/arms", {"name": "New arm", "weight": 2, "stages": stages})
    assert made.status_code == 201, made.json()
    assert made.json()["key"] == "new-arm"
    assert [stage["not_before_days"] for stage in made.json()["stages"]] == [0, 7]
    changed = client.patch(f"{address}/arms/new-arm", {"weight": 3})
    assert changed.json()["weight"] == 3
    assert client.delete(f"{address}/arms/new-arm").status_code == 204
    assert client.get(f"{address}/arms/new-arm").status_code == 404


def test_an_arm_is_copied(client, address):
    made = client.post(f"{address}/arms", {"name": "Copy", "copy_of": "advice-afterwards"})
    assert made.status_code == 201
    assert len(made.json()["stages"]) == 2
    source = client.get(f"{address}/arms/advice-afterwards").json()
    assert [stage["disclosure_sha256"] for stage in made.json()["stages"]] == [
        stage["disclosure_sha256"] for stage in source["stages"]
    ]


def test_a_copy_of_nothing_is_refused(client, address):
    answer = client.post(f"{address}/arms", {"name": "Copy", "copy_of": "nothing"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["copy_of"]


def test_a_name_taken_is_refused(client, address):
    assert client.post(f"{address}/arms", {"name": "With advice"}).status_code == 422


def test_stages_are_added_changed_and_removed(client, address):
    stages = f"{address}/arms/with-advice/stages"
    assert client.post(stages, {"name": "Afterwards"}).status_code == 201
    assert client.patch(f"{stages}/2", {"not_before_days": 3}).json()["not_before_days"] == 3
    assert client.delete(f"{stages}/1").status_code == 409
    assert client.delete(f"{stages}/2").status_code == 204
    assert len(client.get(stages).json()) == 1


def test_a_stage_takes_no_questionnaire_of_another_study(client, address, stranger):
    foreign = factories.make_study(by=stranger).questionnaires.get().name
    answer = client.patch(f"{address}/arms/with-advice/stages/1", {"questionnaire": foreign})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["questionnaire"]


def test_disclosure_is_read_and_replaced(client, address):
    stage = f"{address}/arms/with-advice/stages/1/disclosure"
    before = client.get(stage).json()
    assert [cell["node"] for cell in before["cells"]] == ["age", "lab", "advice"]
    after = client.put(stage, {"cells": [{"node": "age", "shown": True, "top": "1.50"}]})
    assert after.status_code == 200, after.json()
    assert after.json()["cells"] == [
        {"node": "age", "discriminator": None, "shown": True, "collapse": None, "highlight": None, "top": "1.5"}
    ]
    assert after.json()["disclosure_sha256"] != before["disclosure_sha256"]
    assert client.get(stage).json() == after.json()


def test_a_cell_of_a_node_that_the_layout_lacks_is_refused(client, address):
    answer = client.put(f"{address}/arms/with-advice/stages/1/disclosure", {"cells": [{"node": "nose", "shown": True}]})
    assert answer.status_code == 422
    assert "nose" in str(answer.json())


def test_the_case_list_is_read_and_replaced(client, address):
    numbers = client.get(f"{address}/cases").json()["cases"]
    assert len(numbers) == 4
    answer = client.put(f"{address}/cases", {"cases": numbers[::-1]})
    assert answer.json()["cases"] == numbers[::-1]


def test_unknown_and_repeated_cases_are_refused(client, address):
    number = client.get(f"{address}/cases").json()["cases"][0]
    unknown = client.put(f"{address}/cases", {"cases": [number, -77]})
    assert unknown.status_code == 422
    assert "-77" in unknown.json()["errors"]["cases"][0]
    assert client.put(f"{address}/cases", {"cases": [number, number]}).status_code == 422
    assert len(client.get(f"{address}/cases").json()["cases"]) == 4


def test_an_arm_that_is_frozen_is_not_removed(api, cast, base):
    answer = api(cast["lead"]).delete(f"{base}/arms/with-advice")
    assert answer.status_code == 409


@pytest.mark.parametrize("who", ["coordinator", "blinded analyst", "adjudicator"])
def test_arms_are_hidden_from_the_blinded(api, cast, base, who):
    for path in ("/arms", "/arms/with-advice", "/arms/with-advice/stages", "/protocols/1"):
        answer = api(cast[who]).get(base + path)
        assert answer.status_code == 403
        assert answer.json()["code"] == "permission_denied"
