"""The study's setting for those who withdraw acts in its exports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.actions import redact_snapshot
from experiments.actions.enrolment import withdraw
from experiments.actions.erasure import erase_enrolment
from experiments.actions.exports import export_to_folder
from experiments.actions.reviews import open_review
from experiments.models import Experiment, Review
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, answer, reviews_of

pytestmark = pytest.mark.django_db

Policy = Experiment.WithdrawalPolicy


def export(study, folder):
    study.refresh_from_db()
    export_to_folder(experiment=study, folder=folder)
    return Opened(folder / f"{study.code}.zip")


def one_answered_of_two(lead, clinician, policy):
    arms = {"Only": [factories.show("age")]}
    study = factories.make_study(by=lead, cases=2, arms=arms, withdrawal_policy=policy)
    enrolment = factories.make_enrolment(study, clinician)
    first, second = reviews_of(enrolment)
    answer(first, remarks="said before")
    return study, enrolment, second


def test_keep_keeps_everything(lead, clinician, tmp_path):
    study, enrolment, _ = one_answered_of_two(lead, clinician, Policy.KEEP)
    withdraw(enrolment=enrolment, by=lead, reason="Asked to.", at=timezone.now() - timedelta(days=1), document="v1")
    exported = export(study, tmp_path)
    assert [line["answer.remarks"] for line in exported.lines("reviews")] == ["said before", None]
    assert exported.lines("enrolments")[0]["status"] == "withdrawn"
    assert len(exported.lines("events")) == 2


def test_keep_to_date_leaves_out_what_came_after(lead, clinician, tmp_path):
    study, enrolment, second = one_answered_of_two(lead, clinician, Policy.KEEP_TO_DATE)
    said = timezone.now()
    open_review(public_id=second.public_id, by=clinician)  # before anybody wrote the withdrawal down
    withdraw(enrolment=enrolment, by=lead, reason="Said so on paper.", at=said, document="v1")
    exported = export(study, tmp_path)
    lines = exported.lines("reviews")
    assert [line["answer.remarks"] for line in lines] == ["said before", None]
    assert [line["opened_at"] is None for line in lines] == [False, True]
    for name in ("snapshot_sha256", "disclosed_sha256", "age (shown)", "protocol_version", "engine_version"):
        assert lines[0][name] is not None
        assert lines[1][name] is None
    assert {line["review"] for line in exported.lines("events")} == {lines[0]["review"]}
    assert exported.lines("enrolments")[0]["withdrawn_at"] == said.isoformat(timespec="milliseconds")


def test_an_opened_review_answered_too_late_counts_as_not_answered(lead, clinician, tmp_path):
    study, enrolment, second = one_answered_of_two(lead, clinician, Policy.KEEP_TO_DATE)
    open_review(public_id=second.public_id, by=clinician)
    said = timezone.now()
    answer(second, remarks="said after")
    from experiments.models import Enrolment, EnrolmentEvent

    # Whoever has completed can still withdraw what came after a day.
    withdraw(enrolment=enrolment, by=lead, reason="Said so on paper.", at=said, document="v1")
    assert Enrolment.objects.get().status == "withdrawn"
    assert EnrolmentEvent.objects.filter(status="withdrawn").exists()
    exported = export(study, tmp_path)
    late = exported.lines("reviews")[1]
    assert late["opened_at"] is not None
    assert late["submitted_at"] is late["answer.remarks"] is late["correctness.diagnosis"] is None
    assert "said after" not in exported.everything()


def test_exclude_leaves_the_person_out_everywhere(lead, clinician, other_clinician, tmp_path):
    study, enrolment, _ = one_answered_of_two(lead, clinician, Policy.EXCLUDE)
    stays = factories.make_enrolment(study, other_clinician)
    withdraw(enrolment=enrolment, by=lead, reason="Asked to.")
    exported = export(study, tmp_path)
    assert enrolment.pseudonym not in exported.everything()
    assert {line["pseudonym"] for line in exported.lines("assignments")} == {stays.pseudonym}
    assert exported.json("manifest.json")["filters"]["withdrawn_left_out"] == 1


@pytest.mark.parametrize("how", ["policy", "action"])
def test_erased_answers_are_gone_and_what_happened_stays(lead, clinician, tmp_path, how):
    study, enrolment, _ = one_answered_of_two(lead, clinician, Policy.ERASE if how == "policy" else Policy.KEEP)
    act = withdraw if how == "policy" else erase_enrolment
    act(enrolment=enrolment, by=lead, reason="Asked to.")
    exported = export(study, tmp_path)
    line = exported.lines("reviews")[0]
    assert line["submitted_at"] is not None
    assert line["answer.diagnosis"] is line["answer.remarks"] is line["correctness.diagnosis"] is None
    assert "said before" not in exported.everything()
    assert exported.lines("enrolments")[0]["erased_at"] is not None


def test_a_redacted_case_leaves_hash_and_answers_but_no_values(answered, tmp_path):
    opening = Review.objects.first().opening
    redact_snapshot(snapshot=opening.snapshot, reason="A name was in it.", by=None)
    exported = export(answered, tmp_path)
    redacted = [line for line in exported.lines("reviews") if line["snapshot_sha256"] == opening.snapshot.sha256]
    assert redacted
    for line in redacted:
        assert line["age (shown)"] is line["age (value)"] is None
        assert line["answer.diagnosis"] == "yes"
    others = [line for line in exported.lines("reviews") if line not in redacted]
    assert all(line["age (shown)"] for line in others)
