"""Questionnaires in the admin."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.models import (
    Question,
    QuestionnaireVersion,
)
from experiments.tests.admin_pages.pages import client_of, form_of, page

pytestmark = pytest.mark.django_db


def test_a_questionnaire_is_written_and_copied_once_in_use(draft: Any, study: Any, lead: Any) -> None:
    client = client_of(lead)
    data = {
        "experiment": draft.pk, "name": "Second", "questions-TOTAL_FORMS": "2", "questions-INITIAL_FORMS": "0",
        "questions-0-order": "2", "questions-0-key": "later", "questions-0-type": "paragraph",
        "questions-0-text": "Later?", "questions-0-scoring": "none",
        "questions-1-order": "1", "questions-1-key": "first", "questions-1-type": "single_choice",
        "questions-1-text": "First?", "questions-1-options": "yes\nno", "questions-1-scoring": "none",
    }  # fmt: skip
    response = client.post(page("questionnaireversion", "add"), data)
    assert response.status_code == 302, response.context["errors"]
    version = QuestionnaireVersion.objects.get(questionnaire__name="Second")
    assert list(version.questions.values_list("key", "options")) == [("first", ["yes", "no"]), ("later", [])]

    address = page("questionnaireversion", "change", version.pk)
    data = form_of(client.get(address)) | {"questions-0-text": "Really?"}
    assert client.post(address, data).status_code == 302
    assert version.questions.get(key="first").text == "Really?"

    frozen = QuestionnaireVersion.objects.get(questionnaire__experiment=study)
    address = page("questionnaireversion", "change", frozen.pk)
    text = client.get(address).content.decode()
    assert "copy it as the next version" in text
    assert 'name="questions-0-text"' not in text
    response = client.post(address, {"_copy": "1"})
    copy = QuestionnaireVersion.objects.get(questionnaire=frozen.questionnaire, number=2)
    assert response.url == page("questionnaireversion", "change", copy.pk)


def test_a_bad_question_is_refused_with_its_place(draft: Any, lead: Any) -> None:
    data = {
        "experiment": draft.pk, "name": "Bad", "questions-TOTAL_FORMS": "1", "questions-INITIAL_FORMS": "0",
        "questions-0-key": "choice", "questions-0-type": "single_choice", "questions-0-text": "?",
        "questions-0-options": "only one", "questions-0-scoring": "none",
    }  # fmt: skip
    response = client_of(lead).post(page("questionnaireversion", "add"), data)
    assert response.status_code == 200
    assert "questions.0.options" in response.content.decode()
    assert not QuestionnaireVersion.objects.filter(questionnaire__name="Bad").exists()


def test_a_frozen_question_is_shown_as_one_would_write_it(draft: Any, lead: Any) -> None:
    version = QuestionnaireVersion.objects.get(questionnaire__experiment=draft)
    Question.objects.create(
        version=version, position=90, key="pick", type="single_choice", text="Which?", options=["a <b>", "c"]
    )
    Question.objects.create(
        version=version,
        position=91,
        key="dose",
        type="number",
        text="Dose?",
        minimum="0.5000",
        maximum="100",
        unit="mg",
    )
    QuestionnaireVersion.objects.filter(pk=version.pk).update(frozen_at=version.created_at)
    text = client_of(lead).get(page("questionnaireversion", "change", version.pk)).content.decode()
    assert "1. a &lt;b&gt;<br>2. c<br>scoring: not scored" in text
    assert "minimum: 0.5<br>maximum: 100<br>unit: mg<br>scoring" in text
    assert "Order:" not in text
    assert "Tolerance:" not in text
    assert "[&quot;" not in text


def test_after_saving_a_questionnaire_there_is_a_way_back_to_the_study(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    version = QuestionnaireVersion.objects.get(questionnaire__experiment=draft)
    address = page("questionnaireversion", "change", version.pk)
    data = form_of(client.get(address))
    assert "its column in exports" in client.get(address).content.decode()
    saved = client.post(address, data, follow=True).content.decode()
    assert f'<a href="{page("experiment", "change", draft.pk)}">Back to the study {draft.name}</a>' in saved
