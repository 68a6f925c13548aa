"""Questionnaires: every definition checked, versions in use only copied, a key means one thing in a study."""

from __future__ import annotations

from decimal import Decimal

import pytest

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.lifecycle import activate
from experiments.actions.questionnaires import copy_version, create_questionnaire, freeze, set_questions
from experiments.actions.reviews import open_review
from experiments.models import Question, Questionnaire, QuestionnaireVersion
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study

CHOICE = {"key": "diagnosis", "type": "single_choice", "text": "Which?", "options": ["Yes", "No"], "scoring": "exact"}
RISK = {"key": "risk", "type": "probability", "text": "How likely?", "scoring": "brier"}


def create(draft, *questions, name="Main"):
    return create_questionnaire(experiment=draft, name=name, questions=list(questions), by=None)


def test_a_questionnaire_keeps_every_field_in_order(draft, owner):
    version = create_questionnaire(
        experiment=draft,
        name=" Main ",
        by=owner,
        questions=[
            CHOICE,
            {
                "key": "score",
                "type": "scale",
                "text": "How sure?",
                "help": "1 to 5",
                "required": False,
                "minimum": 1,
                "maximum": "5.0",
                "low_label": "not at all",
                "high_label": "wholly",
                "scoring": "tolerance",
                "tolerance": 0.5,
            },
            {"key": "day", "type": "date", "text": "When?", "options": None},
        ],
    )
    assert version.number == 1
    assert version.questionnaire.name == "Main"
    choice, scale, day = version.questions.order_by("position")
    assert [question.position for question in (choice, scale, day)] == [1, 2, 3]
    assert choice.options == ["Yes", "No"]
    scale.refresh_from_db()
    assert (scale.minimum, scale.maximum, scale.tolerance) == (Decimal(1), Decimal(5), Decimal("0.5"))
    assert scale.required is False
    assert day.options == []
    event = AuditEvent.objects.get(action="questionnaire_created")
    assert (event.actor, event.experiment_id) == (str(owner.pk), draft.pk)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"key": "Not A Key"}, "questions.0.key"),
        ({"key": ""}, "questions.0.key"),
        ({"type": "essay"}, "questions.0.type"),
        ({"text": ""}, "questions.0.text"),
        ({"text": "a\x00b"}, "questions.0.text"),
        ({"text": 5}, "questions.0.text"),
        ({"required": "yes"}, "questions.0.required"),
        ({"options": ["only one"]}, "questions.0.options"),
        ({"options": ["Yes", "Yes "]}, "questions.0.options"),
        ({"options": ["Yes", ""]}, "questions.0.options"),
        ({"options": "Yes, No"}, "questions.0.options"),
        ({"options": ["Yes", 1]}, "questions.0.options"),
        ({"minimum": 1}, "questions.0.minimum"),
        ({"scoring": "brier"}, "questions.0.scoring"),
        ({"scoring": "luck"}, "questions.0.scoring"),
        ({"tolerance": 1}, "questions.0.tolerance"),
        ({"colour": "red"}, "questions.0.colour"),
    ],
)
def test_what_is_wrong_with_a_choice_is_said_with_its_place(draft, fields, where):
    with pytest.raises(Invalid) as refused:
        create(draft, {**CHOICE, **fields})
    assert where in refused.value.errors
    assert not Questionnaire.objects.filter(name="Main").exists()


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"minimum": 5, "maximum": 1}, "questions.0"),
        ({"minimum": "many"}, "questions.0.minimum"),
        ({"minimum": float("inf")}, "questions.0.minimum"),
        ({"minimum": "123456789012345"}, "questions.0.minimum"),
        ({"minimum": "0.00001"}, "questions.0.minimum"),
        ({"decimals": -1}, "questions.0.decimals"),
        ({"decimals": True}, "questions.0.decimals"),
        ({"scoring": "tolerance"}, "questions.0"),
        ({"scoring": "tolerance", "tolerance": -1}, "questions.0"),
        ({"options": ["a", "b"]}, "questions.0.options"),
        ({"low_label": "low"}, "questions.0.low_label"),
        ({"type": "scale"}, "questions.0"),
    ],
)
def test_what_is_wrong_with_a_number_is_said_with_its_place(draft, fields, where):
    with pytest.raises(Invalid) as refused:
        create(draft, {"key": "n", "type": "number", "text": "How many?", **fields})
    assert list(refused.value.errors) == [where]


