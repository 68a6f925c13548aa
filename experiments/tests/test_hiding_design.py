"""Stages that hide until asked: as they are designed, frozen, and asked to be confirmed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from augmed.foundation.errors import Invalid
from experiments.actions.design import copy_arm, update_stage
from experiments.actions.lifecycle import activate
from experiments.design.readiness import activation_problems
from experiments.models import ProtocolStage, Stage

pytestmark = pytest.mark.django_db
TERMS = {"hidden_until_asked": True, "reveal_cost": "0.50", "reveal_cost_unit": "points"}
CONFIRMED = {"person_more_than_once", "later_stage_hides"}


def stage_of(study, arm="without-advice", position=1):
    return Stage.objects.get(arm__experiment=study, arm__key=arm, position=position)


def codes(study):
    return {problem.code for problem in activation_problems(study)}


def test_activation_freezes_what_is_hidden_and_says_nothing_of_other_stages(draft, lead):
    update_stage(stage=stage_of(draft), by=lead, **TERMS)
    activate(experiment=draft, by=lead, confirmed=CONFIRMED)
    draft.refresh_from_db()
    stages = {arm["key"]: arm["stages"] for arm in json.loads(draft.protocol.content)["arms"]}
    assert stages["without-advice"][0]["hidden_until_asked"] == {"cost": "0.5", "unit": "points"}
    assert "hidden_until_asked" not in stages["with-advice"][0]
    frozen = ProtocolStage.objects.get(protocol=draft.protocol, arm__key="without-advice")
    assert (frozen.hidden_until_asked, frozen.reveal_cost) == (True, Decimal("0.5"))


def test_terms_of_a_stage_that_hides_nothing_are_not_frozen(draft, lead):
    update_stage(stage=stage_of(draft), by=lead, **{**TERMS, "hidden_until_asked": False})
    activate(experiment=draft, by=lead, confirmed=CONFIRMED)
    frozen = ProtocolStage.objects.filter(protocol__experiment=draft)
    assert not frozen.exclude(hidden_until_asked=False, reveal_cost=None, reveal_cost_unit="").exists()


def test_a_copied_arm_hides_alike(draft, lead):
    stage = update_stage(stage=stage_of(draft), by=lead, **TERMS)
    copied = copy_arm(arm=stage.arm, name="Copy", by=lead).stages.get()
    assert (copied.hidden_until_asked, copied.reveal_cost_unit) == (True, "points")


def test_a_cost_is_not_below_zero(draft, lead):
    with pytest.raises(Invalid):
        update_stage(stage=stage_of(draft), by=lead, reveal_cost=Decimal("-1"))


def test_a_cost_is_told_with_its_unit(draft, lead, api):
    with pytest.raises(Invalid) as refused:
        update_stage(stage=stage_of(draft), by=lead, reveal_cost=Decimal(1), reveal_cost_unit=" ")
    assert set(refused.value.errors) == {"reveal_cost_unit"}
    address = f"/api/v2/experiments/{draft.code}/arms/without-advice/stages/1"
    refusal = api(lead).patch(address, {"hidden_until_asked": True, "reveal_cost": "1"})
    assert refusal.status_code == 422
    assert "for example points" in refusal.json()["errors"]["reveal_cost_unit"][0]


def test_hiding_what_was_shown_openly_is_to_be_confirmed(draft, lead):
    assert "hides_what_was_shown" not in codes(draft)
    update_stage(stage=stage_of(draft, "advice-afterwards", 2), by=lead, **TERMS)
    assert "hides_what_was_shown" in codes(draft)
    update_stage(stage=stage_of(draft, "advice-afterwards", 1), by=lead, **TERMS)
    assert "hides_what_was_shown" not in codes(draft)


def test_the_api_reads_and_sets_it(draft, lead, api):
    address = f"/api/v2/experiments/{draft.code}/arms/without-advice/stages/1"
    made = api(lead).patch(address, TERMS).json()
    assert {name: made[name] for name in TERMS} == {**TERMS, "reveal_cost": "0.5"}
