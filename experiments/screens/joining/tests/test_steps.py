"""What a reader does next: one step after the other, from any state of study and enrolment."""

from datetime import timedelta

import pytest
from django.utils import timezone

from augmed.foundation.append_only import erasing
from augmed.foundation.errors import Conflict, NotFound
from cases.models import CaseSnapshot
from experiments.actions.allocation import allocate_pending
from experiments.actions.enrolment import withdraw
from experiments.actions.intake import submit_intake
from experiments.actions.joining import decline_consent, leave_study
from experiments.actions.lifecycle import activate, complete, pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Enrolment, Experiment, Review
from experiments.screens.joining.steps import StepKind, next_step, own_standings, refuse_unless_joined
from experiments.screens.joining.tests import helpers
from experiments.tests import factories

ANSWERS = {"diagnosis": "yes", "risk": "20"}


def kind(enrolment: Enrolment) -> str:
    return next_step(enrolment).kind.value


def test_one_step_after_the_other(study, reader, reading):
    seen = [kind(reader)]
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    seen.append(kind(reader))
    reading.post(helpers.page(study, "intake"), helpers.about(study))
    seen.append(kind(reader))
    reading.post(helpers.page(study, "instructions"))
    seen.append(kind(reader))
    for review in helpers.practice(reader):
        open_review(public_id=review.public_id, by=reader.user)
        submit(public_id=review.public_id, answers=ANSWERS, by=reader.user)
    seen.append(kind(reader))
    assert seen == ["consent", "intake", "instructions", "training", "case"]


def test_the_case_that_comes_next_and_whether_it_was_opened(owner, clinician):
    study = helpers.joining_study(owner, consent=False, intake=False, instructions="", training=0)
    enrolment = factories.make_enrolment(study, clinician)
    first = Review.objects.filter(assignment__enrolment=enrolment).in_order().first()
    step = next_step(enrolment)
    assert (step.review, step.resumes, step.url) == (first.public_id, False, f"/reviews/{first.public_id}/")
    open_review(public_id=first.public_id, by=clinician)
    assert next_step(enrolment).resumes
    assert next_step(enrolment).label != step.label


def test_all_answered_is_done(owner, clinician):
    study = helpers.joining_study(
        owner, consent=False, intake=False, instructions="", training=0, cases=1, arms={"One": [factories.show("age")]}
    )
    enrolment = factories.make_enrolment(study, clinician)
    review = Review.objects.get(assignment__enrolment=enrolment)
    open_review(public_id=review.public_id, by=clinician)
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    assert kind(enrolment) == "done"
    assert next_step(enrolment).note


def answered_once(by, user, arm, days=0):
    """The step of who has answered all cases of a study of one arm once; what comes later opens after `days`."""
    study = helpers.joining_study(
        by, consent=False, intake=False, instructions="", training=0, cases=2, arms={"One": arm}, active=False
    )
    study.arms.get().stages.filter(position=2).update(not_before_days=days)
    activate(experiment=study, by=by, confirmed=helpers.CONFIRMED)
    enrolment = factories.make_enrolment(study, user)
    for review in Review.objects.filter(assignment__enrolment=enrolment, stage_position=1).in_order():
        open_review(public_id=review.public_id, by=user)
        submit(public_id=review.public_id, answers=ANSWERS, by=user)
    return enrolment


ONE_STAGE = [factories.show("age")]
TWO_STAGES = [factories.show("age"), factories.show("age", "advice")]


@pytest.mark.parametrize("pauses", [False, True])
def test_a_reading_that_opens_later_is_not_told_of_after_the_last_first_answer(
    owner, clinician, other_clinician, pauses
):
    done = answered_once(owner, clinician, ONE_STAGE)
    waiting = answered_once(owner, other_clinician, TWO_STAGES, days=7)
    if pauses:
        for enrolment in (done, waiting):
            pause(experiment=enrolment.experiment, by=owner, reason="A break.")
    assert next_step(done).note == next_step(waiting).note
    assert ("so far" in next_step(done).note) is not pauses
    assert next_step(done).url == next_step(waiting).url == ""


def test_a_case_that_was_read_once_is_gone_on_with(owner, clinician):
    step = next_step(answered_once(owner, clinician, TWO_STAGES))
    assert (step.again, step.resumes, step.label) == (True, False, "Go on with this case")


def test_a_case_that_cannot_be_begun_yet_is_no_case_that_was_answered(owner, clinician):
    study = helpers.joining_study(owner, consent=False, intake=False, instructions="", training=0)
    enrolment = factories.make_enrolment(study, clinician)
    with erasing():
        enrolment.assignments.update(available_from=timezone.now() + timedelta(days=1))
    assert next_step(enrolment).reason == "later"