def test_all_errors_of_all_questions_come_at_once(draft):
    with pytest.raises(Invalid) as refused:
        create(draft, {**CHOICE, "options": []}, {**RISK, "text": ""}, {**RISK, "help": 3}, "nonsense")
    assert set(refused.value.errors) == {
        "questions.0.options",
        "questions.1.text",
        "questions.2.key",
        "questions.2.help",
        "questions.3",
    }


@pytest.mark.parametrize("questions", [[], None, "text", {}])
def test_a_questionnaire_asks_something(draft, questions):
    with pytest.raises(Invalid, match="list of 1 to"):
        create_questionnaire(experiment=draft, name="Main", questions=questions, by=None)


def test_a_name_is_used_once_in_a_study(draft):
    create(draft, CHOICE)
    with pytest.raises(Invalid):
        create(draft, CHOICE)
    with pytest.raises(Invalid) as refused:
        create(draft, CHOICE, name=" ")
    assert "name" in refused.value.errors


def test_a_key_keeps_its_type_in_the_whole_study(draft, lead):
    # the factory's questionnaire asks `risk` as a probability
    with pytest.raises(Invalid) as refused:
        create(draft, {"key": "risk", "type": "number", "text": "How many?"})
    assert "has the type probability" in refused.value.errors["questions.0.type"][0]
    version = create(draft, {"key": "count", "type": "number", "text": "How many?"})
    set_questions(
        version=version, questions=[{"key": "count", "type": "scale", "text": "?", "minimum": 1, "maximum": 3}], by=None
    )
    copy = copy_version(version=version, by=None)
    with pytest.raises(Invalid):
        set_questions(version=copy, questions=[{"key": "count", "type": "number", "text": "?"}], by=None)
    elsewhere = factories.make_study(by=lead, active=False)
    create(elsewhere, {"key": "count", "type": "number", "text": "How many?"})


def test_questions_are_replaced_as_a_whole_until_the_version_is_frozen(draft, owner):
    version = create(draft, CHOICE, RISK)
    set_questions(version=version, questions=[RISK], by=owner)
    assert list(version.questions.values_list("key", flat=True)) == ["risk"]
    frozen = freeze(version=version, by=owner)
    assert frozen.frozen_at
    assert freeze(version=version, by=owner).frozen_at == frozen.frozen_at
    with pytest.raises(Conflict) as refused:
        set_questions(version=version, questions=[CHOICE], by=owner)
    assert refused.value.code == "version_frozen"
    assert list(version.questions.values_list("key", flat=True)) == ["risk"]


def test_a_refused_change_leaves_the_questions_as_they_were(draft):
    version = create(draft, CHOICE, RISK)
    with pytest.raises(Invalid):
        set_questions(version=version, questions=[{**CHOICE, "options": []}], by=None)
    assert version.questions.count() == 2


def test_a_copy_is_the_next_version_and_can_be_changed(draft):
    version = create(draft, CHOICE, RISK)
    freeze(version=version)
    copy = copy_version(version=version, by=None)
    assert copy.number == 2
    assert copy.frozen_at is None
    assert copy.public_id != version.public_id
    asked = ("position", "key", "type", "text", "options", "scoring")
    assert list(copy.questions.values_list(*asked)) == list(version.questions.values_list(*asked))
    set_questions(version=copy, questions=[{**CHOICE, "text": "Which one?"}], by=None)
    assert Question.objects.get(version=version, key="diagnosis").text == "Which?"
    assert copy_version(version=version, by=None).number == 3


def test_activation_freezes_and_a_version_in_use_is_only_copied(draft, owner):
    version = QuestionnaireVersion.objects.get(questionnaire__experiment=draft)
    activate(experiment=draft, by=owner, confirmed={"person_more_than_once", "later_stage_hides"})
    with pytest.raises(Conflict):
        set_questions(version=version, questions=[CHOICE], by=owner)


def test_a_version_bound_by_a_review_is_only_copied(layout_version, clinician):
    review, version = configs_study(layout_version, clinician)
    set_questions(version=version, questions=[CHOICE], by=None)
    open_review(public_id=review.public_id, by=clinician)
    with pytest.raises(Conflict):
        set_questions(version=version, questions=[RISK], by=None)


def test_a_version_without_questions_is_not_frozen(draft):
    version = create(draft, CHOICE)
    version.questions.all().delete()
    with pytest.raises(Invalid) as refused:
        freeze(version=version)
    assert refused.value.code == "no_questions"
