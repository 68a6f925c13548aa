"""Drawing: once per person and case, by the rule, written down, and the same when drawn again."""

import json
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from augmed.foundation.append_only import erasing
from augmed.foundation.models import AuditEvent
from experiments.actions.allocation import allocate_pending
from experiments.actions.design import set_case_list, update_arm, update_experiment
from experiments.actions.lifecycle import amend, pause, resume
from experiments.models import AllocationRun, Assignment, Enrolment, Experiment, Review
from experiments.tests import factories
from experiments.verification.allocation import verify_allocation

pytestmark = pytest.mark.django_db


def held(enrolment):
    return list(enrolment.assignments.order_by("position").values_list("case", "arm__key", "position"))


def assert_verified(experiment):
    report = verify_allocation(experiment)
    assert report.mismatches == []
    drawn = Assignment.objects.filter(enrolment__experiment=experiment, drawn_by="rule").count()
    assert report.assignments == drawn > 0


@pytest.mark.parametrize("rule", ["arm_per_participant", "arm_per_participant_case"])
@pytest.mark.parametrize("order", ["random", "fixed"])
def test_joining_draws_every_case_once_with_a_review_for_each_stage(owner, rule, order):
    study = factories.make_study(by=owner, cases=7, allocation_rule=rule, case_order=order)
    listed = list(study.study_cases.values_list("case", flat=True))
    for _ in range(5):
        enrolment = factories.make_enrolment(study)
        cases = [case for case, _, _ in held(enrolment)]
        assert sorted(cases) == sorted(listed)
        assert [position for _, _, position in held(enrolment)] == list(range(1, 8))
        if order == "fixed":
            assert cases == listed
        if rule == "arm_per_participant":
            assert len({arm for _, arm, _ in held(enrolment)}) == 1
    stages = {"without-advice": [1], "with-advice": [1], "advice-afterwards": [1, 2]}
    for assignment in Assignment.objects.select_related("arm").prefetch_related("reviews"):
        assert sorted(review.stage_position for review in assignment.reviews.all()) == stages[assignment.arm.key]
    assert_verified(study)


def test_arms_are_balanced_over_arrivals_within_each_stratum(owner):
    study = factories.make_study(
        by=owner,
        cases=1,
        arms={name: factories.ARMS[name] for name in ("Without advice", "With advice")},
        weights={"With advice": 2},
        allocation_rule="arm_per_participant",
        strata=["profession"],
        block_multiples=[1],
    )
    counts = Counter()
    for number in range(18):
        profession = "nurse" if number % 3 == 0 else "doctor"
        enrolment = factories.make_enrolment(study, factories.make_participant(profession=profession))
        assert json.loads(enrolment.stratum) == {"profession": profession}
        counts[profession, enrolment.assignments.get().arm.key] += 1
    assert counts == {
        ("nurse", "with-advice"): 4,
        ("nurse", "without-advice"): 2,
        ("doctor", "with-advice"): 8,
        ("doctor", "without-advice"): 4,
    }
    assert_verified(study)


def test_person_once_gives_one_case_of_a_person_and_the_others_to_other_readers(owner):
    version = factories.make_layout()
    cases = [factories.make_case(layout_version=version, person_id=person) for person in (1, 1, 2, 2, 3)]
    study = factories.make_study(by=owner, layout_version=version, cases=cases, person_once=True)
    read = Counter()
    for _ in range(4):
        enrolment = factories.make_enrolment(study)
        persons = list(enrolment.assignments.values_list("case__person_id", flat=True))
        assert sorted(persons) == [1, 2, 3]
        read.update(enrolment.assignments.values_list("case", flat=True))
    assert sorted(read.values()) == [2, 2, 2, 2, 4]
    assert allocate_pending(experiment=study, by=None) == []
    assert_verified(study)


