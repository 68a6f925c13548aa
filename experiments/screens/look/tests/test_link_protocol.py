"""A link that shows a protocol as it was frozen, beside one that shows the working design."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from augmed.foundation.errors import Invalid
from experiments.actions import design, questionnaires
from experiments.actions.lifecycle import amend
from experiments.actions.preview_links import make_preview_link
from experiments.models import Experiment, Stage
from experiments.tests import factories

pytestmark = pytest.mark.django_db

NEW = "A question of the next protocol?"


def links(study: Experiment, by: Any) -> tuple[str, str]:
    """To the protocol in force, and to the working design."""
    frozen = make_preview_link(experiment=study, label="Board", days=1, by=by, protocol=study.protocol)
    return frozen.secret, make_preview_link(experiment=study, label="Colleague", days=1, by=by).secret


def case_at(secret: str, letter: str = "a", stage: int = 1) -> str:
    return reverse("look_case", args=[secret, letter, 1, stage])


def looked_at(client: Client, secret: str) -> list[Any]:
    """Cases and questions of every version."""
    pages = [client.get(case_at(secret, letter)).context for letter in "abc"]
    return [(page["case"], page["panel"].controls) for page in pages]


def asks(questionnaire: Any, fields: list[dict[str, str]], by: Any) -> None:
    """In its next version."""
    version = questionnaires.copy_version(version=questionnaire.versions.get(number=1), by=by)
    questionnaires.set_questions(version=version, questions=fields, by=by)


def changed(study: Experiment, by: Any) -> None:
    """The next design: other questions, no advice, hidden until asked, one arm more."""
    stages = Stage.objects.filter(arm__experiment=study).values_list("pk", flat=True)
    cells = {stage: factories.show(*factories.CLINICAL) for stage in stages}
    design.set_cells(experiment=study, cells=cells, by=by)
    questionnaire = Stage.objects.filter(arm__experiment=study)[0].questionnaire
    fields = [{"key": "next", "type": "short_text", "text": NEW}]
    asks(questionnaire, fields, by)
    Stage.objects.filter(arm__experiment=study).update(hidden_until_asked=True)
    design.add_arm(experiment=study, name="A fourth arm", by=by)


def test_a_frozen_protocol_is_shown_as_it_was_whatever_the_working_design_says(
    client: Client, study: Experiment, lead: Any
) -> None:
    frozen, working = links(study, lead)
    before = looked_at(client, frozen)
    asked_before = client.get(case_at(frozen, "b")).content.decode()
    changed(study, lead)
    assert looked_at(client, frozen) == before
    assert "Example model" in asked_before
    assert "Which diagnosis?" in asked_before
    page = client.get(case_at(working, "b")).content.decode()
    assert NEW in page
    assert "Example model" not in page
    assert 'name="feature"' in page
    assert 'name="feature"' not in asked_before


def test_the_overview_says_what_is_shown(client: Client, study: Experiment, lead: Any) -> None:
    frozen, working = links(study, lead)
    assert "This is protocol 1, as it was frozen on" in client.get(reverse("look", args=[frozen])).content.decode()
    assert "It may still change." in client.get(reverse("look", args=[working])).content.decode()


def test_an_amendment_does_not_change_what_a_link_shows(client: Client, study: Experiment, lead: Any) -> None:
    frozen, _working = links(study, lead)
    before = looked_at(client, frozen)
    stage = Stage.objects.filter(arm__experiment=study)[0]
    fields = [{"key": "next", "type": "short_text", "text": NEW}]
    asks(stage.questionnaire, fields, lead)
    amend(experiment=study, reason="Other questions.", by=lead, confirmed={"person_more_than_once"})
    study.refresh_from_db()
    newest = make_preview_link(experiment=study, label="Board", days=1, by=lead, protocol=study.protocol).secret
    assert looked_at(client, frozen) == before
    assert NEW in client.get(case_at(newest)).content.decode()


def test_the_second_stage_shows_the_first_answers(client: Client, study: Experiment, lead: Any) -> None:
    frozen, _working = links(study, lead)
    sent = client.post(case_at(frozen, "c"), {"q.diagnosis": "yes", "q.risk": "30"})
    second = client.post(case_at(frozen, "c", 2), {"begin": "1", "first": sent.context["first"]})
    assert [control.first for control in second.context["panel"].controls][:2] == [("yes",), ("30\u00a0%",)]
    assert "Example model" in second.content.decode()


def test_no_arm_and_no_value_of_a_case_is_named(client: Client, study: Experiment, lead: Any) -> None:
    frozen, _working = links(study, lead)
    for address in (reverse("look", args=[frozen]), *(case_at(frozen, letter) for letter in "abc")):
        answer = client.get(address)
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "12 %" not in text
        assert [arm.name for arm in study.arms.all() if arm.name in text] == []


def test_a_protocol_of_another_study_is_refused(study: Experiment, lead: Any) -> None:
    other = factories.make_study(by=lead)
    with pytest.raises(Invalid):
        make_preview_link(experiment=study, label="Board", days=1, by=lead, protocol=other.protocol)


def test_a_page_takes_as_many_statements_however_large_the_study(client: Client, lead: Any) -> None:
    counts = []
    for cases in (3, 12):
        frozen, _working = links(factories.make_study(by=lead, cases=cases), lead)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(case_at(frozen, "c")).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12
