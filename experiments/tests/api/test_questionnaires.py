"""/experiments/{code}/questionnaires and their versions."""

import pytest

pytestmark = pytest.mark.django_db
QUESTION = {"key": "sure", "type": "scale", "text": "How sure?", "minimum": "1", "maximum": "5", "low_label": "not"}


def test_a_questionnaire_is_made_copied_and_changed(api, cast, base):
    client = api(cast["lead"])
    made = client.post(f"{base}/questionnaires", {"name": "Second", "questions": [QUESTION]})
    assert made.status_code == 201, made.json()
    first = made.json()["versions"][0]
    assert (first["number"], first["questions"][0]["key"]) == (1, "sure")
    assert (first["questions"][0]["minimum"], first["questions"][0]["maximum"]) == ("1", "5")  # no trailing zeros
    copy = client.post(f"{base}/questionnaires/{made.json()['id']}/versions")
    assert copy.status_code == 201
    assert copy.json()["number"] == 2
    changed = client.put(
        f"{base}/questionnaire-versions/{copy.json()['version']}",
        {"questions": [QUESTION | {"text": "How certain?"}]},
    )
    assert changed.status_code == 200, changed.json()
    assert changed.json()["questions"][0]["text"] == "How certain?"
    versions = client.get(f"{base}/questionnaires/{made.json()['id']}").json()["versions"]
    assert [version["number"] for version in versions] == [2, 1]


def test_a_frozen_version_is_not_changed(api, cast, base, study):
    version = study.questionnaires.get().versions.get()
    answer = api(cast["lead"]).put(f"{base}/questionnaire-versions/{version.public_id}", {"questions": [QUESTION]})
    assert answer.status_code == 409


def test_what_is_wrong_is_named_by_question_and_field(api, cast, base):
    questions = [QUESTION, {"key": "Bad Key", "type": "guess", "text": "?"}]
    answer = api(cast["lead"]).post(f"{base}/questionnaires", {"name": "Third", "questions": questions})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"questions.1.key", "questions.1.type"}


def test_a_version_of_another_study_is_not_found(api, cast, base):
    from experiments.models import QuestionnaireVersion

    foreign = QuestionnaireVersion.objects.exclude(questionnaire__experiment__code=base.rsplit("/", 1)[1]).first()
    answer = api(cast["lead"]).put(f"{base}/questionnaire-versions/{foreign.public_id}", {"questions": [QUESTION]})
    assert answer.status_code == 404
