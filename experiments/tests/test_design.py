"""The working design: arms, stages, cells, case list; and the roles of a study."""

import json

import pytest

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid, NotFound
from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from cases.disclosure import DisclosureContent, Show, Style, Supply
from experiments.actions.design import (
    add_arm,
    add_stage,
    copy_arm,
    create_experiment,
    disclosure_set_for,
    remove_arm,
    remove_stage,
    set_case_list,
    set_cells,
    update_arm,
    update_experiment,
    update_stage,
)
from experiments.actions.roles import grant_role, revoke_role
from experiments.models import DisclosureSet, Experiment, Stage, StudyCase
from experiments.roles import may
from experiments.tests import factories

pytestmark = pytest.mark.django_db


def shown(stage):
    """The identities that a stage's stored set shows."""
    content = DisclosureContent.from_json(json.loads(Stage.objects.get(pk=stage.pk).disclosure_set.content))
    return {tuple(show.identity) for show in content.shows}


def test_who_makes_a_study_leads_it_and_the_default_layout_is_its(owner):
    version = factories.make_layout(is_default=True)
    study = create_experiment(name="A study", by=owner)
    assert (study.layout, study.status, study.created_by) == (version.layout, "draft", owner)
    assert may(owner, Verb.CHANGE_DESIGN, study)
    assert AuditEvent.objects.filter(action="experiment_created", experiment_id=study.pk).exists()


WRONG = {
    "name": "",
    "block_multiples": [0],
    "strata": ["profession", "profession"],
    "allocation_rule": "coin",
    "seed": "00",
    "status": "active",
}


@pytest.mark.parametrize("field", WRONG)
def test_what_a_study_cannot_be_is_an_error_that_names_the_field(draft, owner, field):
    with pytest.raises(Invalid) as refused:
        update_experiment(experiment=draft, by=owner, **{field: WRONG[field]})
    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize("multiples", [[], "12", [True], [1.5], [21], None])
def test_block_multiples_are_a_few_whole_numbers(draft, owner, multiples):
    with pytest.raises(Invalid):
        update_experiment(experiment=draft, by=owner, block_multiples=multiples)


def test_a_name_is_taken_once(draft, owner):
    with pytest.raises(Invalid) as refused:
        create_experiment(name=draft.name, by=owner)
    assert list(refused.value.errors) == ["name"]
    assert Experiment.objects.count() == 1


def test_cells_resolve_to_a_complete_stored_set_and_equal_cells_to_the_same(draft, owner):
    one, two = Stage.objects.filter(arm__experiment=draft, position=1).order_by("pk")[:2]
    cells = [
        {"node": "findings", "shown": True, "collapse": True},
        {"node": "lab", "discriminator": "c:3016723", "shown": False},
        {"node": "age", "shown": True, "top": "1.50"},
    ]
    set_cells(experiment=draft, cells={one.pk: cells, two.pk: list(reversed(cells))}, by=owner)
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.disclosure_set == two.disclosure_set
    assert shown(one) == {("age", ""), ("lab", "c:3000963")}
    assert sha256_hex(one.disclosure_set.content) == one.disclosure_set.sha256
    assert one.cells[2] == {
        "node": "age",
        "discriminator": None,
        "shown": True,
        "collapse": None,
        "highlight": None,
        "top": "1.5",
    }


BAD_CELLS = [
    {"shown": True},
    {"node": "age", "shown": "yes"},
    {"node": "age", "shown": 1},
    {"node": 7, "shown": True},
    {"node": "age", "top": "first"},
    {"node": "age", "top": True},
    {"node": "age", "colour": "red"},
    {"node": "nowhere", "shown": True},
    "age",
]


@pytest.mark.parametrize("cell", BAD_CELLS, ids=str)
def test_a_cell_that_is_none_is_refused_and_nothing_is_saved(draft, owner, cell):
    stage = Stage.objects.filter(arm__experiment=draft).first()
    before = shown(stage)
    with pytest.raises(Invalid):
        set_cells(experiment=draft, cells={stage.pk: [{"node": "lab", "shown": True}, cell]}, by=owner)
    assert shown(stage) == before


def test_cells_of_another_studys_stage_are_refused(draft, study, owner):
    stage = Stage.objects.filter(arm__experiment=study).first()
    with pytest.raises(Invalid):
        set_cells(experiment=draft, cells={stage.pk: []}, by=owner)


def test_saving_the_matrix_asks_as_often_for_many_stages_as_for_few(owner, django_assert_max_num_queries):
    arms = {f"Arm {number}": [factories.show("age")] for number in range(6)}
    draft = factories.make_study(by=owner, arms=arms, cases=20, active=False)
    stages = list(Stage.objects.filter(arm__experiment=draft))
    for some in (stages[:1], stages):
        cells = {stage.pk: [{"node": "lab", "shown": True, "top": stage.pk}] for stage in some}
        with django_assert_max_num_queries(16):
            set_cells(experiment=draft, cells=cells, by=owner)


