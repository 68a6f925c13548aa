"""Practice: begun, read and answered as a real case, then told what is held to be right; and in no data."""

import json

import pytest

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.design import set_case_list, update_experiment, update_stage
from experiments.actions.enrolment import withdraw
from experiments.actions.references import set_reference
from experiments.actions.reviews import open_review, submit
from experiments.actions.training import TrainingEntry, begin_training, set_training_cases
from experiments.design.readiness import ActivationProblem, activation_problems
from experiments.models import Assignment, Enrolment, Experiment, Review
from experiments.screens.joining.tests import helpers
from experiments.tests import factories
from experiments.verification.answers import look_at_answers

ANSWERS = {"diagnosis": "yes", "risk": "20"}


def problems(study: Experiment) -> dict[str, ActivationProblem]:
    return {problem.code: problem for problem in activation_problems(study)}


def answer(review: Review, **answers: str) -> None:
    user = review.assignment.enrolment.user
    open_review(public_id=review.public_id, by=user)
    submit(public_id=review.public_id, answers=answers or ANSWERS, by=user)


def test_it_begins_by_a_click_and_leads_to_the_first_case(study, reader, reading):
    helpers.joined(study, reader, reading)
    body = reading.get(helpers.page(study, "training")).content.decode()
    assert "there is 1 case to practise on" in body
    assert not Enrolment.objects.filter(kind="training").exists()
    response = reading.post(helpers.page(study, "training"))
    review = Review.objects.get(assignment__enrolment__kind="training")
    assert response.url == f"/reviews/{review.public_id}/"
    assert reading.post(helpers.page(study, "training")).url == response.url


def test_it_comes_after_what_comes_before_it(study, reader, reading):
    assert reading.get(helpers.page(study, "training")).url == helpers.page(study, "consent")
    assert reading.post(helpers.page(study, "training")).url == helpers.page(study, "consent")
    assert not Enrolment.objects.filter(kind="training").exists()


def test_everybody_practises_as_the_same_arm(owner, clinician, other_clinician):
    study = helpers.joining_study(owner, consent=False, intake=False, training=2)
    study.training_arm = study.arms.get(name="Advice afterwards")
    study.save()
    for person in (clinician, other_clinician):
        reviews = helpers.practice(factories.make_enrolment(study, person))
        assert [review.stage_position for review in reviews] == [1, 2, 1, 2]
        assert {review.assignment.arm for review in reviews} == {study.training_arm}
        assert {review.assignment.drawn_by for review in reviews} == {"staff"}


def test_without_a_choice_it_is_the_first_of_the_shortest_arms(owner, clinician):
    two, one = [factories.show("age"), factories.show("age", "advice")], [factories.show("age")]
    study = helpers.joining_study(owner, consent=False, intake=False, arms={"Two": two, "One": one, "Again": one})
    [review] = helpers.practice(factories.make_enrolment(study, clinician))
    assert review.assignment.arm.name == "One"


def test_nobody_waits_days_to_practise(owner, clinician):
    study = helpers.joining_study(owner, consent=False, intake=False, active=False)
    arm = study.arms.get(name="Advice afterwards")
    arm.stages.filter(position=2).update(not_before_days=7)
    study.training_arm = arm
    study.save()
    from experiments.actions.lifecycle import activate

    activate(experiment=study, by=owner, confirmed=helpers.CONFIRMED)
    reviews = helpers.practice(factories.make_enrolment(study, clinician))
    assert [review.stage_position for review in reviews] == [1]


def test_the_feedback_comes_after_the_answer_and_not_before(study, reader, reading, owner):
    helpers.joined(study, reader, reading)
    [review] = helpers.practice(reader)
    set_reference(
        experiment=study,
        case=review.assignment.case,
        question_key="diagnosis",
        value="no",
        rule="one reading",
        by=owner,
    )
    open_review(public_id=review.public_id, by=reader.user)
    before = reading.get(helpers.page(study, "training")).content.decode()
    assert "Reference standard" not in before
    assert "Feedback on case" not in before
    submit(public_id=review.public_id, answers=ANSWERS, by=reader.user)
    after = reading.get(helpers.page(study, "training")).content.decode()
    assert f"Feedback on case {review.assignment.case.number}." in after
    assert after.index("From the study team") < after.index("Feedback on case") < after.index("<b>no</b>")
    assert "Differs from your answer" in after
    assert "From here on your answers count." in after


