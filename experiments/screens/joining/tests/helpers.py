"""A study that asks everything before the first case, and a reader in it."""

from __future__ import annotations

from typing import Any

from experiments.actions.consent_versions import publish_consent_document, shown_sha256
from experiments.actions.design import update_experiment
from experiments.actions.lifecycle import activate
from experiments.actions.training import TrainingEntry, begin_training, set_training_cases
from experiments.models import ConsentDocument, Enrolment, Experiment, Review
from experiments.tests import factories

CONFIRMED = {"person_more_than_once", "later_stage_hides"}
CONSENT = "We study how clinicians judge.\n\nYou will:\n- read cases\n- answer questions\n\nThank you."
ABOUT = [
    {
        "key": "experience",
        "type": "single_choice",
        "text": "How experienced are you?",
        "options": ["< 5 years", "more"],
    },
    {"key": "years", "type": "number", "text": "Years since you qualified", "required": False, "unit": "years"},
]


def joining_study(
    by: Any,
    *,
    consent: bool = True,
    intake: bool = True,
    instructions: str = "Read each case as you would on your ward.",
    training: int = 1,
    active: bool = True,
    **fields: Any,
) -> Experiment:
    """Each part may be left out."""
    fields = {"consent_required": consent, "consent_elsewhere": False, "instructions": instructions, **fields}
    study = factories.make_study(by=by, active=False, **fields)
    if consent:
        publish_consent_document(experiment=study, title="Information and consent", text=CONSENT, by=by)
    if intake:
        questionnaire = factories.make_questionnaire(study, name="About you", questions=ABOUT).questionnaire
        study = update_experiment(experiment=study, intake_questionnaire=questionnaire, by=by)
    version = study.layout.current()
    cases = [factories.make_case(layout_version=version) for _ in range(training)]
    if cases:
        entries = [TrainingEntry(case, f"Feedback on case {case.number}.") for case in cases]
        set_training_cases(experiment=study, entries=entries, by=by)
    if active:
        activate(experiment=study, by=by, confirmed=CONFIRMED)
    study.refresh_from_db()
    return study


def page(study: Experiment, name: str) -> str:
    return f"/studies/{study.code}/{name}/"


def signature(study: Experiment, **changed: str) -> dict[str, str]:
    """What the form of the consent sends."""
    document = ConsentDocument.objects.filter(experiment=study).order_by("-number").first()
    assert document is not None
    return {"name": "Dr. Ada Reader", "agrees": "yes", "shown": shown_sha256(document), "sign": "1", **changed}


def about(study: Experiment, **changed: str) -> dict[str, str]:
    """What the form of the intake sends."""
    version = study.intake_questionnaire.versions.get(number=1)
    return {"version": str(version.public_id), "q.experience": "more", "q.years": "12", **changed}


def joined(study: Experiment, enrolment: Enrolment, client: Any) -> None:
    """All steps before practice, on the pages."""
    client.post(page(study, "consent"), signature(study))
    client.post(page(study, "intake"), about(study))
    client.post(page(study, "instructions"))


def practice(enrolment: Enrolment) -> list[Review]:
    """The reviews of a reader's training, in order."""
    training = begin_training(enrolment=enrolment, by=enrolment.user)
    reviews = Review.objects.filter(assignment__enrolment=training)
    return list(reviews.order_by("assignment__position", "stage_position"))
