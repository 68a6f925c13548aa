"""verify_disclosure finds every way in which what was disclosed could no longer be what is recorded."""

from __future__ import annotations

import tracemalloc
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from augmed.foundation.append_only import erasing
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.testing import lift_guards, set_guards
from cases.actions import redact_snapshot
from cases.models import CaseSnapshot, LayoutNode, LayoutVersion
from experiments.actions.erasure import erase_enrolment
from experiments.actions.reviews import open_review, submit
from experiments.models import (
    Answer,
    DisclosureSet,
    ProtocolVersion,
    Question,
    QuestionnaireVersion,
    ReviewOpening,
    Submission,
)
from experiments.reviewing.own_reviews import own_reviews
from experiments.tests import factories
from experiments.tests.opening.helpers import configs_study
from experiments.verification import disclosure as verification_disclosure
from experiments.verification.disclosure import verify_disclosure


@pytest.fixture
def opened(study, enrolled, clinician):
    """All first stages opened: four."""
    reviews = list(own_reviews(clinician).filter(stage_position=1))
    for review in reviews:
        open_review(public_id=review.public_id, by=clinician)
    return reviews


def change(model, pk, **fields):
    with erasing():
        model.objects.filter(pk=pk).update(**fields)


def test_all_openings_of_a_study_hold(study, opened):
    totals = verify_disclosure(study)
    assert (totals.openings, totals.verified, totals.different, totals.redacted) == (4, 4, 0, 0)
    out = StringIO()
    call_command("verify_disclosure", study.name, stdout=out)
    assert "4 opened reviews: 4 disclosed again and the same, 0 different" in out.getvalue()


def test_supplied_values_are_verified_too(layout_version, clinician):
    review, _ = configs_study(layout_version, clinician)
    open_review(public_id=review.public_id, by=clinician)
    assert verify_disclosure(review.assignment.enrolment.experiment).verified == 1


def test_another_studys_openings_are_not_looked_at(study, opened, lead):
    assert verify_disclosure(factories.make_study(by=lead)).openings == 0


def test_a_changed_hash_is_found_and_the_command_fails(study, opened):
    change(ReviewOpening, opened[2].pk, disclosed_sha256="f" * 64)
    errors = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("verify_disclosure", study.code, stderr=errors, stdout=StringIO())
    assert failed.value.returncode == 1
    assert str(opened[2].public_id) in errors.getvalue()
    assert errors.getvalue().count("Review ") == 1


def test_a_changed_snapshot_is_found_even_when_its_hash_was_changed_too(study, opened):
    snapshot = ReviewOpening.objects.get(review=opened[0]).snapshot
    content = snapshot.content.replace("13.2", "11.2")
    change(CaseSnapshot, snapshot.pk, content=content)
    assert "own hash" in verify_disclosure(study).discrepancies[0].reason
    change(CaseSnapshot, snapshot.pk, sha256=sha256_hex(content))
    found = verify_disclosure(study)
    assert (found.verified, found.different) == (3, 1)
    assert "not what the opening recorded" in found.discrepancies[0].reason


def test_a_changed_disclosure_set_is_found(study, opened):
    chosen = ReviewOpening.objects.get(review=opened[0]).disclosure_set
    bound = ReviewOpening.objects.filter(disclosure_set=chosen).count()
    change(DisclosureSet, chosen.pk, content='{"schema_version":1,"shows":[],"supplies":[]}')
    assert verify_disclosure(study).different == bound
    change(DisclosureSet, chosen.pk, content="{}", sha256=sha256_hex("{}"))
    assert "cannot be disclosed" in verify_disclosure(study).discrepancies[0].reason


def test_an_opening_moved_to_another_cases_snapshot_is_found(study, opened):
    other = ReviewOpening.objects.get(review=opened[1]).snapshot_id
    change(ReviewOpening, opened[0].pk, snapshot_id=other)
    assert [found.reason for found in verify_disclosure(study).discrepancies] == ["the snapshot is of another case"]


def test_another_engine_is_named(study, opened):
    change(ReviewOpening, opened[0].pk, engine_version="0", disclosed_sha256="f" * 64)
    assert "engine 0" in verify_disclosure(study).discrepancies[0].reason