def test_between_two_stages_nothing_of_what_is_right_is_told(owner, clinician, reading_of):
    study = helpers.joining_study(
        owner, consent=False, intake=False, arms={"Two": [factories.show("age"), factories.show("age", "advice")]}
    )
    reader = factories.make_enrolment(study, clinician)
    client = reading_of(clinician)
    client.post(helpers.page(study, "instructions"))
    first, second = helpers.practice(reader)
    set_reference(
        experiment=study, case=first.assignment.case, question_key="diagnosis", value="no", rule="one", by=owner
    )
    answer(first)
    assert "Reference standard" not in client.get(helpers.page(study, "training")).content.decode()
    answer(second, diagnosis="no", risk="5")
    body = client.get(helpers.page(study, "training")).content.decode()
    assert "Your first answer:" in body
    assert "Agrees with your answer" in body


def test_an_answer_leads_to_the_feedback_and_a_first_one_to_the_second_reading(owner, clinician, reading_of):
    study = helpers.joining_study(
        owner, consent=False, intake=False, arms={"Two": [factories.show("age"), factories.show("age", "advice")]}
    )
    client = reading_of(clinician)
    first, second = helpers.practice(factories.make_enrolment(study, clinician))
    answer(first)
    assert "shown to you once more" in client.get(f"/reviews/{first.public_id}/done/").content.decode()
    answer(second)
    assert client.get(f"/reviews/{second.public_id}/done/").url == helpers.page(study, "training")


def test_the_pages_of_practice_say_so(study, reader, reading):
    helpers.joined(study, reader, reading)
    [review] = helpers.practice(reader)
    for _ in ("before its opening", "opened"):
        body = reading.get(f"/reviews/{review.public_id}/").content.decode()
        assert 'aria-label="Practice"' in body
        reading.post(f"/reviews/{review.public_id}/open/")


def test_cases_added_later_are_offered_to_whoever_still_practises(owner, clinician):
    study = helpers.joining_study(owner, consent=False, intake=False)
    reader = factories.make_enrolment(study, clinician)
    first = helpers.practice(reader)[0].assignment.case
    more = factories.make_case(layout_version=study.protocol.layout_version)
    set_training_cases(experiment=study, entries=[TrainingEntry(more), TrainingEntry(first)], by=owner)
    assert [review.assignment.case for review in helpers.practice(reader)] == [first, more]


def test_the_number_of_statements_does_not_grow_with_the_cases(
    owner, clinician, reading_of, django_assert_max_num_queries
):
    study = helpers.joining_study(owner, consent=False, intake=False, instructions="", training=4)
    reader = factories.make_enrolment(study, clinician)
    for review in helpers.practice(reader):
        answer(review)
    client = reading_of(clinician)
    client.get(helpers.page(study, "training"))
    with django_assert_max_num_queries(10):
        client.get(helpers.page(study, "training"))


def test_practice_is_in_no_count_and_completes_no_study(study, reader, reading):
    from experiments.reviewing.progress import real_assignments, totals

    helpers.joined(study, reader, reading)
    before = totals(study)
    for review in helpers.practice(reader):
        answer(review)
    assert totals(study) == before
    assert not real_assignments(study).filter(enrolment__kind="training").exists()
    assert Enrolment.objects.get(kind="training").status == "completed"
    assert Enrolment.objects.get(pk=reader.pk).status == "active"


