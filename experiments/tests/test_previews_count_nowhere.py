"""Whatever is read in previews and in training changes no export, no count, no list and no draw by a byte."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Max
from django.urls import reverse

from experiments.actions.attention_checks import set_attention_check
from experiments.actions.design import update_stage
from experiments.actions.disclosure_sets import set_cells
from experiments.actions.enrolment import enrol
from experiments.actions.events import record_events
from experiments.actions.exports import export_to_folder
from experiments.actions.lifecycle import activate
from experiments.actions.previews import preview_as_arm, preview_as_participant
from experiments.actions.reviews import open_review, submit
from experiments.attention import CHECK_KEY
from experiments.exports.blinding import visible
from experiments.exports.scope import Rights
from experiments.exports.writing import Profile
from experiments.models import AllocationRun, Assignment, Enrolment, Review, Submission
from experiments.reviewing.attention_results import results_by_enrolment
from experiments.reviewing.previewing import next_of_preview
from experiments.reviewing.progress import counts_by, enrolments_by_status, real_assignments, totals
from experiments.reviewing.reading import asked_of
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened
from experiments.verification.allocation import verify_allocation
from experiments.verification.disclosure import verify_disclosure

pytestmark = pytest.mark.django_db

SENTINEL = "only in a preview"
PAGES = (
    "progress",
    "progress_participants",
    "progress_cases",
    "stalled",
    "reminders",
    "outcomes_by_arm",
    "attention_check",
)
FEEDS = ("answers", "display-configs", "analytics", "participants")


@pytest.fixture
def running(lead: Any, clinician: Any, administrator: Any) -> Any:
    """A study with an attention check at every case; the clinician has answered what is first."""
    study = factories.make_study(by=lead, active=False, cases=6)
    set_attention_check(experiment=study, every=1, by=lead)
    activate(experiment=study, by=lead, confirmed={"person_more_than_once", "later_stage_hides"})
    study.refresh_from_db()
    enrolment = factories.make_enrolment(study, clinician)
    for review in Review.objects.filter(assignment__enrolment=enrolment, assignment__position__lte=3).in_order():
        read(review.public_id, clinician, "a remark")
    return study


def read(public_id: Any, by: Any, remarks: str) -> None:
    """Open, leave a trace, answer."""
    opened = open_review(public_id=public_id, by=by)
    event = {"page_session": uuid.uuid4(), "sequence": 1, "kind": "feature_opened", "feature": "age"}
    record_events(public_id=public_id, events=[event], by=by)
    answers = {"diagnosis": "yes", "risk": 20, "remarks": remarks}
    asked = {question.key for question in asked_of(opened).definitions}
    submit(
        public_id=public_id,
        answers=answers | ({CHECK_KEY: "All of the above"} if CHECK_KEY in asked else {}),
        by=by,
    )


def preview_all(preview: Enrolment, by: Any) -> None:
    while (review := next_of_preview(preview.pk)) is not None:
        read(review, by, SENTINEL)


def train(study: Any, by: Any) -> None:
    training = enrol(experiment=study, user=by, by=None, kind="training")
    case, arm = study.study_cases.first().case, study.arms.get(name="With advice")
    made = Assignment.objects.create(enrolment=training, case=case, arm=arm, position=1, drawn_by="staff")
    read(Review.objects.create(assignment=made).public_id, by, SENTINEL)


def archive(study: Any, folder: Path, profile: Profile) -> dict[str, bytes]:
    export_to_folder(experiment=study, folder=folder, profile=profile)
    content = Opened(folder / f"{study.code}.zip").content
    return {name: data for name, data in content.items() if name != "manifest.json"}


def counted(study: Any) -> dict[str, Any]:
    real = Enrolment.objects.real().filter(experiment=study)
    return {
        "totals": totals(study),
        "by case": counts_by(real_assignments(study), "case_id"),
        "by participant": counts_by(real_assignments(study), "enrolment_id"),
        "statuses": enrolments_by_status(study, study.created_by),
        "attention": results_by_enrolment(real),
        "runs": list(AllocationRun.objects.values_list("pk", "assignment_count")),
    }


@pytest.fixture
def seen(running: Any, administrator: Any, api: Any, client: Any, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Everything that tells of the study's data."""
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")

    def look() -> dict[str, Any]:
        found: dict[str, Any] = counted(running)
        for profile in Profile:
            found |= {
                f"{profile} {name}": data
                for name, data in archive(running, tmp_path / uuid.uuid4().hex, profile).items()
            }
        for feed in FEEDS:
            found[feed] = api(administrator).get(f"/api/v1/export/{feed}").getvalue()
        for page in PAGES:
            response = client.get(reverse(f"admin:experiments_experiment_{page}", args=[running.pk]))
            assert response.status_code == 200, page
            found[page] = _stable(response.content.decode())
        return found

    return look