@pytest.mark.parametrize(
    ("status", "reason"),
    [("draft", "not_begun"), ("paused", "paused"), ("completed", "closed"), ("archived", "closed")],
)
def test_a_study_that_does_not_run_asks_nothing(study, reader, status, reason):
    Experiment.objects.filter(pk=study.pk).update(status=status)
    step = next_step(reader)
    assert (step.kind, step.url, step.reason) == (StepKind.WAITING, "", reason)
    assert step.note


def test_consent_that_is_taken_elsewhere_is_waited_for(owner, clinician):
    study = factories.make_study(by=owner, consent_required=True)
    step = next_step(factories.make_enrolment(study, clinician))
    assert (step.kind, step.url, step.reason) == (StepKind.WAITING, "", "consent_elsewhere")


def test_who_declined_may_come_back_and_who_withdrew_may_not(study, reader):
    decline_consent(enrolment=reader, by=reader.user)
    step = next_step(reader)
    assert (step.kind, step.url, step.reason) == (StepKind.LEFT, helpers.page(study, "consent"), "declined")
    leave_study(enrolment=reader, words="", by=reader.user)
    assert (next_step(reader).url, next_step(reader).reason) == ("", "withdrawn")


def test_without_any_case_one_waits(owner, clinician):
    study = helpers.joining_study(owner, consent=False, intake=False, instructions="", training=0, active=False)
    enrolment = factories.make_enrolment(study, clinician)
    Experiment.objects.filter(pk=study.pk).update(status="active")
    assert next_step(enrolment).reason == "no_cases"


def test_instructions_and_practice_do_not_come_back_after_the_first_case(study, reader):
    Enrolment.objects.filter(pk=reader.pk).update(status="active")
    allocate_pending(experiment=study, by=None)
    first = Review.objects.filter(assignment__enrolment=reader).in_order().first()
    open_review(public_id=first.public_id, by=reader.user)
    assert kind(reader) == "intake"  # what is not told yet is asked all the same
    told(reader, study)
    assert kind(reader) == "case"


def test_practice_that_cannot_be_shown_keeps_nobody(study, reader, reading):
    helpers.joined(study, reader, reading)
    helpers.practice(reader)
    withdrawn = CaseSnapshot.objects.filter(case__in=study.training_cases.values("case"))
    redact(withdrawn)
    assert kind(reader) == "case"


def test_practice_that_staff_ended_is_not_asked_for(study, reader, reading, owner):
    helpers.joined(study, reader, reading)
    training = factories.make_enrolment(study, reader.user, kind="training")
    assert kind(reader) == "training"
    withdraw(enrolment=training, by=owner, reason="Knows it already.")
    assert kind(reader) == "case"


def test_whoever_has_not_joined_opens_no_case(study, reader, reading):
    for name, form in (("consent", helpers.signature(study)), ("intake", helpers.about(study)), ("instructions", {})):
        with pytest.raises(Conflict) as refused:
            refuse_unless_joined(reader.pk)
        assert refused.value.code == "joining_first"
        reading.post(helpers.page(study, name), form)
    with pytest.raises(Conflict):
        refuse_unless_joined(reader.pk)
    training = helpers.practice(reader)[0].assignment.enrolment
    refuse_unless_joined(training.pk)  # practice itself has no such steps


def test_it_is_one_statement_for_any_number_of_studies(owner, clinician, django_assert_num_queries):
    for number in range(3):
        factories.make_enrolment(factories.make_study(by=owner, name=f"Study number {number}"), clinician)
    with django_assert_num_queries(1):
        found = own_standings(clinician)
    assert [step.kind for _, step in found] == ["case"] * 3


def test_a_training_enrolment_is_no_study_of_its_own(study, reader, reading):
    helpers.joined(study, reader, reading)
    training = helpers.practice(reader)[0].assignment.enrolment
    assert [enrolment.pk for enrolment, _ in own_standings(reader.user)] == [reader.pk]
    with pytest.raises(NotFound):
        next_step(training)


def test_pausing_and_closing_are_told(study, reader, owner):
    pause(experiment=study, by=owner, reason="A break.")
    assert next_step(reader).reason == "paused"
    complete(experiment=study, by=owner, reason="Enough.")
    assert next_step(reader).reason == "closed"


def redact(snapshots) -> None:
    with erasing():
        snapshots.update(redacted_at=timezone.now(), content="")


def told(enrolment: Enrolment, study: Experiment) -> None:
    version = study.intake_questionnaire.versions.get()
    submit_intake(enrolment=enrolment, version=version.public_id, answers={"experience": "more"}, by=enrolment.user)
