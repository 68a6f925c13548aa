"""What the tests of opening a review share."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.disclosure import Show, Supply
from experiments.actions.disclosure_sets import disclosure_set_for
from experiments.actions.lifecycle import amend
from experiments.models import (
    Arm,
    Assignment,
    AssignmentDisclosure,
    Enrolment,
    Experiment,
    Review,
)
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories


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


def two_stage(study, clinician, days=0):
    Arm.objects.get(experiment=study).stages.filter(position=2).update(not_before_days=days)
    amend(experiment=study, by=None, reason="timing", confirmed={"person_more_than_once", "later_stage_hides"})
    enrolment = factories.make_enrolment(study, clinician)
    return list(Assignment.objects.filter(enrolment=enrolment).first().reviews.order_by("stage_position"))
