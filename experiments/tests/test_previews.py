"""Previews: staff read a study as an arm or as a participant reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from augmed.foundation.errors import Conflict, Invalid, NotFound
from augmed.foundation.models import AuditEvent
from experiments.actions import design, lifecycle, questionnaires
from experiments.actions.disclosure_sets import set_cells
from experiments.actions.previews import preview_again, preview_as_arm, preview_as_participant
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role, revoke_role
from experiments.models import AllocationRun, Arm, Enrolment, Experiment, ProtocolVersion, Review, ReviewOpening, Stage
from experiments.reviewing.next_case import next_case
from experiments.reviewing.own_reviews import next_review, own_reviews
from experiments.reviewing.previewing import next_of_preview, own_previews, reviews_of_preview, shown_as
from experiments.tests import factories

pytestmark = pytest.mark.django_db

ANSWERS = {"diagnosis": "yes", "risk": "30"}


def arm_of(study: Experiment, name: str) -> Arm:
    return study.arms.get(name=name)


def read(preview: Enrolment, by: Any) -> Any:
    return open_review(public_id=next_of_preview(preview.pk) or "", by=by)


def labels(opened: Any) -> set[str]:
    def below(node: Any) -> Any:
        for child in node.get("sections") or node.get("children") or ():
            yield from [child["label"]] if child["level"] == "feature" else below(child)

    return set(below(json.loads(opened.disclosed)))


def test_a_draft_is_previewed_by_its_working_design(draft: Any, lead: Any) -> None:
    preview = preview_as_arm(experiment=draft, arm=arm_of(draft, "With advice"), by=lead)
    assert (preview.kind, preview.status, preview.arrival) == ("preview", "active", None)
    opened = read(preview, lead)
    assert "Risk estimate" in labels(opened)
    assert ReviewOpening.objects.get().protocol_id is None


def test_another_arm_shows_what_that_one_shows(draft: Any, lead: Any) -> None:
    preview = preview_as_arm(experiment=draft, arm=arm_of(draft, "Without advice"), by=lead)
    assert "Risk estimate" not in labels(read(preview, lead))


def test_the_questions_of_the_arms_own_questionnaire_are_asked_in_a_draft(draft: Any, lead: Any) -> None:
    own = factories.make_questionnaire(draft, name="Of one arm")
    factories.make_questionnaire(draft, name="The newest of the study")
    arm = arm_of(draft, "With advice")
    design.update_stage(stage=arm.stages.get(), by=lead, questionnaire=own.questionnaire)
    opened = read(preview_as_arm(experiment=draft, arm=arm, by=lead), lead)
    assert opened.questionnaire_version == own.public_id
    own.refresh_from_db()
    assert own.frozen_at is not None


def test_an_arm_of_a_draft_can_be_removed_although_it_was_previewed(draft: Any, lead: Any) -> None:
    arm = arm_of(draft, "With advice")
    preview = preview_as_arm(experiment=draft, arm=arm, by=lead)
    read(preview, lead)
    assert shown_as([preview.pk]) == {preview.pk: "With advice"}
    design.remove_arm(arm=arm, by=lead)
    assert shown_as([preview.pk]) == {}
    with pytest.raises(Conflict) as refused:
        preview_again(preview=preview, by=lead)
    assert refused.value.code == "arm_removed"


def test_an_arm_without_layout_or_stages_is_refused(draft: Any, lead: Any) -> None:
    arm = design.add_arm(experiment=draft, name="Bare", by=lead)
    Stage.objects.filter(arm=arm).delete()
    with pytest.raises(Conflict) as refused:
        preview_as_arm(experiment=draft, arm=arm, by=lead)
    assert refused.value.code == "not_prepared"
    assert not Enrolment.objects.exists()


def test_start_over_shows_the_design_as_it_is_by_then(draft: Any, lead: Any) -> None:
    arm = arm_of(draft, "Without advice")
    first = preview_as_arm(experiment=draft, arm=arm, by=lead)
    set_cells(experiment=draft, cells={arm.stages.get().pk: factories.show("age", "advice")}, by=lead)
    assert "Risk estimate" not in labels(read(first, lead))
    again = preview_again(preview=first, by=lead)
    assert again.pk != first.pk
    assert labels(read(again, lead)) == {"Age", "Risk estimate"}


def test_an_active_study_is_previewed_by_its_protocol(study: Any, lead: Any) -> None:
    preview = preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=lead)
    read(preview, lead)
    assert ReviewOpening.objects.get().protocol_id == study.protocol_id
    assert set(preview.assignments.values_list("drawn_by", "arm__name")) == {("staff", "With advice")}
    assert not AllocationRun.objects.exists()


def test_of_an_active_study_the_working_design_can_be_asked_for(study: Any, lead: Any) -> None:
    arm = arm_of(study, "Without advice")
    set_cells(experiment=study, cells={arm.stages.get().pk: factories.show("age", "advice")}, by=lead)
    by_protocol = preview_as_arm(experiment=study, arm=arm, by=lead)
    working = preview_as_arm(experiment=study, arm=arm, working_design=True, by=lead)
    assert "Risk estimate" not in labels(read(by_protocol, lead))
    assert "Risk estimate" in labels(read(working, lead))


def test_an_arm_that_the_protocol_does_not_know_is_previewed_by_the_working_design_alone(study: Any, lead: Any) -> None:
    arm = design.add_arm(experiment=study, name="New", by=lead, stages=[{"cells": factories.show("age")}])
    with pytest.raises(Conflict) as refused:
        preview_as_arm(experiment=study, arm=arm, by=lead)
    assert refused.value.code == "arm_not_in_protocol"


@pytest.mark.parametrize("step", ["pause", "complete"])
def test_a_preview_goes_on_while_the_study_is_paused_and_once_it_is_over(study: Any, lead: Any, step: str) -> None:
    preview = preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=lead)
    getattr(lifecycle, step)(experiment=study, by=lead, reason="A reason.")
    opened = read(preview, lead)
    submit(public_id=opened.public_id, answers=ANSWERS, by=lead)


def test_no_preview_begins_in_a_study_that_is_over(study: Any, lead: Any) -> None:
    lifecycle.complete(experiment=study, by=lead, reason="A reason.")
    study.refresh_from_db()
    with pytest.raises(Conflict):
        preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=lead)


def test_stages_come_one_after_the_other_and_wait_for_no_day(draft: Any, lead: Any) -> None:
    arm = arm_of(draft, "Advice afterwards")
    design.update_stage(stage=arm.stages.get(position=2), by=lead, not_before_days=14)
    lifecycle.activate(experiment=draft, by=lead, confirmed={"person_more_than_once", "later_stage_hides"})
    draft.refresh_from_db()
    preview = preview_as_arm(experiment=draft, arm=arm, by=lead)
    assert [review.stage_position for review in reviews_of_preview(preview.pk)] == [1] * 4
    first = read(preview, lead)
    submit(public_id=first.public_id, answers=ANSWERS, by=lead)
    second = read(preview, lead)
    assert (second.position, second.stage_position) == (first.position, 2)
    assert "Risk estimate" in labels(second)


def test_one_case_is_previewed_where_one_is_named(study: Any, lead: Any) -> None:
    case = study.study_cases.order_by("position")[2].case
    preview = preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), cases=[case], by=lead)
    assert [assignment.case_id for assignment in preview.assignments.all()] == [case.pk]


def test_a_case_of_another_study_is_refused(study: Any, lead: Any) -> None:
    other = factories.make_case()
    with pytest.raises(Invalid):
        preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), cases=[other], by=lead)


def test_an_arm_of_another_study_is_refused(study: Any, draft: Any, lead: Any) -> None:
    with pytest.raises(Invalid):
        preview_as_arm(experiment=study, arm=arm_of(draft, "With advice"), by=lead)


def test_a_preview_has_as_many_statements_however_many_cases(lead: Any, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    few, many = (factories.make_study(by=lead, cases=count, active=False) for count in (2, 20))
    with CaptureQueriesContext(connection) as one:
        preview_as_arm(experiment=few, arm=arm_of(few, "Advice afterwards"), by=lead)
    with django_assert_num_queries(len(one)):
        preview_as_arm(experiment=many, arm=arm_of(many, "Advice afterwards"), by=lead)


def test_as_a_participant_the_same_cases_come_in_the_same_order_and_arms(
    study: Any, enrolled: Enrolment, administrator: Any
) -> None:
    preview = preview_as_participant(enrolment=enrolled, by=administrator)
    fields = ("position", "case", "arm", "period", "replicate")
    copied, theirs = (list(one.assignments.order_by("position").values_list(*fields)) for one in (preview, enrolled))
    assert copied == theirs
    counts = [
        list(Review.objects.filter(assignment__enrolment=one).values_list("assignment__position", "stage_position"))
        for one in (preview, enrolled)
    ]
    assert sorted(counts[0]) == sorted(counts[1])
    assert preview.preview_of_id == enrolled.pk


def test_what_the_participant_has_opened_is_shown_as_they_opened_it(
    study: Any, enrolled: Enrolment, clinician: Any, administrator: Any
) -> None:
    review = Review.objects.pending_for(clinician).first()
    assert review is not None
    theirs = open_review(public_id=review.public_id, by=clinician)
    arms = {stage.pk: factories.show("age") for stage in _stages(study)}
    set_cells(experiment=study, cells=arms, by=administrator)
    lifecycle.amend(experiment=study, reason="Less is shown.", by=administrator, confirmed={"later_stage_hides"})
    preview = preview_as_participant(enrolment=enrolled, by=administrator)
    opened = read(preview, administrator)
    assert opened.disclosed_sha256 == theirs.disclosed_sha256
    assert opened.questionnaire_version == theirs.questionnaire_version
    bound = ReviewOpening.objects.order_by("-pk").values_list("protocol_id", flat=True)
    assert set(bound) == {ProtocolVersion.objects.get(number=1).pk}


def test_what_the_participant_has_not_opened_is_shown_as_they_would_open_it(
    study: Any, enrolled: Enrolment, administrator: Any
) -> None:
    arms = {stage.pk: factories.show("age") for stage in _stages(study)}
    set_cells(experiment=study, cells=arms, by=administrator)
    lifecycle.amend(experiment=study, reason="Less is shown.", by=administrator, confirmed={"later_stage_hides"})
    preview = preview_as_participant(enrolment=enrolled, by=administrator)
    assert labels(read(preview, administrator)) == {"Age"}


def test_who_has_no_case_yet_cannot_be_previewed(draft: Any, clinician: Any, administrator: Any) -> None:
    enrolment = factories.make_enrolment(draft, clinician)
    with pytest.raises(Conflict) as refused:
        preview_as_participant(enrolment=enrolment, by=administrator)
    assert refused.value.code == "nothing_assigned"


def test_only_a_participant_is_previewed(study: Any, administrator: Any) -> None:
    preview = preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=administrator)
    with pytest.raises(Invalid):
        preview_as_participant(enrolment=preview, by=administrator)


def test_a_preview_is_gone_for_who_may_no_longer_see_the_arms(study: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    opened = read(preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=stranger), stranger)
    revoke_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    with pytest.raises(NotFound):
        open_review(public_id=opened.public_id, by=stranger)


def test_a_preview_as_a_participant_is_gone_for_who_may_no_longer_see_the_allocation(
    study: Any, enrolled: Enrolment, stranger: Any
) -> None:
    for role in ("unblinded_analyst", "lead"):
        grant_role(user=stranger, experiment=study, role=role, by=None)
    preview = preview_as_participant(enrolment=enrolled, by=stranger)
    revoke_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    with pytest.raises(NotFound):
        read(preview, stranger)


def test_somebody_elses_preview_is_absent(study: Any, lead: Any, administrator: Any) -> None:
    preview = preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=lead)
    with pytest.raises(NotFound):
        read(preview, administrator)
    assert list(own_previews(administrator, study)) == []


def test_previews_are_in_no_list_of_what_one_is_to_read(study: Any, lead: Any) -> None:
    preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=lead)
    assert not own_reviews(lead).exists()
    assert next_review(lead) is None
    assert next_case(lead) is None


def test_previews_are_audited_and_so_is_the_reading(study: Any, lead: Any) -> None:
    preview = preview_as_arm(experiment=study, arm=arm_of(study, "With advice"), by=lead)
    read(preview, lead)
    begun, viewed = (AuditEvent.objects.get(action=action) for action in ("preview_begun", "case_viewed"))
    assert (begun.experiment_id, viewed.experiment_id) == (study.pk, study.pk)
    assert json.loads(begun.data)["cases"] == 4


def test_a_preview_freezes_only_the_questions_that_it_asked(draft: Any, lead: Any) -> None:
    read(preview_as_arm(experiment=draft, arm=arm_of(draft, "With advice"), by=lead), lead)
    version = draft.questionnaires.get().versions.get()
    copy = questionnaires.copy_version(version=version, by=lead)
    questionnaires.set_questions(
        version=copy, questions=[{"key": "new", "type": "short_text", "text": "New?"}], by=lead
    )
    again = preview_as_arm(experiment=draft, arm=arm_of(draft, "With advice"), by=lead)
    assert read(again, lead).questionnaire_version == copy.public_id


def _stages(study: Experiment) -> Any:
    return Stage.objects.filter(arm__experiment=study)
