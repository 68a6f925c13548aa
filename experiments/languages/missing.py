"""What of a study is not translated yet."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import get_language_info

from experiments.languages.sources import SourceText, study_sources
from experiments.languages.texts import translations_of
from experiments.models import Experiment


@dataclass(frozen=True, slots=True)
class LanguageState:
    """How far the translation into one language is. `texts`: each source with its translation, "" where missing."""

    code: str
    texts: tuple[tuple[SourceText, str], ...]

    @property
    def name(self) -> str:
        return language_name(self.code)

    @property
    def missing(self) -> int:
        return sum(not text for _, text in self.texts)

    @property
    def done(self) -> int:
        return len(self.texts) - self.missing


def language_name(code: str) -> str:
    """In English: the administration's language."""
    return str(get_language_info(code)["name"])


def language_states(experiment: Experiment, *, of_arms: bool = True) -> list[LanguageState]:
    """Of every language but the study's own. A study in one language needs no statement. `of_arms`: as in
    `study_sources`."""
    if len(experiment.languages) < 2:
        return []
    sources = study_sources(experiment, of_arms=of_arms)
    return [
        LanguageState(code, tuple((source, texts.get(source.text, "")) for source in sources))
        for code, texts in translations_of(experiment).items()
    ]
