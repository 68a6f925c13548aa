"""How clinicians come into the demo study: a consent form, questions about themselves, a case to practise on."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

from cases.actions import make_training_case
from cases.models import PageLayout
from experiments.actions.consent_versions import current_document, publish_consent_document, shown_sha256
from experiments.actions.design import update_experiment
from experiments.actions.intake import intake_version, submit_intake
from experiments.actions.joining import note_instructions_read, sign_consent
from experiments.actions.questionnaires import create_questionnaire
from experiments.actions.training import TrainingEntry, set_training_cases
from experiments.actions.translations import import_translations, set_languages
from experiments.models import Enrolment, Experiment
from participants.models import User

PATH = settings.BASE_DIR / "fixtures" / "demo" / "joining.json"
GERMAN = settings.BASE_DIR / "fixtures" / "demo" / "translations.de.csv"
_NOTHING = {"number": None, "unit": None, "low": None, "high": None, "operator": None, "concept_id": None}
_NO_ENTRY = {**_NOTHING, "date": None, "model": None, "blob": None}
ABOUT = {
    1: {"profession": "Physician", "years_in_practice": "12", "specialty": "General practice", "risk_equations": "4"},
    2: {"profession": "Physician", "years_in_practice": "21", "specialty": "Cardiology", "risk_equations": "5"},
}


def prepare(experiment: Experiment, *, layout: PageLayout, by: User) -> None:
    """All that comes before the first case; of a study in draft."""
    described = json.loads(PATH.read_text())
    intake = described["intake"]
    questionnaire = create_questionnaire(
        experiment=experiment, name=intake["name"], questions=intake["questions"], by=by
    ).questionnaire
    update_experiment(experiment=experiment, consent_required=True, intake_questionnaire=questionnaire, by=by)
    publish_consent_document(experiment=experiment, **described["consent"], by=by)
    training = described["training"]
    version = layout.current()
    assert version is not None
    case = make_training_case(
        label=training["label"],
        number=training["number"],
        tree=whole_tree(training["tree"]),
        layout_version=version,
        by=by,
    )
    set_training_cases(experiment=experiment, entries=[TrainingEntry(case, training["feedback"])], by=by)


def translate(experiment: Experiment, *, by: User) -> None:
    """Into German; of a study whose texts are all there."""
    experiment.refresh_from_db()
    set_languages(experiment=experiment, languages=["en", "de"], by=by)
    import_translations(experiment=experiment, language="de", content=GERMAN.read_bytes(), by=by)


def join(enrolment: Enrolment) -> None:
    """Sign, tell about oneself, read the instructions: as the clinician does it on the screens."""
    document, version = current_document(enrolment.experiment), intake_version(enrolment.experiment)
    assert document is not None
    assert version is not None
    user = enrolment.user
    sign_consent(enrolment=enrolment, name=user.profile.name, agrees=True, shown=shown_sha256(document), by=user)
    about = ABOUT.get(enrolment.arrival or 1, ABOUT[1])
    submit_intake(enrolment=enrolment, version=version.public_id, answers=about, by=user)
    note_instructions_read(enrolment=enrolment, by=user)


def whole_tree(short: dict[str, Any]) -> dict[str, Any]:
    """The file leaves out what is empty; a tree's JSON has every key."""
    return {**short, "sections": [_whole(section) for section in short["sections"]]}


def _whole(node: dict[str, Any]) -> dict[str, Any]:
    if "children" in node:
        return {**node, "children": [_whole(child) for child in node["children"]]}
    entries = [{**_NO_ENTRY, **entry} for entry in node["entries"]]
    return {"level": "feature", "discriminator": "", "role": "clinical", **node, "entries": entries}
