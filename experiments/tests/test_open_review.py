"""Opening a review: who may, when, and what is bound once and for ever."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from augmed.foundation.append_only import erasing
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, NotFound
from cases.disclosure import ENGINE_VERSION, Show, Supply
from cases.models import LayoutNode
from cases.tree import Tree
from experiments.actions.disclosure_sets import disclosure_set_for
from experiments.actions.lifecycle import amend, complete, pause, resume
from experiments.actions.reviews import open_review, read_review, submit
from experiments.models import (
    Arm,
    Assignment,
    AssignmentDisclosure,
    Enrolment,
    Experiment,
    Review,
    ReviewEvent,
    ReviewOpening,
)
from experiments.reviewing.disclosed_text import kept
from experiments.reviewing.next_case import next_case
from experiments.reviewing.reading import own_reviews
from experiments.tests import factories

ANSWERS = {"diagnosis": "yes", "risk": 20}


@pytest.fixture(autouse=True)
def _nothing_in_memory():
    kept.clear()


def statements(action):
    """The SELECT, INSERT, UPDATE and DELETE statements that it sends."""
    with CaptureQueriesContext(connection) as captured:
        action()
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    return [query["sql"] for query in captured if query["sql"].lstrip("( ").startswith(verbs)]


def first(enrolment) -> Review:
    return own_reviews(enrolment.user).filter(assignment__enrolment=enrolment, stage_position=1).first()


def configs_study(layout_version, clinician, *, case=None, version=None):
    """What a display-config CSV makes: one assignment without arm, with a set that supplies a value."""
    experiment = Experiment.objects.create(
        name="Display configs", kind="configs", status="active", layout=layout_version.layout
    )
    version = version or factories.make_questionnaire(experiment)
    case = case or factories.make_case(layout_version=layout_version)
    enrolment = Enrolment.objects.create(experiment=experiment, user=clinician, status="active", arrival=1)
    assignment = Assignment.objects.create(enrolment=enrolment, case=case, position=1, drawn_by="csv")
    review = Review.objects.create(assignment=assignment)
    disclose_to(assignment, [Show("age"), Supply("risk", "10-year risk", "12 %")])
    return review, version


def disclose_to(assignment, entries):
    supplies = any(isinstance(entry, Supply) for entry in entries)
    found = disclosure_set_for(entries, assignment.case if supplies else None)
    return AssignmentDisclosure.objects.create(assignment=assignment, disclosure_set=found)


def test_opening_binds_and_stamps_once(study, enrolled, clinician):
    review = first(enrolled)
    opened = open_review(public_id=review.public_id, by=clinician)
    opening = ReviewOpening.objects.get(review=review)
    assert opening.protocol == study.protocol
    assert opening.snapshot.case_id == review.assignment.case_id
    assert opening.engine_version == ENGINE_VERSION
    assert opening.disclosed_sha256 == sha256_hex(opened.disclosed)
    assert opened.opened_at == opening.opened_at
    again = open_review(public_id=review.public_id.hex, by=clinician)
    assert again == opened
    assert ReviewOpening.objects.count() == 1
    assert ReviewEvent.objects.filter(review=review, kind="opened").count() == 1


def test_only_what_the_arm_shows_is_served(study, enrolled, clinician):
    seen = {}
    for review in own_reviews(clinician).filter(stage_position=1):
        opened = open_review(public_id=review.public_id, by=clinician)
        seen[review.assignment.arm.key] = opened
        assert opened.case_number == review.assignment.case.number
    for arm, opened in seen.items():
        assert ("Risk estimate" in opened.disclosed) == (arm == "with-advice")
        assert ("Advice" in opened.disclosed) == (arm == "with-advice")  # headings included
        assert {"age", "lab|c:3000963", "patient"} <= opened.named


def test_somebody_elses_review_looks_like_none(study, enrolled, other_clinician, owner, administrator):
    review = first(enrolled)
    for person in (other_clinician, owner, administrator):
        with pytest.raises(NotFound):
            open_review(public_id=review.public_id, by=person)
        with pytest.raises(NotFound):
            read_review(public_id=review.public_id, by=person)
    assert not ReviewOpening.objects.exists()


@pytest.mark.parametrize("identifier", ["", "7", "no-such", "0" * 32, None, 12])
def test_an_odd_id_is_none(enrolled, clinician, identifier):
    with pytest.raises(NotFound):
        open_review(public_id=identifier, by=clinician)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("draft", "study_not_begun"),
        ("paused", "study_paused"),
        ("completed", "study_closed"),
        ("archived", "study_closed"),
    ],
)
def test_a_study_that_does_not_run_opens_nothing(study, enrolled, clinician, status, code):
    Experiment.objects.filter(pk=study.pk).update(status=status)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=first(enrolled).public_id, by=clinician)
    assert refused.value.code == code
    assert not ReviewOpening.objects.exists()


@pytest.mark.parametrize(
    ("status", "code"),
    [("awaiting_consent", "consent_needed"), ("withdrawn", "not_taking_part"), ("declined", "not_taking_part")],
)
def test_only_an_active_participant_opens(study, enrolled, clinician, status, code):
    Enrolment.objects.filter(pk=enrolled.pk).update(status=status)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=first(enrolled).public_id, by=clinician)
    assert refused.value.code == code


def test_what_was_opened_stays_readable_while_the_study_is_paused_and_not_when_it_is_over(
    study, enrolled, clinician, owner
):
    review = first(enrolled)
    opened = open_review(public_id=review.public_id, by=clinician)
    pause(experiment=study, by=owner, reason="holidays")
    assert read_review(public_id=review.public_id, by=clinician) == opened
    assert open_review(public_id=review.public_id, by=clinician) == opened
    resume(experiment=study, by=owner, reason="back")
    submit(public_id=review.public_id, answers=ANSWERS, by=clinician)
    answered = read_review(public_id=review.public_id, by=clinician)
    assert answered.submitted_at
    assert answered.disclosed == opened.disclosed
    complete(experiment=study, by=owner, reason="done")
    with pytest.raises(Conflict) as refused:
        read_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "study_closed"


def test_reading_before_opening_is_refused(enrolled, clinician):
    with pytest.raises(Conflict) as refused:
        read_review(public_id=first(enrolled).public_id, by=clinician)
    assert refused.value.code == "not_opened"


def test_before_its_time_a_review_says_when_it_opens(study, clinician):
    enrolment = factories.make_enrolment(study, clinician)
    assignment = Assignment.objects.filter(enrolment=enrolment).first()
    later = timezone.now() + timedelta(hours=3)
    with erasing():
        Assignment.objects.filter(pk=assignment.pk).update(available_from=later)
    review = assignment.reviews.get(stage_position=1)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "not_yet_open"
    assert refused.value.errors == {"opens_at": [later.isoformat()]}
    assert own_reviews(clinician).get(pk=review.pk).status == "locked"


def two_stage(study, clinician, days=0):
    Arm.objects.get(experiment=study).stages.filter(position=2).update(not_before_days=days)
    amend(experiment=study, by=None, reason="timing", confirmed={"person_more_than_once", "later_stage_hides"})
    enrolment = factories.make_enrolment(study, clinician)
    return list(Assignment.objects.filter(enrolment=enrolment).first().reviews.order_by("stage_position"))


def test_the_second_stage_waits_for_the_first_answer(two_stage_study, clinician):
    one, two = two_stage(two_stage_study, clinician)
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            open_review(public_id=two.public_id, by=clinician)
        assert refused.value.code == "earlier_stage_unanswered"
        assert not own_reviews(clinician).filter(pk=two.pk).exists()
        open_review(public_id=one.public_id, by=clinician)
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    assert own_reviews(clinician).get(pk=two.pk).status == "next"
    opened = open_review(public_id=two.public_id, by=clinician)
    assert opened.stage_position == 2
    assert "Risk estimate" in opened.disclosed
    assert opened == read_review(public_id=two.public_id, by=clinician)


def test_days_between_stages_are_waited_for(two_stage_study, clinician, monkeypatch):
    one, two = two_stage(two_stage_study, clinician, days=3)
    open_review(public_id=one.public_id, by=clinician)
    answered_at = submit(public_id=one.public_id, answers=ANSWERS, by=clinician).submission.submitted_at
    with pytest.raises(Conflict) as refused:
        open_review(public_id=two.public_id, by=clinician)
    assert refused.value.code == "not_yet_open"
    assert refused.value.errors == {"opens_at": [(answered_at + timedelta(days=3)).isoformat()]}
    assert own_reviews(clinician).get(pk=two.pk).status == "locked"
    assert two not in Review.objects.pending_for(clinician)
    monkeypatch.setattr(timezone, "now", lambda: answered_at + timedelta(days=3, seconds=1))
    assert own_reviews(clinician).get(pk=two.pk).status == "next"
    assert two in Review.objects.pending_for(clinician)
    assert open_review(public_id=two.public_id, by=clinician).stage_position == 2


def test_an_amendment_reaches_what_is_not_opened_and_nothing_else(two_stage_study, clinician, owner):
    one, two = two_stage(two_stage_study, clinician)
    opened = open_review(public_id=one.public_id, by=clinician)
    before = ReviewOpening.objects.get(review=one).protocol
    stages = Arm.objects.get(experiment=two_stage_study).stages
    stages.update(cells=factories.show("age"))
    for stage in stages.all():
        stage.save()
    amend(
        experiment=two_stage_study,
        by=owner,
        reason="no laboratory values",
        confirmed={"person_more_than_once", "later_stage_hides"},
    )
    kept.clear()
    assert read_review(public_id=one.public_id, by=clinician).disclosed == opened.disclosed
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    second = open_review(public_id=two.public_id, by=clinician)
    assert ReviewOpening.objects.get(review=two).protocol == before  # its first stage was opened under it
    assert "Hemoglobin" in second.disclosed
    other = Review.objects.filter(assignment__enrolment__user=clinician, assignment__position=2, stage_position=1).get()
    fresh = open_review(public_id=other.public_id, by=clinician)
    assert ReviewOpening.objects.get(review=other).protocol != before
    assert "Hemoglobin" not in fresh.disclosed


def test_a_newer_snapshot_reaches_only_cases_of_which_no_stage_is_opened(two_stage_study, clinician):
    one, two = two_stage(two_stage_study, clinician)
    opened = open_review(public_id=one.public_id, by=clinician)
    version = two_stage_study.protocol.layout_version
    factories.add_snapshot(one.assignment.case, factories.make_tree(age=99), version, number=2)
    kept.clear()
    assert open_review(public_id=one.public_id, by=clinician).disclosed == opened.disclosed
    submit(public_id=one.public_id, answers=ANSWERS, by=clinician)
    open_review(public_id=two.public_id, by=clinician)
    assert ReviewOpening.objects.get(review=two).snapshot.number == 1  # both readings are of one chart
    other = Review.objects.filter(assignment__enrolment__user=clinician, assignment__position=2, stage_position=1).get()
    factories.add_snapshot(other.assignment.case, factories.make_tree(age=99), version, number=2)
    assert '"99"' in open_review(public_id=other.public_id, by=clinician).disclosed


def test_a_redacted_case_is_neither_opened_nor_read(study, enrolled, clinician):
    from cases.models import CaseSnapshot

    reviews = list(own_reviews(clinician).filter(stage_position=1)[:2])
    open_review(public_id=reviews[0].public_id, by=clinician)
    with erasing():
        CaseSnapshot.objects.all().update(content="", sources="", redacted_at=timezone.now())
    for review in reviews:
        with pytest.raises(Conflict) as refused:
            open_review(public_id=review.public_id, by=clinician)
        assert refused.value.code == "redacted"


def test_what_cannot_be_shown_as_it_was_is_not_shown(study, enrolled, clinician):
    review = first(enrolled)
    open_review(public_id=review.public_id, by=clinician)
    with erasing():
        ReviewOpening.objects.filter(pk=review.pk).update(disclosed_sha256="0" * 64)
    kept.clear()
    with pytest.raises(Conflict) as refused:
        read_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "not_reproducible"


def test_a_display_config_binds_the_newest_of_everything_and_freezes_the_questionnaire(layout_version, clinician):
    review, version = configs_study(layout_version, clinician)
    disclose_to(review.assignment, [Show("age"), Supply("risk", "10-year risk", "34 %")])
    opened = open_review(public_id=review.public_id, by=clinician)
    assert "34 %" in opened.disclosed
    assert "12 %" not in opened.disclosed
    tree = json.loads(opened.disclosed)
    assert [section["label"] for section in tree["sections"]] == ["Patient", "Advice"]
    assert opened.questionnaire_version == version.public_id
    version.refresh_from_db()
    assert version.frozen_at
    disclose_to(review.assignment, [Show("age"), Supply("risk", "10-year risk", "99 %")])
    kept.clear()
    assert open_review(public_id=review.public_id, by=clinician) == opened


def test_a_display_config_without_questionnaire_or_snapshot_says_so(layout_version, clinician):
    review, version = configs_study(layout_version, clinician, case=factories.make_case())
    with pytest.raises(Conflict, match="not prepared"):
        open_review(public_id=review.public_id, by=clinician)
    factories.add_snapshot(review.assignment.case, factories.make_tree(), layout_version)
    version.questions.all().delete()
    with pytest.raises(Conflict) as refused:
        open_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "no_questionnaire"


def test_a_display_config_takes_the_newest_layout_version_that_has_a_snapshot(layout_version, clinician):
    from cases.models import LayoutVersion

    review, _ = configs_study(layout_version, clinician)
    for number in (2, 3):
        newer = LayoutVersion.objects.create(layout=layout_version.layout, number=number)
        for node in LayoutNode.objects.filter(version=layout_version, parent=None):
            LayoutNode.objects.create(
                version=newer, key=node.key, label=f"{node.label} v{number}", level="section", position=node.position
            )
        section = LayoutNode.objects.get(version=newer, key="advice-section")
        LayoutNode.objects.create(
            version=newer,
            key="risk",
            label="Risk",
            level="feature",
            parent=section,
            position=9,
            role="advice",
            takes_supplied_values=True,
        )
        if number == 2:
            factories.add_snapshot(review.assignment.case, factories.make_tree(age=77), newer)
    disclosed = open_review(public_id=review.public_id, by=clinician).disclosed
    assert '"77"' in disclosed
    assert "Advice v2" in disclosed


def big_tree(features: int) -> Tree:
    labs = {3_000_000 + n: (f"Value {n}", str(n)) for n in range(features)}
    return factories.make_tree(labs=labs)


@pytest.mark.parametrize("size", [1, 1000])
def test_statements_do_not_depend_on_features_cases_and_reviews(lead, clinician, size):
    version = factories.make_layout()
    cases = [factories.make_case(layout_version=version, tree=big_tree(size))]
    study = factories.make_study(by=lead, cases=cases, layout_version=version, name="sized", active=True)
    enrolment = factories.make_enrolment(study, clinician)
    for number in range(size - 1):  # the same reader's other cases, reviews and events
        other = Assignment.objects.create(
            enrolment=enrolment, case=factories.make_case(), position=number + 10, drawn_by="staff"
        )
        review = Review.objects.create(assignment=other)
        ReviewEvent.objects.create(review=review, kind="focus", by=clinician)
    review = first(enrolment)
    assert len(statements(lambda: list(own_reviews(clinician)))) == 1
    assert len(statements(lambda: list(Review.objects.pending_for(clinician)[:1]))) == 1
    assert len(statements(lambda: open_review(public_id=review.public_id, by=clinician))) <= 5
    assert len(statements(lambda: open_review(public_id=review.public_id, by=clinician))) == 1
    kept.clear()
    assert len(statements(lambda: read_review(public_id=review.public_id, by=clinician))) == 2
    sent = statements(lambda: submit(public_id=review.public_id, answers=ANSWERS, by=clinician))
    assert len(sent) <= 8, sent


def test_the_first_display_config_opened_with_supplied_values_needs_no_more(layout_version, clinician):
    review, _ = configs_study(layout_version, clinician)
    sent = statements(lambda: open_review(public_id=review.public_id, by=clinician))
    assert len(sent) <= 5, sent


@pytest.mark.parametrize("of_its_own", [False, True])
def test_a_reading_by_csv_in_an_arm_needs_no_more(lead, clinician, of_its_own):
    case = factories.make_case(layout_version=(version := factories.make_layout()))
    arms = {"Only": [factories.show("age")]}
    study = factories.make_study(by=lead, cases=[case], arms=arms, layout_version=version)
    assignment = Assignment.objects.create(
        enrolment=Enrolment.objects.create(experiment=study, user=clinician, status="active", arrival=1),
        case=case,
        arm=study.arms.get(),
        position=1,
        drawn_by="csv",
    )
    review = Review.objects.create(assignment=assignment)
    if of_its_own:
        disclose_to(assignment, [Show("age"), Supply("risk", "10-year risk", "12 %")])
    assert len(statements(lambda: next_case(clinician))) == 2
    sent = statements(lambda: open_review(public_id=review.public_id, by=clinician))
    assert len(sent) <= 5, sent
    opening = ReviewOpening.objects.get()
    said_by = assignment.disclosures if of_its_own else study.protocol.stages
    assert opening.disclosure_set == said_by.get().disclosure_set
