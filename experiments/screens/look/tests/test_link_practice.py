"""Practice as a link shows it: on a made-up case, with made-up feedback, and nothing of the study's training cases."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from experiments.actions.preview_links import make_preview_link
from experiments.actions.references import set_reference
from experiments.actions.training import TrainingEntry, set_training_cases
from experiments.models import Arm, Enrolment, Experiment, Stage
from experiments.tests import factories

pytestmark = pytest.mark.django_db

ANSWERS = {"q.diagnosis": "yes", "q.risk": "30"}
SAID = "zq: this patient died in 2009"


@pytest.fixture
def practised(draft: Experiment, lead: Any) -> Experiment:
    """Two cases to practise on, with feedback that nobody outside may read."""
    version = draft.layout.current()
    cases = [factories.make_case(layout_version=version) for _each in range(2)]
    set_training_cases(experiment=draft, entries=[TrainingEntry(case, SAID) for case in cases], by=lead)
    draft.refresh_from_db()
    return draft


@pytest.fixture
def secret(practised: Experiment, lead: Any) -> str:
    return make_preview_link(experiment=practised, label="Ethics board", days=30, by=lead).secret


def before(secret: str) -> str:
    return reverse("look_practice", args=[secret])


def stage(secret: str, number: int = 1) -> str:
    return reverse("look_practice_case", args=[secret, number])


def test_practice_comes_after_all_else_and_before_the_cases(client: Client, secret: str) -> None:
    overview = client.get(reverse("look", args=[secret]))
    assert overview.context["steps"][-1] == ("Practice", before(secret))
    page = client.get(before(secret))
    assert "there are 2 cases to practise on" in page.content.decode()
    assert page.context["begin"] == stage(secret)


def test_a_made_up_case_is_practised_and_followed_by_made_up_feedback(client: Client, secret: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        page = client.get(stage(secret))
        text = page.content.decode()
        assert "What you do here is kept apart" in text
        assert "Made-up cases with invented values" in text
        assert client.post(stage(secret), {"q.risk": "300"}).status_code == 422
        told = client.post(stage(secret), ANSWERS).content.decode()
    assert "The reference standard and the feedback are made up" in told
    assert "Made-up feedback." in told
    assert "Your answer:" in told
    assert "Agrees with your answer" in told
    changing = ("INSERT", "UPDATE", "DELETE")
    assert [one["sql"] for one in captured if one["sql"].lstrip().upper().startswith(changing)] == []
    assert not Enrolment.objects.exists()


def test_neither_feedback_nor_references_of_the_study_are_told(
    client: Client, secret: str, practised: Experiment, lead: Any
) -> None:
    for entry in practised.training_cases.select_related("case"):
        set_reference(
            experiment=practised, case=entry.case, question_key="diagnosis", value="no", rule="panel", by=lead
        )
    told = client.post(stage(secret), ANSWERS)
    text = told.content.decode()
    assert "zq" not in text
    rows = {row.question: row.reference for row in told.context["one"].rows}
    assert rows == {"Which diagnosis?": "yes", "How likely?": "Yes", "Anything else?": ""}
    numbers = practised.training_cases.values_list("case__number", flat=True)
    assert told.context["one"].case_number not in numbers


def test_it_is_practised_as_the_chosen_arm_with_its_stages(client: Client, secret: str, practised: Experiment) -> None:
    assert client.get(stage(secret, 2)).status_code == 404  # the shortest arm has one stage
    practised.training_arm = Arm.objects.get(experiment=practised, name="Advice afterwards")
    practised.save()
    sent = client.post(stage(secret), ANSWERS)
    assert sent.context["again"] == stage(secret, 2)
    second = client.post(stage(secret, 2), {"begin": "1", "first": sent.context["first"]})
    assert "Example model" in second.content.decode()
    told = client.post(stage(secret, 2), ANSWERS | {"q.diagnosis": "no", "first": sent.context["first"]})
    assert [row.answers for row in told.context["one"].rows] == [("yes", "no"), ("30\u00a0%", "30\u00a0%"), ("", "")]


def test_practice_ends_before_a_stage_that_comes_days_later(client: Client, secret: str, practised: Experiment) -> None:
    practised.training_arm = Arm.objects.get(experiment=practised, name="Advice afterwards")
    practised.save()
    Stage.objects.filter(arm=practised.training_arm, position=2).update(not_before_days=7)
    assert client.get(stage(secret, 2)).status_code == 404
    assert "Made-up feedback." in client.post(stage(secret), ANSWERS).content.decode()


def test_what_is_hidden_until_asked_is_so_in_practice(client: Client, secret: str, practised: Experiment) -> None:
    Stage.objects.filter(arm__experiment=practised).update(hidden_until_asked=True)
    page = client.get(stage(secret))
    assert {feature.shape for feature in page.context["case"].features} == {"hidden"}
    part = client.post(stage(secret), {"feature": "age"}, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<div")


def test_a_study_without_practice_has_no_such_page(client: Client, draft: Experiment, lead: Any) -> None:
    secret = make_preview_link(experiment=draft, label="Board", days=1, by=lead).secret
    assert client.get(before(secret)).status_code == 404
    assert client.get(stage(secret)).status_code == 404
    assert client.post(stage(secret), ANSWERS).status_code == 404
