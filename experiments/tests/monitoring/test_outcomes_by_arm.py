"""Outcomes by arm: the figures, whose answers are in them, and that every look is written down."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from experiments.actions.enrolment import erase_enrolment, withdraw
from experiments.actions.references import set_reference
from experiments.models import Assignment, EnrolmentEvent, Review, Submission
from experiments.monitoring.outcomes import counts_by_arm, outcomes
from experiments.tests import factories
from experiments.tests.monitoring.conftest import LONG_AGO, NOW, backdate, client_of, read, reader, reviews_of

pytestmark = pytest.mark.django_db

QUESTIONS = [
    {"key": "diagnosis", "type": "single_choice", "text": "Which?", "options": ["yes", "no"], "scoring": "exact"},
    {"key": "signs", "type": "multiple_choice", "text": "Signs?", "options": ["a", "b", "c"], "required": False},
    {"key": "risk", "type": "probability", "text": "How likely?", "scoring": "brier"},
    {"key": "remarks", "type": "paragraph", "text": "Else?", "required": False},
]
ARMS = {"Alone": [factories.show("age")], "Helped": [factories.show("age", "advice")]}


@pytest.fixture
def study(lead):
    return factories.make_study(
        by=lead, cases=2, arms=ARMS, questions=QUESTIONS, allocation_rule="arm_per_participant", case_order="fixed"
    )


@pytest.fixture
def people(study):
    """Two of each arm, by arm."""
    found = {"Alone": [], "Helped": []}
    while min(map(len, found.values())) < 2:
        enrolment = factories.make_enrolment(study, reader())
        found[Assignment.objects.filter(enrolment=enrolment).first().arm.name].append(enrolment)
    return found


def answer(enrolment, number, **answers):
    read(reviews_of(enrolment)[number], answers=answers)


@pytest.fixture
def answered(people):
    first, second = people["Alone"][:2]
    answer(first, 0, diagnosis="yes", risk=10, signs=["a", "b"])
    answer(first, 1, diagnosis="no", risk=0)
    answer(second, 0, diagnosis="yes", risk=30, signs=["a"], remarks="A remark.")
    answer(people["Helped"][0], 0, diagnosis="no", risk=80)


def by_key(study, **more):
    found = outcomes(study, references=more.get("references", False))
    return {one.question.key: {arm.arm: arm for arm in one.arms} for one in found}


def test_answers_by_arm(study, answered):
    found = by_key(study)
    assert list(found) == ["diagnosis", "signs", "risk", "remarks"]
    assert {each.option: each.count for each in found["diagnosis"]["Alone"].options} == {"yes": 2, "no": 1}
    assert [(each.option, each.share) for each in found["signs"]["Alone"].options] == [("a", 1.0), ("b", 0.5), ("c", 0)]
    risk = found["risk"]["Alone"].values
    assert (risk.count, risk.median, risk.minimum, risk.maximum) == (3, 10, 0, 30)
    assert found["risk"]["Helped"].values.mean == 80
    assert found["remarks"]["Alone"].answered == 1
    assert not found["remarks"]["Alone"].options


def test_correctness_against_the_reference_where_it_may_be_seen(study, answered, lead):
    case = study.study_cases.order_by("position").first().case
    for key in ("diagnosis", "risk"):
        set_reference(experiment=study, case=case, question_key=key, value="yes", rule="one reading", by=lead)
    found = by_key(study, references=True)
    alone = found["diagnosis"]["Alone"]
    assert (alone.scored, alone.score) == (2, 1.0)  # the other case has no reference
    assert found["risk"]["Helped"].score == pytest.approx(0.04)
    assert by_key(study)["diagnosis"]["Alone"].scored == 0


def test_stages_stand_by_themselves(lead):
    study = factories.make_study(by=lead, cases=1, arms={"Two": factories.ARMS["Advice afterwards"]})
    first, second = reviews_of(factories.make_enrolment(study, reader()))
    read(first, answers={"diagnosis": "yes", "risk": 20})
    read(second, answers={"diagnosis": "no", "risk": 60})
    [risk] = [one for one in outcomes(study, references=False) if one.question.key == "risk"]
    assert [(arm.stage, arm.values.median) for arm in risk.arms] == [(1, 20), (2, 60)]
    assert counts_by_arm(study)[0].answered == (1, 1)


def test_counts_by_arm(study, answered, people):
    found = {one.arm: one for one in counts_by_arm(study)}
    assert found["Alone"].people == len(people["Alone"])
    assert found["Alone"].cases == 2 * len(people["Alone"])
    assert (found["Alone"].answered, found["Helped"].answered) == ((3,), (1,))


def test_trainings_and_previews_are_not_in_it(study, answered, people):
    before = by_key(study)
    from experiments.models import Enrolment

    enrolment = people["Helped"][0]
    copy = Enrolment.objects.create(experiment=study, user=enrolment.user, kind="training", status="active")
    case = study.study_cases.first().case
    arm = study.arms.get(name="Helped")
    drawn = Assignment.objects.create(enrolment=copy, case=case, arm=arm, position=1, drawn_by="staff")
    review = Review.objects.create(assignment=drawn)
    read(review, answers={"diagnosis": "yes", "risk": 1})
    assert by_key(study) == before
    assert {one.arm: one.answered for one in counts_by_arm(study)}["Helped"] == (1,)


@pytest.mark.parametrize(("policy", "left"), [("keep", 3), ("keep_to_date", 3), ("exclude", 1), ("erase", 1)])
def test_those_who_withdrew_are_in_it_as_the_policy_says(lead, policy, left):
    study = factories.make_study(
        by=lead, cases=2, arms={"Only": [factories.show("age")]}, withdrawal_policy=policy, case_order="fixed"
    )
    gone, stays = (factories.make_enrolment(study, reader()) for _ in range(2))
    for review in reviews_of(gone):
        read(review)
    read(reviews_of(stays)[0])
    withdraw(enrolment=gone, by=lead, reason="No time.")
    assert by_key(study)["risk"]["Only"].answered == left


def test_what_was_given_after_a_consent_was_taken_back_is_left_out(lead):
    study = factories.make_study(by=lead, cases=2, arms={"Only": [factories.show("age")]}, case_order="fixed")
    gone = factories.make_enrolment(study, reader())
    first, second = reviews_of(gone)
    read(first, at=LONG_AGO)
    read(second, at=NOW)
    withdraw(enrolment=gone, by=lead, reason="No time.")
    backdate(EnrolmentEvent, "at", LONG_AGO + (NOW - LONG_AGO) / 2, enrolment=gone, status="withdrawn")
    assert by_key(study)["risk"]["Only"].answered == 1


def test_what_was_erased_is_not_in_it(study, answered, people, lead):
    erase_enrolment(enrolment=people["Helped"][0], by=lead, reason="Asked for.")
    assert "Helped" not in by_key(study)["risk"]


def test_it_costs_the_same_however_many_answers_there_are(study, people, django_assert_max_num_queries):
    for enrolment in [*people["Alone"], *people["Helped"]]:
        answer(enrolment, 0, diagnosis="yes", risk=10)
    with django_assert_max_num_queries(10):
        outcomes(study, references=True)


# The page


@pytest.fixture
def unblinded(study, staff):
    return client_of(staff(study, "unblinded_analyst"))


@pytest.fixture
def address(study):
    return reverse("admin:experiments_experiment_outcomes_by_arm", args=[study.pk])


def test_the_page_first_says_what_is_behind_the_button(unblinded, address, answered):
    answer = unblinded.get(address)
    assert "Helped" not in answer.content.decode()
    assert "audit trail" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="outcomes_by_arm_viewed").exists()


def test_every_look_is_in_the_audit_trail(unblinded, address, answered, study):
    for reason in ("Monthly meeting", ""):
        answer = unblinded.post(address, {"reason": reason})
        assert answer.status_code == 200
        assert "Helped" in answer.content.decode()
        assert "no-store" in answer.headers["Cache-Control"]
    looks = AuditEvent.objects.filter(action="outcomes_by_arm_viewed").order_by("sequence")
    assert [json.loads(look.data) for look in looks] == [
        {"answers": 4, "reason": "Monthly meeting"},
        {"answers": 4, "reason": ""},
    ]
    assert {look.experiment_id for look in looks} == {study.pk}


def test_so_is_every_opening_of_single_answers(unblinded, answered, study, staff):
    given = Submission.objects.order_by("pk").first()
    address = reverse("admin:experiments_submission_change", args=[given.pk])
    assert client_of(staff(study, "coordinator")).get(address).status_code == 403
    assert not AuditEvent.objects.filter(action="answers_viewed").exists()
    assert "diagnosis" in unblinded.get(address).content.decode()
    look = AuditEvent.objects.get(action="answers_viewed")
    assert (look.target_id, look.experiment_id) == (str(given.pk), study.pk)


def test_no_outcome_is_shown_where_the_look_cannot_be_written_down(unblinded, address, answered, monkeypatch):
    def fails(**_):
        raise RuntimeError("no audit")

    monkeypatch.setattr("experiments.actions.looks.audit.record", fails)
    with pytest.raises(RuntimeError):
        unblinded.post(address)


def test_the_page_has_every_figure(unblinded, address, answered):
    page = unblinded.post(address).content.decode()
    assert "How likely?" in page
    assert "<title" in page
    assert "2 (67 %)" in page
    assert "style=" not in page.split('id="content-main"')[1]


def test_a_study_without_answers(unblinded, address):
    assert "Nothing is answered yet." in unblinded.post(address).content.decode()
