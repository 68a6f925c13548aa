"""What a protocol version keeps of a study's languages."""

from __future__ import annotations

from typing import Any

from experiments.languages.sources import study_sources
from experiments.languages.texts import plain, translations_of
from experiments.models import ConsentDocument, Experiment
from experiments.models.experiment import default_languages


def frozen_languages(experiment: Experiment) -> dict[str, Any]:
    """For a protocol's content: the languages, and by language the translation of each text that the study uses now.

    Nothing for a study in English alone: its content is the same as before there were languages."""
    if experiment.languages == default_languages():
        return {}
    used = {source.text for source in study_sources(experiment)}
    changes = ConsentDocument.objects.filter(experiment=experiment).exclude(what_changed="")
    used.update(map(plain, changes.values_list("what_changed", flat=True)))  # who missed a version reads them all
    translations = {
        language: {source: text for source, text in texts.items() if source in used}
        for language, texts in translations_of(experiment).items()
    }
    return {"languages": experiment.languages, "translations": translations}