def test_practice_that_is_erased_with_its_reader_is_known_to_the_audit_trail(owner, clinician):
    study = helpers.joining_study(owner, consent=False, intake=False, withdrawal_policy="erase")
    reader = factories.make_enrolment(study, clinician)
    for review in helpers.practice(reader):
        answer(review)
    withdraw(enrolment=reader, by=owner, reason="Asked for it.")
    looked = list(look_at_answers(study))
    assert looked
    assert all(erased and reason is None for _id, erased, reason in looked)


def test_whoever_takes_no_part_does_not_practise(study, reader):
    with pytest.raises(Conflict):
        begin_training(enrolment=reader, by=reader.user)


# What researchers set


def test_training_cases_are_set_in_order_and_audited(study, owner):
    version = study.protocol.layout_version
    cases = [factories.make_case(layout_version=version) for _ in range(2)]
    made = set_training_cases(experiment=study, entries=[TrainingEntry(case, " Well. ") for case in cases], by=owner)
    assert [(one.case, one.position, one.feedback) for one in made] == [(cases[0], 1, "Well."), (cases[1], 2, "Well.")]
    event = AuditEvent.objects.filter(action="training_cases_changed").latest("pk")
    assert json.loads(event.data) == {"cases": [case.number for case in cases]}


def test_a_running_study_takes_no_case_that_is_not_prepared(study, owner):
    with pytest.raises(Conflict) as refused:
        set_training_cases(experiment=study, entries=[TrainingEntry(factories.make_case())], by=owner)
    assert refused.value.code == "missing_snapshots"


def test_a_running_study_takes_no_case_that_its_readers_answer(study, owner):
    case = study.study_cases.first().case
    with pytest.raises(Conflict) as refused:
        set_training_cases(experiment=study, entries=[TrainingEntry(case)], by=owner)
    assert refused.value.code == "training_case_listed"


def test_a_case_stands_once_in_the_list(study, owner):
    case = study.training_cases.get().case
    with pytest.raises(Invalid):
        set_training_cases(experiment=study, entries=[TrainingEntry(case), TrainingEntry(case)], by=owner)


def test_a_study_without_arms_has_no_practice(owner):
    study = Experiment.objects.create(name="Configs", kind="configs")
    with pytest.raises(Conflict):
        set_training_cases(experiment=study, entries=[], by=owner)


def test_a_draft_takes_no_case_of_its_case_list(owner):
    study = helpers.joining_study(owner, active=False)
    case = study.study_cases.first().case
    with pytest.raises(Conflict) as refused:
        set_training_cases(experiment=study, entries=[TrainingEntry(case)], by=owner)
    assert refused.value.code == "training_case_listed"
    assert f"Case {case.number} is a training case and in the case list" in refused.value.detail
    assert study.training_cases.count() == 1


def test_practice_longer_than_the_shortest_arm_has_to_be_confirmed(owner):
    study = helpers.joining_study(owner, active=False)
    longer = study.arms.get(name="Advice afterwards")
    study = update_experiment(experiment=study, training_arm=longer, by=owner)
    assert problems(study)["training_has_more_stages"].confirmable
    update_stage(stage=longer.stages.get(position=2), by=owner, not_before_days=7)  # practice ends before it
    assert "training_has_more_stages" not in problems(study)
    study = update_experiment(experiment=study, training_arm=study.arms.get(name="Without advice"), by=owner)
    assert "training_has_more_stages" not in problems(study)


def test_activation_says_what_is_missing(owner):
    study = helpers.joining_study(owner, active=False)
    unprepared = factories.make_case()
    listed = study.training_cases.get().case
    set_training_cases(experiment=study, entries=[TrainingEntry(listed), TrainingEntry(unprepared)], by=owner)
    set_case_list(experiment=study, cases=[listed], by=owner)
    from experiments.actions.lifecycle import activate

    with pytest.raises(Invalid) as refused:
        activate(experiment=study, by=owner, confirmed=helpers.CONFIRMED)
    assert set(refused.value.errors) == {"training_case_listed", "training_case_missing"}
    assert str(unprepared.number) in refused.value.errors["training_case_missing"][0]
    assert not Assignment.objects.filter(enrolment__experiment=study).exists()