def test_who_is_enrolled_before_activation_is_drawn_by_it(draft, clinician, owner):
    from experiments.actions.lifecycle import activate

    enrolment = factories.make_enrolment(draft, clinician)
    assert held(enrolment) == []
    activate(experiment=draft, by=owner)
    assert len(held(enrolment)) == 4
    assert AllocationRun.objects.get().triggered_by == "activation"


def test_nothing_is_drawn_while_paused_and_all_is_on_resuming(study, owner):
    pause(experiment=study, by=owner, reason="A case has a typing error.")
    enrolment = factories.make_enrolment(study)
    assert held(enrolment) == []
    resume(experiment=study, by=owner)
    assert len(held(enrolment)) == 4
    assert_verified(study)


@pytest.mark.parametrize("kind", ["training", "preview"])
def test_only_real_enrolments_are_drawn(study, clinician, kind):
    enrolment = factories.make_enrolment(study, clinician, kind=kind)
    assert (enrolment.arrival, held(enrolment)) == (None, [])
    assert allocate_pending(experiment=study, by=None) == []


def test_drawing_again_draws_nothing(study, enrolled):
    before = held(enrolled)
    assert allocate_pending(experiment=study, by=None) == []
    assert held(enrolled) == before


def test_the_run_keeps_its_inputs_and_the_audit_trail_no_arm(study, enrolled, lead):
    run = AllocationRun.objects.get()
    assert (run.seed, run.rule, run.protocol, run.assignment_count) == (
        study.seed,
        study.allocation_rule,
        study.protocol,
        4,
    )
    assert json.loads(run.inputs)["arrivals"] == [[1, "", 0]]
    for event in AuditEvent.objects.all():
        assert study.seed not in event.data
        assert "without-advice" not in event.data
    assert study.seed not in study.protocol.content


@pytest.mark.parametrize("rule", ["arm_per_participant", "arm_per_participant_case"])
def test_an_amended_case_list_draws_only_what_is_not_assigned_yet(owner, rule):
    study = factories.make_study(by=owner, allocation_rule=rule)
    first = factories.make_enrolment(study)
    before = held(first)
    version = study.protocol.layout_version
    cases = [entry.case for entry in study.study_cases.all()]
    new = [factories.make_case(layout_version=version) for _ in range(3)]
    set_case_list(experiment=study, cases=[*cases[1:], *new], by=owner)
    late_to_first_list = factories.make_enrolment(study)
    assert {case for case, _, _ in held(late_to_first_list)} == {case.pk for case in cases}
    amend(experiment=study, by=owner, reason="Three more cases, one fewer.")
    after = held(first)
    assert after[:4] == before
    assert sorted(case for case, _, _ in after[4:]) == sorted(case.pk for case in new)
    assert [position for _, _, position in after] == [1, 2, 3, 4, 5, 6, 7]
    if rule == "arm_per_participant":
        assert len({arm for _, arm, _ in after}) == 1
    joined = factories.make_enrolment(study)
    assert {case for case, _, _ in held(joined)} == {case.pk for case in [*cases[1:], *new]}
    assert_verified(study)


def test_changed_weights_begin_new_blocks_and_leave_the_arms_of_those_who_have_one(owner):
    study = factories.make_study(by=owner, cases=2, allocation_rule="arm_per_participant", consent_required=True)
    waits, early = factories.make_enrolment(study), factories.make_enrolment(study)
    from experiments.actions.enrolment import record_consent

    record_consent(enrolment=early, kind="given", by=owner)
    before = held(early)
    update_arm(arm=study.arms.get(key="with-advice"), weight=5, by=owner)
    new = factories.make_case(layout_version=study.protocol.layout_version)
    set_case_list(experiment=study, cases=[*(e.case for e in study.study_cases.all()), new], by=owner)
    amend(experiment=study, by=owner, reason="More readers with advice.")
    late = factories.make_enrolment(study)
    for enrolment in (late, waits):
        record_consent(enrolment=enrolment, kind="given", by=owner)
        assert len(held(enrolment)) == 3
    assert held(early)[:2] == before
    assert {arm for _, arm, _ in held(early)} == {before[0][1]}
    phases = [json.loads(run.inputs)["phase"] for run in AllocationRun.objects.order_by("pk")]
    assert phases == ["1", "1", "2", "2"]
    assert_verified(study)


