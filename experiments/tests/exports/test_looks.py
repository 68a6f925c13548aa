"""The tables of process tracing in an archive, and that nothing of them is in a masked one."""

from __future__ import annotations

import uuid

import pytest

from experiments.actions.design import update_stage
from experiments.actions.enrolment import withdraw
from experiments.actions.erasure import erase_enrolment
from experiments.actions.events import record_events
from experiments.actions.exports import export_to_folder
from experiments.actions.lifecycle import activate
from experiments.actions.reviews import open_review
from experiments.exports.blinding import visible
from experiments.exports.scope import Rights
from experiments.models import Review, Stage
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened

pytestmark = pytest.mark.django_db
PAGE = uuid.UUID(int=7)
BLINDED = Rights(by_arm=False, references=False, identified=False)


def export(study, folder):
    export_to_folder(experiment=study, folder=folder)
    return Opened(folder / f"{study.code}.zip")


@pytest.fixture
def read(study, clinician):
    """The clinician's first review, looked at and begun to be answered."""
    factories.make_enrolment(study, clinician)
    review = Review.objects.owned_by(clinician).in_order().first()
    open_review(public_id=review.public_id, by=clinician)
    told = [
        (1, "case_opened", {}, {"active": 0}),
        (2, "feature_shown", {"feature": "age"}, {"active": 900}),
        (4, "feature_visible", {"feature": "age"}, {"active": 4000, "ms": 3100, "visit": 1}),
        (5, "question_changed", {"question_key": "risk"}, {"active": 5000}),
    ]
    events = [{"page_session": PAGE, "sequence": at, "kind": kind, "data": data, **of} for at, kind, of, data in told]
    record_events(public_id=review.public_id, events=events, by=clinician)
    return review


def test_an_archive_tells_what_was_looked_at(study, read, tmp_path):
    archive = export(study, tmp_path)
    (look,) = archive.lines("looks")
    assert (look["review"], look["feature"], look["shown"]) == (read.public_id.hex, "age", True)
    assert (look["visible_seconds"], look["visits"], look["order"]) == (3.1, 1, 1)
    assert (look["first_look_seconds"], look["revealed_seconds"], look["cost"]) == (0.9, None, None)
    (change,) = archive.lines("changes")
    assert (change["question_key"], change["changes"], change["first_change_seconds"]) == ("risk", 1, 5.0)
    (page,) = archive.lines("pages")
    assert (page["page_session"], page["active_seconds"], page["lost_events"]) == (PAGE.hex, 5.0, 1)
    assert {"looks", "changes", "pages"} <= {file["name"] for file in archive.json("codebook.json")["files"]}


def test_of_an_erased_reading_nothing_is_told(study, read, clinician, lead, tmp_path):
    enrolment = read.assignment.enrolment
    withdraw(enrolment=enrolment, by=clinician, reason="x")
    erase_enrolment(enrolment=enrolment, by=lead, reason="asked for")
    archive = export(study, tmp_path)
    assert [archive.lines(name) for name in ("looks", "changes", "pages")] == [[], [], []]


@pytest.mark.parametrize("hides", [{"without-advice"}, {"without-advice", "with-advice", "advice-afterwards"}])
def test_masked_rows_tell_of_features_only_where_all_arms_hide_alike(draft, lead, hides):
    for stage in Stage.objects.filter(arm__experiment=draft, arm__key__in=hides, position=1):
        update_stage(stage=stage, by=lead, hidden_until_asked=True)
    confirmed = {"person_more_than_once", "later_stage_hides", "hides_what_was_shown"}
    activate(experiment=draft, by=lead, confirmed=confirmed)
    draft.refresh_from_db()
    assert visible(draft, BLINDED).feature_events is (len(hides) == 3)
