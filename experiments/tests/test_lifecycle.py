"""Draft, active, paused, completed, archived: only sensible steps, each with who, when and why."""

import json

import pytest

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from augmed.foundation.testing import lift_guards, set_guards
from cases.models import CaseSnapshot, LayoutNode, LayoutVersion
from experiments.actions.design import (
    add_arm,
    remove_arm,
    set_case_list,
    set_cells,
    update_experiment,
    update_stage,
)
from experiments.actions.lifecycle import activate, activation_problems, amend, archive, complete, pause, resume
from experiments.models import Experiment, ExperimentTransition, ProtocolVersion, QuestionnaireVersion, Stage
from experiments.tests import factories

pytestmark = pytest.mark.django_db

STEPS = {"pause": pause, "resume": resume, "complete": complete, "archive": archive}
ALLOWED = {
    ("draft", "archive"),
    ("active", "pause"),
    ("active", "complete"),
    ("paused", "resume"),
    ("paused", "complete"),
    ("completed", "archive"),
}


@pytest.mark.parametrize("status", Experiment.Status.values)
@pytest.mark.parametrize("step", STEPS)
def test_only_sensible_steps(draft, owner, status, step):
    if status != "draft":
        activate(experiment=draft, by=owner)
    Experiment.objects.filter(pk=draft.pk).update(status=status)
    draft.refresh_from_db()
    if (status, step) in ALLOWED:
        STEPS[step](experiment=draft, by=owner, reason="It is time.")
        transition = ExperimentTransition.objects.latest("pk")
        assert (transition.from_status, transition.to_status) == (status, draft.status)
        assert (transition.by, transition.reason) == (owner, "It is time.")
        assert draft.status != status
        event = AuditEvent.objects.first()
        assert (event.experiment_id, event.actor) == (draft.pk, str(owner.pk))
    else:
        count = ExperimentTransition.objects.count()
        with pytest.raises(Conflict):
            STEPS[step](experiment=draft, by=owner, reason="It is time.")
        assert ExperimentTransition.objects.count() == count


@pytest.mark.parametrize("step", [pause, complete])
def test_a_step_needs_a_reason(study, owner, step):
    with pytest.raises(Invalid) as refused:
        step(experiment=study, by=owner, reason="  ")
    assert "reason" in refused.value.errors


def test_activation_freezes_everything_that_rules_the_study(study, owner):
    protocol = study.protocol
    content = json.loads(protocol.content)
    assert sha256_hex(protocol.content) == protocol.sha256
    assert content["allocation"]["rule"] == study.allocation_rule
    assert [case["number"] for case in content["cases"]] == list(
        study.study_cases.order_by("position").values_list("case__number", flat=True)
    )
    assert [(arm["key"], len(arm["stages"])) for arm in content["arms"]] == [
        ("without-advice", 1),
        ("with-advice", 1),
        ("advice-afterwards", 2),
    ]
    for stage in protocol.stages.select_related("arm", "disclosure_set", "questionnaire_version"):
        frozen = next(arm for arm in content["arms"] if arm["key"] == stage.arm.key)["stages"][stage.position - 1]
        assert frozen["disclosure_set"] == stage.disclosure_set.sha256 == sha256_hex(stage.disclosure_set.content)
        assert frozen["questionnaire"]["public_id"] == str(stage.questionnaire_version.public_id)
        assert stage.questionnaire_version.frozen_at is not None
    protocol.layout_version.refresh_from_db()
    assert protocol.layout_version.frozen_at is not None
    with pytest.raises(Conflict):
        activate(experiment=study, by=owner)


def spoil_cases(study):
    study.study_cases.all().delete()


def spoil_snapshots(study):
    set_case_list(experiment=study, by=None, cases=[factories.make_case(), factories.make_case()])


def spoil_questions(study):
    questionnaire = Stage.objects.filter(arm__experiment=study).first().questionnaire
    QuestionnaireVersion.objects.create(
        public_id="6b5e2b8b-6f0c-4a39-9c3a-3a2f8d2f7c11", questionnaire=questionnaire, number=2
    )


def spoil_redaction(study):
    from augmed.foundation.append_only import erasing

    with erasing():
        CaseSnapshot.objects.update(redacted_at="2024-01-01T00:00:00Z", content="")


PROBLEMS = {
    "no_cases": spoil_cases,
    "missing_snapshots": spoil_snapshots,
    "redacted_cases": spoil_redaction,
    "no_arms": lambda study: [arm.delete() for arm in study.arms.all()],
    "arm_without_stages": lambda study: study.arms.first().stages.all().delete(),
    "stage_without_questionnaire": lambda study: Stage.objects.filter(arm__experiment=study).update(questionnaire=None),
    "empty_questionnaire": spoil_questions,
    "no_layout": lambda study: Experiment.objects.filter(pk=study.pk).update(layout=None),
    "empty_layout": lambda study: LayoutVersion.objects.create(layout=study.layout, number=2),
}


@pytest.mark.parametrize("code", PROBLEMS)
def test_what_is_missing_refuses_activation_and_is_named(draft, owner, code):
    assert activation_problems(draft) == []
    PROBLEMS[code](draft)
    draft.refresh_from_db()
    with pytest.raises(Invalid) as refused:
        activate(experiment=draft, by=owner, confirmed={code, "nothing_disclosed", "cells_of_unknown_nodes"})
    assert code in refused.value.errors
    assert refused.value.code == "not_ready"
    draft.refresh_from_db()
    assert (draft.status, draft.protocol) == ("draft", None)
    assert not ProtocolVersion.objects.exists()


def hide_later(study):
    stage = Stage.objects.get(arm__key="advice-afterwards", position=2)
    set_cells(experiment=study, cells={stage.pk: factories.show("advice")}, by=None)


