"""What stands against activation before anybody can join."""

import pytest

from augmed.foundation.errors import Invalid
from experiments.actions.design import create_experiment, update_experiment
from experiments.actions.lifecycle import activate, activation_problems, amend
from experiments.actions.questionnaires import copy_version, set_questions
from experiments.models import Questionnaire
from experiments.screens.joining.tests import helpers
from experiments.tests import factories


def codes(study) -> dict[str, bool]:
    return {problem.code: problem.confirmable for problem in activation_problems(study)}


def test_a_study_that_asks_for_consent_does_not_begin_without_a_form(owner):
    assert "no_consent_document" not in codes(factories.make_study(by=owner, active=False))
    study = factories.make_study(by=owner, active=False, consent_required=True, consent_elsewhere=False)
    assert codes(study)["no_consent_document"] is False
    with pytest.raises(Invalid) as refused:
        activate(experiment=study, by=owner, confirmed={*helpers.CONFIRMED, "no_consent_document"})
    assert refused.value.code == "not_ready"
    assert "no_consent_document" not in codes(helpers.joining_study(owner, active=False))


def test_consent_on_paper_is_a_choice_of_the_study(owner):
    study = factories.make_study(by=owner, active=False, consent_required=True, consent_elsewhere=False)
    study = update_experiment(experiment=study, consent_elsewhere=True, by=owner)
    assert "no_consent_document" not in codes(study)
    assert activate(experiment=study, by=owner, confirmed=helpers.CONFIRMED).status == "active"


def test_questions_about_the_reader_that_ask_nothing(owner):
    study = factories.make_study(by=owner, active=False)
    empty = Questionnaire.objects.create(experiment=study, name="Empty")
    study = update_experiment(experiment=study, intake_questionnaire=empty, by=owner)
    assert codes(study)["empty_intake"] is False


def test_a_stratum_is_a_required_single_choice(owner):
    study = helpers.joining_study(owner, active=False, strata=["years"])
    assert codes(study)["stratum_question"] is False
    assert "stratum_question" not in codes(helpers.joining_study(owner, active=False, strata=["experience"]))


def test_an_amendment_keeps_the_question_of_a_stratum(owner):
    study = helpers.joining_study(owner, strata=["experience"])
    version = copy_version(version=study.intake_questionnaire.versions.get(), by=owner)
    set_questions(version=version, questions=[{"key": "role", "type": "short_text", "text": "Your role?"}], by=owner)
    with pytest.raises(Invalid) as refused:
        amend(experiment=study, by=owner, reason="Another question.", confirmed=helpers.CONFIRMED)
    assert "stratum_no_longer_asked" in refused.value.errors


def test_only_what_is_the_studys_own_can_be_chosen(owner):
    study, other = factories.make_study(by=owner, active=False), factories.make_study(by=owner, active=False)
    for name, value in (("intake_questionnaire", other.questionnaires.get()), ("training_arm", other.arms.first())):
        with pytest.raises(Invalid) as refused:
            update_experiment(experiment=study, by=owner, **{name: value})
        assert set(refused.value.errors) == {name}
        with pytest.raises(Invalid):
            create_experiment(name="New", by=owner, **{name: value})


def test_display_configs_ask_their_newest_questionnaire_and_so_nothing_about_readers(owner):
    study = factories.make_study(by=owner, active=False)
    type(study).objects.filter(pk=study.pk).update(kind="configs")
    with pytest.raises(Invalid):
        update_experiment(experiment=study, intake_questionnaire=study.questionnaires.get(), by=owner)


def test_the_number_of_queries_does_not_depend_on_the_training_cases(owner, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    few, many = (helpers.joining_study(owner, active=False, training=number) for number in (1, 6))
    with CaptureQueriesContext(
        connection,
    ) as captured:
        activation_problems(few)
    with django_assert_num_queries(len(captured)):
        activation_problems(many)


def test_what_is_complete_is_activated(owner):
    study = helpers.joining_study(owner, active=False)
    activate(experiment=study, by=owner, confirmed={"later_stage_hides"})
    assert study.status == "active"
