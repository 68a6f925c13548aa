"""The questionnaire's route: the contract's four question types, and its refusals word by word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from augmed.published.tests.augmed_study import QUESTIONS
from experiments.models import Experiment, Question, QuestionnaireVersion
from experiments.tests import factories

pytestmark = pytest.mark.django_db
PATHS = ("/api/admin/config/answer", "/admin/config/answer", "/admin/config/answer/")


@pytest.fixture(autouse=True)
def layout(db: None) -> Any:
    return factories.make_layout(is_default=True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_questions_become_the_current_ones_at_once(api: Any, administrator: Any, path: str, wrapped: bool) -> None:
    response = api(administrator).post(path, {"config": QUESTIONS} if wrapped else QUESTIONS)
    assert response.status_code == 200
    version = QuestionnaireVersion.objects.get()
    assert response.json() == {"data": {"id": str(version.public_id)}, "error": None}
    assert version.questionnaire.experiment == Experiment.objects.get(kind="configs")
    asked = list(version.questions.order_by("position").values_list("type", "text", "required", "options"))
    types = ["single_choice", "multiple_choice", "short_text", "paragraph"]
    assert asked == [
        (kind, given["title"], given["required"], given.get("options", []))
        for kind, given in zip(types, QUESTIONS, strict=True)
    ]


def test_a_later_questionnaire_is_the_next_version_and_keeps_the_keys(api: Any, administrator: Any) -> None:
    first = api(administrator).post(PATHS[0], QUESTIONS).json()["data"]["id"]
    assert api(administrator).post(PATHS[0], QUESTIONS).json()["data"]["id"] == first
    second = api(administrator).post(PATHS[0], QUESTIONS[::-1]).json()["data"]["id"]
    assert second != first
    keys = [
        list(Question.objects.filter(version__public_id=made).order_by("position").values_list("key", flat=True))
        for made in (first, second)
    ]
    assert keys[0] == keys[1][::-1]


@pytest.mark.parametrize(("said", "stored"), [(True, True), ("true", True), ("True", True), (False, False), (1, False)])
def test_required_is_what_the_client_takes_for_it(api: Any, administrator: Any, said: Any, stored: bool) -> None:
    api(administrator).post(
        PATHS[0], [{"type": "Text", "title": "A", "required": said}, {"type": "Text", "title": "B"}]
    )
    assert list(Question.objects.order_by("position").values_list("required", flat=True)) == [stored, False]


CHOICE = {"type": "SingleChoice", "title": "Risk?", "options": ["a", "b"]}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ([], "Answer config can not be empty list."),
        ({}, "Answer config can not be empty list."),
        ({"config": {"a": 1}}, "Answer config can not be empty list."),
        ([{"type": "Text"}], "A question title is required in text."),
        ([{"type": "Paragraph", "title": " "}], "A question title is required in paragraph."),
        ([{"type": "SingleChoice", "options": ["a", "b"]}], "A question title is required in single choice."),
        ([{"type": "MultipleChoice", "title": 3}], "A question title is required in multiple choice."),
        ([CHOICE | {"options": ["a"]}], "Choice question must contain at least 2 options."),
        ([{"type": "MultipleChoice", "title": "A"}], "Choice question must contain at least 2 options."),
        ([{"title": "A"}], "Type should be Text, Paragraph, SingleChoice or MultipleChoice"),
        ([{"type": "Slider", "title": "A"}], "Type should be Text, Paragraph, SingleChoice or MultipleChoice"),
        (["x"], "Type should be Text, Paragraph, SingleChoice or MultipleChoice"),
        ([CHOICE, {"type": "Text", "title": "Risk? "}], "Two questions have the title 'Risk?'; each needs its own."),
        ([CHOICE | {"options": ["a", "a "]}], "An option of 'Risk?' occurs twice."),
        ([CHOICE | {"options": ["a", 3]}], "The options of 'Risk?' are texts."),
    ],
)
def test_a_refusal_says_what_is_wrong_and_changes_nothing(api: Any, administrator: Any, body: Any, detail: str) -> None:
    response = api(administrator).post(PATHS[0], body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (500, "1020")
    assert error["message"] == f"Invalid answer config. Error:{detail}"
    assert not Experiment.objects.exists()


def test_what_the_actions_refuse_is_refused_in_their_words(api: Any, administrator: Any) -> None:
    long = [CHOICE | {"options": ["a" * 600, "b"]}]
    too_many = [{"type": "Text", "title": f"Question {at}"} for at in range(300)]
    half_a_pair = '[{"type": "Text", "title": "\\ud800"}]'
    for body in (json.dumps(long), json.dumps(too_many), half_a_pair):
        error = api(administrator).post(PATHS[0], body, content_type="application/json").json()["error"]
        assert (error["code"], error["message"].startswith("Invalid answer config. Error:")) == ("1020", True)
    assert not Experiment.objects.exists()


def test_without_a_layout_the_refusal_says_what_to_do(api: Any, administrator: Any, layout: Any) -> None:
    layout.layout.is_default = False
    layout.layout.save()
    error = api(administrator).post(PATHS[0], QUESTIONS).json()["error"]
    assert "There is no page layout yet" in error["message"]


def test_only_designers_may_change_it(api: Any, clinician: Any, data_staff: Any) -> None:
    for person in (clinician, data_staff):
        response = api(person).post(PATHS[0], QUESTIONS)
        assert (response.status_code, response.json()["error"]["code"]) == (500, "1103")
    assert api().post(PATHS[0], QUESTIONS).status_code == 401


def test_a_studys_lead_may_not_change_that_of_the_display_configs(api: Any, administrator: Any, owner: Any) -> None:
    api(administrator).post(PATHS[0], QUESTIONS)
    factories.make_study(by=owner)
    response = api(owner).post(PATHS[0], QUESTIONS[:1])
    assert (response.status_code, response.json()["error"]["code"]) == (500, "1103")
    assert QuestionnaireVersion.objects.filter(questionnaire__experiment__kind="configs").count() == 1
