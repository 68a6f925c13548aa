"""Without the right to see outcomes by arm, nothing in an archive tells an arm."""

from __future__ import annotations

import json

import pytest

from augmed.foundation.errors import Forbidden
from augmed.foundation.models import Job
from experiments.actions import design
from experiments.actions.events import record_events
from experiments.actions.exports import export_path, request_export
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role
from experiments.models import Review
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, reviews_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def export(django_capture_on_commit_callbacks):
    """Ask for an export as this person and read what it gives."""

    def made(study, user, **options):
        with django_capture_on_commit_callbacks(execute=True):
            job = request_export(experiment=study, by=user, **options)
        job.refresh_from_db()
        assert job.status == Job.Status.SUCCEEDED, job.error
        return Opened(export_path(job))

    return made


def markers(study):
    """Everything whose appearance would tell what an arm is."""
    found = {"12 %", "Risk estimate", "advice", "Step 1", "Step 2"}
    for arm in study.arms.all():
        found |= {arm.key, arm.name}
    for review in Review.objects.filter(opening__isnull=False).select_related("opening__disclosure_set"):
        found |= {review.opening.disclosed_sha256, review.opening.disclosure_set.sha256}
    for protocol in study.protocol_versions.all():
        found |= {protocol.sha256}
    return {*found, study.seed}


@pytest.mark.parametrize("who", ["blinded", "lead"])
def test_masked_archives_hold_no_marker_of_an_arm(answered, export, request, who):
    exported = export(answered, request.getfixturevalue(who))
    text = exported.everything()
    for marker in markers(answered):
        assert marker not in text, marker
    assert exported.json("manifest.json")["filters"]["arms"] == "masked"
    assert exported.json("codebook.json")["arms"] == []
    line = exported.lines("reviews")[0]
    assert not {"arm", "stage_name", "marginal_probability", "conditional_probability", "disclosed_sha256"} & set(line)
    assert not {"arm", "run", "marginal_probability", "conditional_probability"} & set(exported.lines("assignments")[0])
    assert {"answer.risk", "correctness.risk", "age (shown)", "age (value)"} <= set(line)


def test_the_markers_are_there_for_who_may_see_arms(answered, export, analyst):
    text = export(answered, analyst).everything()
    for marker in markers(answered) - {answered.seed}:
        assert marker in text, marker
    assert answered.seed not in text


def test_no_later_stage_shows_that_an_arm_has_one(answered, export, blinded):
    assert Review.objects.filter(stage_position=2).exists()
    exported = export(answered, blinded)
    assert {line["stage"] for line in exported.lines("reviews")} == {1}
    per_case = [(line["pseudonym"], line["position"]) for line in exported.lines("reviews")]
    assert len(per_case) == len(set(per_case)) == 6
    seen = {line["review"] for line in exported.lines("reviews")}
    assert {line["review"] for line in exported.lines("events")} == seen


def test_times_are_days_so_that_pauses_tell_nothing(answered, export, blinded):
    exported = export(answered, blinded)
    for line in exported.lines("reviews"):
        assert len(line["opened_at"]) == len(line["submitted_at"]) == 10
        assert line["seconds_to_answer"] >= 0
    for line in exported.lines("events"):
        assert not {"server_at", "client_at", "sequence", "data"} & set(line)


def test_events_on_features_that_arms_differ_in_are_left_out(answered, export, blinded, other_clinician, analyst):
    for review in reviews_of(factories.make_enrolment(answered, other_clinician)):
        opened = open_review(public_id=review.public_id, by=other_clinician)
        for at, feature in enumerate(sorted({"advice", "age"} & opened.named), start=1):
            event = {"page_session": review.public_id, "sequence": at, "kind": "feature_opened", "feature": feature}
            record_events(public_id=review.public_id, events=[event], by=other_clinician)
        submit(public_id=review.public_id, answers={"diagnosis": "no", "risk": 1}, by=other_clinician)
    assert "advice" in {line["feature"] for line in export(answered, analyst).lines("events")}
    assert {line["feature"] for line in export(answered, blinded).lines("events")} == {None, "age"}


