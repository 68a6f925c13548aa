"""Making a study by the published contract: complete and active, or a draft that says what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from augmed.foundation.permissions import Verb
from augmed.published.tests.augmed_study import make_layout, make_visits
from cases.disclosure import DisclosureContent
from cases.models import Case, SnapshotFeature
from experiments.actions.display_configs import apply
from experiments.models import Assignment, Experiment
from experiments.tests import factories

pytestmark = pytest.mark.django_db

URL = "/api/v1/experiments"
CONFIRMED = ["compatibility_visibility", "nothing_disclosed"]
ARMS = [
    {
        "name": "Without",
        "path_config": [
            {"path": "BACKGROUND.Family History.Cancer: Yes", "style": {"collapse": True, "top": 1.5}},
            {"path": "BACKGROUND.Medical History"},
        ],
    },
    {
        "name": "With",
        "path_config": [
            {"path": "BACKGROUND.Family History"},
            {"path": "RISK ASSESSMENT.Colorectal Cancer Score", "style": {"highlight": True}},
        ],
    },
]


@pytest.fixture
def ready(clinician: Any, other_clinician: Any) -> None:
    """Visits, the layout, and a questionnaire of the display configs, which exist since a first file."""
    make_visits(4)
    make_layout()
    header, path = "User,Case No.,Path\n", "BACKGROUND.Family History"
    apply(file=f"{header}{clinician.email},1,{path}\n".encode(), by=None)
    configs = Experiment.objects.get(kind="configs")
    factories.make_questionnaire(configs, name="Older")
    factories.make_questionnaire(configs, name="Newest")


@pytest.fixture
def body(ready: None, clinician: Any, other_clinician: Any) -> dict[str, Any]:
    people = (clinician.email, other_clinician.email)
    pool = [{"user_email": email, "case_id": case} for email in people for case in (3, 1, 2)]
    return {"name": "Trial", "description": "A trial.", "arms": ARMS, "case_pool": pool, "confirmed": CONFIRMED}


def refused(found: Any) -> str:
    assert found.status_code == 400, found.content
    assert found.json()["error"]["code"] == 400
    return found.json()["error"]["message"]


def shown_labels(arm: Any) -> set[str]:
    """What the arm shows of all the cases."""
    content = DisclosureContent.from_json(json.loads(arm.stages.get().disclosure_set.content))
    shown = {tuple(show.identity) for show in content.shows}
    found = SnapshotFeature.objects.values_list("node_key", "discriminator", "label")
    return {label for node, discriminator, label in found if (node, discriminator) in shown}


def test_a_complete_study_is_active_and_drawn(api, administrator, body):
    found = api(administrator).post(URL, body)
    assert found.status_code == 201, found.content
    shown = found.json()["data"]
    assert (shown["status"], shown["missing"], shown["description"]) == ("active", [], "A trial.")
    assert shown["case_pool"] == body["case_pool"]
    study = Experiment.objects.get(code=shown["experiment_id"])
    assert list(study.study_cases.values_list("case__number", flat=True)) == [3, 1, 2]
    assert Assignment.objects.filter(enrolment__experiment=study, arm__isnull=False).count() == 6
    assert study.created_by == administrator
    assert study.study_roles.get().role == "lead"


def test_paths_become_what_arms_disclose(api, administrator, body):
    shown = api(administrator).post(URL, body).json()["data"]
    without, with_score = shown["arms"]
    assert without["path_config"] == [
        {"path": "BACKGROUND.Medical History"},
        {"path": "BACKGROUND.Family History.Cancer", "style": {"collapse": True, "top": 1.5}},
    ]
    assert with_score["path_config"][0] == {"path": "BACKGROUND.Family History"}
    assert with_score["path_config"][1]["style"] == {"highlight": True}
    first, second = (shown_labels(arm) for arm in Experiment.objects.get(name="Trial").arms.order_by("position"))
    assert {"Cancer", "Asthma"} <= first
    assert not first & {"Diabetes", "Colorectal Cancer Score"}
    assert {"Cancer", "Diabetes", "Colorectal Cancer Score"} <= second
    assert "Asthma" not in second


def test_the_newest_questionnaire_of_the_display_configs_is_copied(api, administrator, body):
    api(administrator).post(URL, body)
    study = Experiment.objects.get(name="Trial")
    [questionnaire] = study.questionnaires.all()
    assert questionnaire.name == "Newest"
    version = questionnaire.versions.get()
    assert [question.key for question in version.questions.order_by("position")] == ["diagnosis", "risk", "remarks"]
    assert {stage.questionnaire for arm in study.arms.all() for stage in arm.stages.all()} == {questionnaire}


def test_visits_become_cases_for_those_who_may(api, by_key, administrator, body):
    assert not Case.objects.filter(number__in=[2, 3]).exists()
    scopes = [Verb.CREATE_EXPERIMENT, Verb.CHANGE_DESIGN, Verb.MANAGE_ENROLMENT, Verb.CHANGE_STATUS]
    said = refused(by_key(administrator, *scopes).post(URL, body))
    assert "There is no case and no visit of the number 3, 2." in said
    assert api(administrator).post(URL, body).status_code == 201
    assert Case.objects.filter(number__in=[2, 3]).count() == 2


def test_augmeds_own_scripts_need_not_confirm_what_augmed_always_did(api, administrator, body):
    del body["confirmed"]
    assert api(administrator).post(URL, body).json()["data"]["status"] == "active"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"confirmed": []}, {"compatibility_visibility"}),
        # Without cases no value of theirs can be named by a path, categories can.
        ({"case_pool": None, "arms": [{"name": "One", "path_config": []}]}, {"no_cases"}),
    ],
)
def test_what_is_missing_is_said_and_the_study_stays_a_draft(api, administrator, body, changes, missing):
    body |= changes
    found = api(administrator).post(URL, body)
    assert found.status_code == 201, found.content
    shown = found.json()["data"]
    assert shown["status"] == "draft"
    assert {one["code"] for one in shown["missing"]} >= missing
    assert all(one["message"] for one in shown["missing"])


def test_a_draft_is_activated_later_by_its_status(api, administrator, body):
    confirmed, body["confirmed"] = body["confirmed"], []
    shown = api(administrator).post(URL, body).json()["data"]
    url = f"{URL}/{shown['experiment_id']}/status"
    not_yet = api(administrator).patch(url, {"status": "active"})
    assert not_yet.status_code == 500
    assert "Shown unless the matrix hides it" in not_yet.json()["error"]["message"]
    found = api(administrator).patch(url, {"status": "active", "confirmed": confirmed})
    assert found.json()["data"]["status"] == "active"


def test_a_key_without_the_right_to_activate_leaves_a_draft(by_key, administrator, body):
    body["case_pool"] = [{"user_email": None, "case_id": 1}]
    client = by_key(administrator, Verb.CREATE_EXPERIMENT, Verb.CHANGE_DESIGN, Verb.VIEW_EXPERIMENT, Verb.VIEW_ARM)
    shown = client.post(URL, body).json()["data"]
    assert (shown["status"], [one["code"] for one in shown["missing"]]) == ("draft", ["not_allowed"])


@pytest.mark.parametrize("scopes", [[], [Verb.CREATE_EXPERIMENT], [Verb.CREATE_EXPERIMENT, Verb.CHANGE_DESIGN]])
def test_each_step_needs_its_own_right(by_key, administrator, body, scopes):
    for pair in body["case_pool"]:
        pair["case_id"] = 1
    before = Experiment.objects.count()
    found = by_key(administrator, Verb.VIEW_EXPERIMENT, *scopes).post(URL, body)
    assert (found.status_code, found.json()["error"]["code"]) == (500, "1103")
    assert Experiment.objects.count() == before


def test_who_makes_no_studies_is_told_so(api, clinician, body):
    found = api(clinician).post(URL, body)
    assert (found.status_code, found.json()["error"]["code"]) == (500, "1103")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "'name' and 'arms' are required"),
        ({"arms": []}, "'name' and 'arms' are required"),
        ({"arms": "str"}, "'arms' must be a list."),
        ({"arms": ["A"]}, "'arms[0]' must be an object."),
        ({"arms": [{"name": " "}]}, "'arms[0].name' must not be empty."),
        ({"arms": [{"name": "A", "weight": True}]}, "'arms[0].weight' must be a whole number from 1 to 1000."),
        ({"arms": [{"name": "A"}, {"name": "A"}]}, "already exists"),
        (
            {"arms": [{"name": "A", "path_config": [{"path": "x", "style": 1}]}]},
            "path_config[0].style': a style is an obj",
        ),
        ({"arms": [{"name": "A", "path_config": [{"path": "BACKGROUND.Nothing"}]}]}, "arms[0].path_config[0]: "),
        ({"arms": [{"name": "A", "path_config": [{"path": "BACKGROUND"}]}]}, "a path names a section and"),
        (
            {"arms": [{"name": "A", "path_config": [{"path": "RISK ASSESSMENT.Colorectal Cancer Score: 7"}]}]},
            "a value is given for one participant's case",
        ),
        ({"name": "x" * 201}, "'name' has at most 200 characters."),
        ({"name": 7}, "'name' must be a text."),
        ({"name": "a\x00"}, "cannot be stored"),
        ({"case_pool": {}}, "'case_pool' must be a list."),
        ({"case_pool": [{"case_id": "1"}]}, "'case_pool[0].case_id' must be a whole number"),
        ({"case_pool": [{"case_id": 99}]}, "no case and no visit of the number 99"),
        (
            {"case_pool": [{"case_id": 1, "user_email": "no@example.org"}]},
            "Nobody active on the roster has the address",
        ),
        (
            {"case_pool": [{"case_id": 1, "user_email": "a@b.c"}, {"case_id": 2, "user_email": "d@e.f"}]},
            "must name every participant with every case",
        ),
    ],
)
def test_what_cannot_be_made_is_a_400_and_leaves_nothing(api, administrator, body, change, message):
    before = Experiment.objects.count(), Case.objects.count()
    assert message in refused(api(administrator).post(URL, body | change))
    assert (Experiment.objects.count(), Case.objects.count()) == before


def test_a_name_that_is_taken_is_a_400(api, administrator, body):
    assert api(administrator).post(URL, body).status_code == 201
    assert "already exists" in refused(api(administrator).post(URL, body))


def test_without_a_layout_nothing_can_be_made(api, administrator):
    said = refused(api(administrator).post(URL, {"name": "Trial", "arms": [{"name": "A"}]}))
    assert said.startswith("There is no page layout yet.")