def same_person(study):
    version = study.layout.current()
    cases = [factories.make_case(layout_version=version, person_id=5) for _ in range(2)]
    set_case_list(experiment=study, cases=cases, by=None)


def another_layout(study):
    """The same but for one node, which the matrix names."""
    node = LayoutNode.objects.get(key="risk")
    stage = Stage.objects.filter(arm__key="without-advice").get()
    set_cells(experiment=study, cells={stage.pk: factories.show("age", "risk")}, by=None)
    with pytest.raises(Invalid):
        set_cells(experiment=study, cells={stage.pk: factories.show("age", "risks")}, by=None)
    node.delete()


CONFIRMABLE = {
    "cells_of_unknown_nodes": another_layout,
    "later_stage_hides": hide_later,
    "person_more_than_once": same_person,
    "compatibility_visibility": lambda study: LayoutNode.objects.filter(key="age").update(visibility="always"),
    "nothing_disclosed": lambda study: set_cells(
        experiment=study, cells={Stage.objects.filter(arm__key="without-advice").get().pk: []}, by=None
    ),
}


@pytest.mark.parametrize("code", CONFIRMABLE)
def test_what_may_be_meant_needs_to_be_confirmed(draft, owner, code):
    CONFIRMABLE[code](draft)
    with pytest.raises(Invalid) as refused:
        activate(experiment=draft, by=owner)
    assert list(refused.value.errors) == [code]
    assert refused.value.code == "needs_confirmation"
    activate(experiment=draft, by=owner, confirmed={code})
    assert draft.status == "active"
    confirmed = json.loads(AuditEvent.objects.get(action="experiment_activated").data)["confirmed"]
    assert confirmed == [code]


def test_an_amendment_is_the_next_version_with_reason_and_author(study, owner):
    first = study.protocol
    stage = Stage.objects.get(arm__key="without-advice")
    set_cells(experiment=study, cells={stage.pk: factories.show("lab")}, by=owner)
    study.refresh_from_db()
    assert study.protocol == first
    with pytest.raises(Invalid):
        amend(experiment=study, by=owner, reason="")
    second = amend(experiment=study, by=owner, reason="Age gave it away.")
    assert (study.protocol, second.number, second.created_by) == (second, 2, owner)
    assert second.reason == "Age gave it away."
    shown = {protocol.number: protocol.stages.get(arm=stage.arm).disclosure_set_id for protocol in (first, second)}
    assert shown[1] != shown[2]
    assert json.loads(second.content)["allocation"]["phase"] == 1


def test_an_amendment_may_add_an_arm_and_keeps_the_frozen_ones(study, owner):
    questionnaire = Stage.objects.filter(arm__experiment=study).first().questionnaire
    arm = study.arms.first()
    with pytest.raises(Conflict):
        remove_arm(arm=arm, by=owner)
    Stage.objects.create(arm=arm, position=2, questionnaire=questionnaire)
    with pytest.raises(Invalid) as refused:
        amend(
            experiment=study, by=owner, reason="One more stage.", confirmed={"nothing_disclosed", "later_stage_hides"}
        )
    assert list(refused.value.errors) == ["stage_count_changed"]
    arm.stages.get(position=2).delete()
    stages = [{"questionnaire": questionnaire, "cells": factories.show("age")}]
    add_arm(experiment=study, name="Age only", by=owner, stages=stages)
    second = amend(experiment=study, by=owner, reason="A fourth arm.")
    assert json.loads(second.content)["allocation"]["phase"] == 2


def test_what_a_running_study_cannot_change(study, owner, draft):
    with pytest.raises(Conflict):
        update_experiment(experiment=study, by=owner, allocation_rule="arm_per_participant")
    foreign = Stage.objects.filter(arm__experiment=draft).first().questionnaire
    with pytest.raises(Invalid):
        update_stage(stage=Stage.objects.filter(arm__experiment=study).first(), by=owner, questionnaire=foreign)
    complete(experiment=study, by=owner, reason="All read.")
    with pytest.raises(Conflict):
        amend(experiment=study, by=owner, reason="Too late.")
    with pytest.raises(Conflict):
        set_case_list(experiment=study, cases=[], by=owner)


def test_a_feature_first_seen_after_activation_stays_hidden_unless_its_node_discloses_new_values(study, owner):
    version = study.protocol.layout_version
    tree = factories.make_tree(labs={3000963: ("Hemoglobin", "9"), 4: ("Something new", "1")})
    new = factories.make_case(layout_version=version, tree=tree)
    cases = [*(entry.case for entry in study.study_cases.all()), new]
    set_case_list(experiment=study, cases=cases, by=owner)
    stage = Stage.objects.get(arm__key="without-advice")
    made = set_cells(experiment=study, cells={stage.pk: stage.cells}, by=owner)
    assert made[0].hidden_new == (("lab", "c:4"),)
    assert "c:4" not in Stage.objects.get(pk=stage.pk).disclosure_set.content
    lift_guards()  # set as it could have been before the freezing
    LayoutNode.objects.filter(version=version, key="lab").update(discloses_new_values=True)
    set_guards()
    assert set_cells(experiment=study, cells={stage.pk: stage.cells}, by=owner)[0].hidden_new == ()
    assert '"c:4"' in Stage.objects.get(pk=stage.pk).disclosure_set.content
    amend(experiment=study, by=owner, reason="One more case.")


def test_the_check_asks_as_often_for_many_cases_as_for_few(owner, django_assert_max_num_queries):
    for count in (2, 50):
        study = factories.make_study(by=owner, cases=count, active=False)
        with django_assert_max_num_queries(14):
            assert activation_problems(study) == []