def test_person_once_holds_over_amendments(owner):
    version = factories.make_layout()
    cases = [factories.make_case(layout_version=version, person_id=person) for person in (1, 2)]
    study = factories.make_study(by=owner, layout_version=version, cases=cases, person_once=True)
    enrolment = factories.make_enrolment(study)
    more = [factories.make_case(layout_version=version, person_id=person) for person in (2, 3, 3)]
    set_case_list(experiment=study, cases=[*cases, *more], by=owner)
    amend(experiment=study, by=owner, reason="More cases.")
    persons = enrolment.assignments.order_by("position").values_list("case__person_id", flat=True)
    assert sorted(persons) == [1, 2, 3]
    assert_verified(study)


TAMPERINGS = {
    "another arm": lambda a: Assignment.objects.filter(pk=a.pk).update(
        arm=a.enrolment.experiment.arms.exclude(pk=a.arm_id).first()
    ),
    "another position": lambda a: Assignment.objects.filter(pk=a.pk).update(position=99),
    "another probability": lambda a: Assignment.objects.filter(pk=a.pk).update(marginal_probability=0.9),
    "another seed": lambda a: Experiment.objects.update(seed="00" * 32),
    "another seed in the run": lambda a: AllocationRun.objects.update(seed="00" * 32),
    "another arrival": lambda a: Enrolment.objects.update(arrival=7),
    "another stratum": lambda a: Enrolment.objects.update(stratum="x"),
    "another weight": lambda a: AllocationRun.objects.update(weights='[["with-advice",7]]'),
    "a review too many": lambda a: Review.objects.create(assignment=a, stage_position=3),
    "unreadable inputs": lambda a: AllocationRun.objects.update(inputs="{}"),
    "an impossible plan": lambda a: AllocationRun.objects.update(rule="coin"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_verification_finds_what_was_tampered_with(study, enrolled, name):
    with erasing():
        TAMPERINGS[name](enrolled.assignments.first())
    assert verify_allocation(study).mismatches
    with pytest.raises(CommandError, match="do not hold"):
        call_command("verify_allocation", study.code)


def test_the_command_says_what_it_verified(study, enrolled, capsys):
    call_command("verify_allocation", study.name)
    assert "4 assignments of 1 draws" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no study"):
        call_command("verify_allocation", "no such study")


def test_the_number_of_statements_does_not_grow_with_the_cases(owner, django_assert_max_num_queries):
    for count in (2, 60):
        study = factories.make_study(by=owner, cases=count)
        user = factories.make_participant()
        with django_assert_max_num_queries(30):
            factories.make_enrolment(study, user)


def test_a_configs_study_draws_nothing(study, owner):
    update_experiment(experiment=study, by=owner, description="as before")
    Experiment.objects.filter(pk=study.pk).update(kind="configs")
    enrolment = factories.make_enrolment(Experiment.objects.get(pk=study.pk))
    assert held(enrolment) == []


def test_whoever_has_completed_gets_no_later_cases(owner):
    study = factories.make_study(by=owner, cases=2)
    done, reading = factories.make_enrolment(study), factories.make_enrolment(study)
    Enrolment.objects.filter(pk=done.pk).update(status="completed")
    new = factories.make_case(layout_version=study.protocol.layout_version)
    set_case_list(experiment=study, cases=[*(e.case for e in study.study_cases.all()), new], by=owner)
    amend(experiment=study, by=owner, reason="One more case.")
    assert (len(held(done)), len(held(reading))) == (2, 3)
    assert_verified(study)