def _stable(page: str) -> str:
    """Without what is another at each request."""
    return re.sub(r'csrfmiddlewaretoken" value="[^"]+"|nonce="[^"]+"', "", page)


def test_previews_and_training_change_nothing_that_tells_of_the_data(
    running: Any, administrator: Any, other_clinician: Any, seen: Callable[[], dict[str, Any]]
) -> None:
    before = seen()
    preview_all(
        preview_as_arm(experiment=running, arm=running.arms.get(name="Advice afterwards"), by=administrator),
        administrator,
    )
    preview_all(
        preview_as_arm(
            experiment=running, arm=running.arms.get(name="With advice"), by=administrator, working_design=True
        ),
        administrator,
    )
    preview_all(preview_as_participant(enrolment=Enrolment.objects.real().get(), by=administrator), administrator)
    train(running, other_clinician)
    after = seen()
    assert Enrolment.objects.filter(kind="preview", status="completed").count() == 3
    changed = [name for name in before if after[name] != before[name]]
    assert changed == []
    assert after.keys() == before.keys()
    assert verify_disclosure(running).holds
    assert verify_allocation(running).mismatches == []


LISTS = ("enrolment", "assignment", "review", "submission", "reviewevent")


def test_previews_are_in_no_list_of_people_or_of_what_was_recorded(
    running: Any, administrator: Any, other_clinician: Any, api: Any, client: Any
) -> None:
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")

    def listed() -> dict[str, Any]:
        pages = {name: client.get(reverse(f"admin:experiments_{name}_changelist")) for name in LISTS}
        rows = {name: page.context["cl"].result_count for name, page in pages.items()}
        return rows | {"api": api(administrator).get(f"/api/v2/experiments/{running.code}/participants").data}

    before = listed()
    assert all(before[name] for name in LISTS)
    preview_all(preview_as_arm(experiment=running, arm=running.arms.first(), by=administrator), administrator)
    assert listed() == before
    train(running, other_clinician)  # of practice the person and the assignment are listed, what came of it is not
    after = listed()
    assert {name for name in LISTS if after[name] != before[name]} == {"assignment"}


def test_whoever_comes_next_is_drawn_as_if_there_had_been_no_preview(
    running: Any, administrator: Any, other_clinician: Any
) -> None:
    preview_all(preview_as_arm(experiment=running, arm=running.arms.first(), by=administrator), administrator)
    newcomer = factories.make_enrolment(running, other_clinician)
    assert newcomer.arrival == 2
    assert Enrolment.objects.aggregate(last=Max("arrival")) == {"last": 2}
    assert Submission.objects.filter(review__assignment__enrolment=newcomer).count() == 0


@pytest.mark.parametrize("profile", list(Profile))
def test_what_only_a_preview_of_the_working_design_asks_and_shows_is_in_no_export(
    running: Any, lead: Any, administrator: Any, tmp_path: Path, profile: Profile
) -> None:
    arm = running.arms.get(name="With advice")
    stage = arm.stages.get(position=1)
    asked = [{"key": "tried_out", "type": "short_text", "text": "Is this clear?"}]
    tried = factories.make_questionnaire(running, name="Tried out", questions=asked).questionnaire
    update_stage(stage=stage, questionnaire=tried, by=lead)
    set_cells(experiment=running, cells={stage.pk: factories.show("lab", "advice")}, by=lead)
    before = archive(running, tmp_path / "before", profile)
    preview = preview_as_arm(experiment=running, arm=arm, by=administrator, working_design=True)
    open_review(public_id=next_of_preview(preview.pk), by=administrator)
    after = archive(running, tmp_path / "after", profile)
    assert [name for name in before if after[name] != before[name]] == []


def test_previews_hide_nothing_from_an_export_with_masked_arms(running: Any, lead: Any, administrator: Any) -> None:
    arm = running.arms.get(name="With advice")
    set_cells(experiment=running, cells={arm.stages.get(position=1).pk: factories.show("lab")}, by=lead)
    masked = Rights(by_arm=False, identified=False, references=False)
    before = visible(running, masked)
    preview_as_arm(experiment=running, arm=arm, by=administrator, working_design=True)
    assert visible(running, masked) == before