def test_redacted_and_erased_are_counted_apart(study, opened, enrolled, owner):
    redact_snapshot(snapshot=ReviewOpening.objects.get(review=opened[0]).snapshot, reason="asked for", by=owner)
    erase_enrolment(enrolment=enrolled, by=owner, reason="asked for")
    totals = verify_disclosure(study)
    assert (totals.openings, totals.verified, totals.redacted, totals.erased, totals.different) == (4, 3, 1, 3, 0)


def test_a_redaction_that_nobody_recorded_is_found(study, opened):
    pk = ReviewOpening.objects.get(review=opened[0]).snapshot_id
    change(CaseSnapshot, pk, content="", sources="", redacted_at=timezone.now())
    totals = verify_disclosure(study)
    assert (totals.redacted, totals.different) == (0, 1)
    assert "audit trail does not bear out" in totals.discrepancies[0].reason


@pytest.fixture
def answered(opened, clinician):
    for review in opened:
        submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": 20}, by=clinician)
    return opened


def test_answers_hold_and_a_changed_one_is_found(study, answered):
    totals = verify_disclosure(study)
    assert (totals.answered, totals.answers_different, totals.holds) == (4, 0, True)
    change(Answer, Answer.objects.get(submission=answered[1].pk, question_key="risk").pk, value='"80"')
    totals = verify_disclosure(study)
    assert (totals.answers_different, totals.holds) == (1, False)
    assert [found.public_id for found in totals.discrepancies] == [answered[1].public_id]
    with pytest.raises(CommandError) as failed:
        call_command("verify_disclosure", study.code, stderr=StringIO(), stdout=StringIO())
    assert failed.value.returncode == 1


def test_an_erasure_that_nobody_recorded_is_found(study, answered, enrolled, owner):
    with erasing():
        Answer.objects.filter(submission=answered[0].pk).update(value="")
        Submission.objects.filter(pk=answered[0].pk).update(erased_at=timezone.now())
    assert "does not know" in verify_disclosure(study).discrepancies[0].reason
    erase_enrolment(enrolment=enrolled, by=owner, reason="asked for")
    totals = verify_disclosure(study)
    assert (totals.answers_erased, totals.holds) == (4, True)


def test_questions_that_are_not_those_of_the_protocol_are_found(study):
    protocol = ProtocolVersion.objects.get(experiment=study)
    assert "questions_sha256" in protocol.content
    assert verify_disclosure(study).holds
    lift_guards()
    Question.objects.filter(key="risk").update(text="Another question")
    set_guards()
    assert "not those it froze" in verify_disclosure(study).question_problems[0]


@pytest.mark.parametrize("model", [Question, LayoutNode])
def test_rows_of_a_frozen_version_stand_still(study, model):
    row = model.objects.filter(version__frozen_at__isnull=False).first()
    copy = model.objects.get(pk=row.pk)
    copy.pk, copy.key, copy.position = None, "another", 999
    copy._state.adding = True
    for change_it in (
        lambda: model.objects.filter(pk=row.pk).update(key="other"),
        lambda: model.objects.filter(pk=row.pk)._raw_delete("default"),
        copy.save,
    ):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            change_it()


@pytest.mark.parametrize("model", [QuestionnaireVersion, LayoutVersion])
def test_what_is_frozen_is_not_thawed_nor_deleted(study, model):
    frozen = model.objects.filter(frozen_at__isnull=False)
    for change_it in (
        lambda: frozen.update(frozen_at=None),
        lambda: frozen.update(frozen_at=timezone.now()),
        lambda: frozen._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            change_it()


def test_an_unknown_study_is_named(db):
    with pytest.raises(CommandError, match="no study 'Nowhere'") as failed:
        call_command("verify_disclosure", "Nowhere")
    assert failed.value.returncode == 2


def test_memory_and_statements_do_not_grow_with_the_openings(study, monkeypatch):
    monkeypatch.setattr(verification_disclosure, "CHUNK", 4)
    used = []
    for _ in range(3):
        for _ in range(4):
            reader = factories.make_participant()
            factories.make_enrolment(study, reader)
            for review in own_reviews(reader).filter(stage_position=1):
                open_review(public_id=review.public_id, by=reader)
        verify_disclosure(study)
        tracemalloc.start()
        with CaptureQueriesContext(connection) as captured:
            totals = verify_disclosure(study)
            assert len(captured) <= 2 * (totals.openings // 4 + 1) + 6
        used.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert totals.verified == totals.openings
    assert used[-1] < used[0] + 300_000