def test_a_completed_participant_looks_like_an_active_one(answered, export, blinded, analyst):
    assert {line["status"] for line in export(answered, analyst).lines("enrolments")} == {"completed"}
    assert {line["status"] for line in export(answered, blinded).lines("enrolments")} == {"active"}


def test_questions_that_only_some_arms_ask_are_left_out(lead, clinician, make_user, export):
    study = factories.make_study(by=lead, active=False, cases=3, arms={"Plain": [factories.show("age")]})
    own = factories.make_questionnaire(
        study,
        questions=[*factories.QUESTIONS, {"key": "trust", "type": "paragraph", "text": "Did you trust the advice?"}],
    )
    design.add_arm(
        experiment=study,
        name="Asked more",
        by=lead,
        stages=[{"name": "Only", "questionnaire": own.questionnaire, "cells": factories.show("age")}],
    )
    from experiments.actions.lifecycle import activate

    activate(experiment=study, by=lead, confirmed={"person_more_than_once", "later_stage_hides"})
    study.refresh_from_db()
    for review in reviews_of(factories.make_enrolment(study, clinician)):
        asked = {"diagnosis": "yes", "risk": 5}
        if review.assignment.arm.name == "Asked more":
            asked["trust"] = "very much"
        open_review(public_id=review.public_id, by=clinician)
        submit(public_id=review.public_id, answers=asked, by=clinician)
    blinded = make_user("b@example.org", is_staff=True)
    grant_role(user=blinded, experiment=study, role="blinded_analyst", by=None)
    exported = export(study, blinded)
    line = exported.lines("reviews")[0]
    assert {"answer.diagnosis", "answer.risk"} <= set(line)
    assert not {"answer.trust", "questionnaire", "questionnaire_version"} & set(line)
    assert "trust" not in exported.everything()
    assert exported.json("manifest.json")["filters"]["questions_left_out"] == 1


def test_arms_that_all_have_two_stages_keep_both(lead, clinician, make_user, export):
    stages = [factories.show("age"), factories.show("age", "lab")]
    study = factories.make_study(
        by=lead, cases=2, arms={"A": stages, "B": [stages[0], factories.show("age", "lab", "advice")]}
    )
    factories.make_enrolment(study, clinician)
    blinded = make_user("b@example.org", is_staff=True)
    grant_role(user=blinded, experiment=study, role="blinded_analyst", by=None)
    exported = export(study, blinded)
    assert sorted(line["stage"] for line in exported.lines("reviews")) == [1, 1, 2, 2]
    assert [feature["key"] for feature in exported.json("codebook.json")["features"]] == ["age"]


def test_no_address_without_the_right_and_the_wish(answered, export, analyst, administrator, clinician):
    for user in (analyst, administrator):
        assert "@example.org" not in export(answered, user).everything()
    exported = export(answered, administrator, identified=True)
    assert {line["email"] for line in exported.lines("reviews")} == {clinician.email}
    assert {line["email"] for line in exported.lines("enrolments")} == {clinician.email}
    with pytest.raises(Forbidden, match="e-mail"):
        request_export(experiment=answered, by=analyst, identified=True)


def test_who_may_not_export_is_refused(answered, make_user, stranger, clinician):
    coordinator = make_user("coordinator@example.org", is_staff=True)
    grant_role(user=coordinator, experiment=answered, role="coordinator", by=None)
    for user in (coordinator, stranger, clinician):
        with pytest.raises(Forbidden):
            request_export(experiment=answered, by=user)
    assert not Job.objects.exists()


def test_a_masked_archive_still_follows_its_own_schema(answered, export, blinded):
    import jsonschema

    exported = export(answered, blinded)
    for file in exported.json("codebook.json")["files"]:
        for line in exported.lines(file["name"]):
            jsonschema.validate(line, file["json_schema"])
    assert json.dumps(exported.json("codebook.json"))