def test_a_set_that_supplies_values_belongs_to_one_case_and_no_other_does(draft):
    case, other = (entry.case for entry in draft.study_cases.all()[:2])
    supply = Supply("risk", "Risk", "7 %")
    assert disclosure_set_for([supply], case=case) == disclosure_set_for([supply], case=case)
    assert disclosure_set_for([supply], case=case) != disclosure_set_for([supply], case=other)
    show = Show("age", "", Style(collapse=True))
    assert disclosure_set_for([show]) == disclosure_set_for([show])
    count = DisclosureSet.objects.count()
    for entries, owner_case in (([supply], None), ([show], case), ([show, show], None)):
        with pytest.raises(Invalid):
            disclosure_set_for(entries, case=owner_case)
    assert DisclosureSet.objects.count() == count


def test_a_copied_arm_discloses_the_same_under_a_key_of_its_own(draft, owner):
    arm = draft.arms.get(key="advice-afterwards")
    copy = copy_arm(arm=arm, name="Advice, afterwards!", by=owner)
    assert copy.key == "advice-afterwards-2"
    pairs = zip(arm.stages.all(), copy.stages.all(), strict=True)
    for one, two in pairs:
        assert (one.disclosure_set, one.cells, one.questionnaire) == (two.disclosure_set, two.cells, two.questionnaire)


def test_arms_and_stages_come_and_go_in_a_draft(draft, owner):
    arm = add_arm(experiment=draft, name="Third", by=owner, weight=2)
    first = arm.stages.get()
    second = add_stage(arm=arm, by=owner, name="Afterwards", not_before_days=7)
    assert (second.position, second.not_before_days) == (2, 7)
    with pytest.raises(Conflict):
        remove_stage(stage=first, by=owner)
    remove_stage(stage=second, by=owner)
    with pytest.raises(Conflict):
        remove_stage(stage=first, by=owner)
    update_stage(stage=first, by=owner, name="Only")
    update_arm(arm=arm, by=owner, name="3rd", weight=3)
    arm.refresh_from_db()
    assert (arm.key, arm.name, arm.weight, arm.stages.get().name) == ("third", "3rd", 3, "Only")
    with pytest.raises(Invalid):
        update_arm(arm=arm, by=owner, weight=0)
    with pytest.raises(Invalid):
        add_arm(experiment=draft, name="3rd", by=owner)
    with pytest.raises(Invalid):
        add_arm(experiment=draft, name="Empty", by=owner, stages=[])
    remove_arm(arm=arm, by=owner)
    assert not draft.arms.filter(key="third").exists()


def test_a_frozen_arm_keeps_its_stages(study, owner):
    arm = study.arms.get(key="advice-afterwards")
    with pytest.raises(Conflict):
        add_stage(arm=arm, by=owner)
    with pytest.raises(Conflict):
        remove_stage(stage=arm.stages.last(), by=owner)


def test_a_new_case_list_resolves_the_stages_anew(draft, owner):
    stage = draft.arms.get(key="without-advice").stages.get()
    tree = factories.make_tree(labs={77: ("Sodium", "140")})
    case = factories.make_case(layout_version=draft.layout.current(), tree=tree)
    set_case_list(experiment=draft, cases=[case], by=owner)
    assert shown(stage) == {("age", ""), ("lab", "c:77")}
    assert StudyCase.objects.get(experiment=draft).position == 1
    with pytest.raises(Invalid) as refused:
        set_case_list(experiment=draft, cases=[case, case], by=owner)
    assert str(case.number) in refused.value.detail


def test_a_role_opens_the_admin_and_ends_old_tokens(study, clinician, owner):
    epoch = clinician.token_epoch
    grant_role(user=clinician, experiment=study, role="coordinator", by=owner)
    assert clinician.is_staff
    assert clinician.token_epoch == epoch + 1
    assert may(clinician, Verb.MANAGE_ENROLMENT, study)
    assert not may(clinician, Verb.VIEW_ALLOCATION, study)
    grant_role(user=clinician, experiment=study, role="coordinator", by=owner)
    assert clinician.token_epoch == epoch + 1
    revoke_role(user=clinician, experiment=study, role="coordinator", by=owner)
    clinician.refresh_from_db()
    assert (clinician.is_staff, clinician.token_epoch) == (False, epoch + 2)
    assert not may(clinician, Verb.MANAGE_ENROLMENT, study)
    actions = AuditEvent.objects.filter(target_type="participants.user", target_id=str(clinician.pk))
    assert [event.action for event in actions] == ["study_role_revoked", "study_role_granted"]
    with pytest.raises(NotFound):
        revoke_role(user=clinician, experiment=study, role="coordinator", by=owner)


def test_roles_that_cannot_be_given_or_taken(study, clinician, owner):
    with pytest.raises(Conflict):
        revoke_role(user=owner, experiment=study, role="lead", by=owner)
    with pytest.raises(Invalid):
        grant_role(user=clinician, experiment=study, role="king", by=owner)
    clinician.is_active = False
    with pytest.raises(Conflict):
        grant_role(user=clinician, experiment=study, role="coordinator", by=owner)
