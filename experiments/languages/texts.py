"""A study's texts as one reader sees them: each by its source text, in the language of the page where the study has
it. What is stored of answers is always the source: a translation is a way of showing, never data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import get_language

from augmed.foundation.canonical import nfc
from experiments.models import Experiment, ProtocolVersion, StudyTranslation


@dataclass(frozen=True, slots=True)
class StudyTexts:
    """`texts(source)`: the text to show. What has no translation is shown as it was written.

    `language` is for the `lang` of what is shown: it may differ from the page's."""

    language: str
    translations: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, source: str) -> str:
        return self.translations.get(plain(source), source) if self.translations else source


def plain(text: str) -> str:
    """The form by which a text is looked up: forms and files may change line ends, and spaces at the ends."""
    return nfc(text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def texts_of_protocol(protocol_id: int) -> StudyTexts:
    """In the page's language, as the protocol froze them. One statement for each protocol in a process, then none."""
    frozen = _frozen(protocol_id)
    language = _chosen(frozen.languages)
    return StudyTexts(language, frozen.translations.get(language, {}))


def texts_of_design(experiment: Experiment) -> StudyTexts:
    """In the page's language, as the working design has them now. At most one statement."""
    language = _chosen(tuple(experiment.languages))
    if language == experiment.languages[0]:
        return StudyTexts(language)
    rows = experiment.translations.filter(language=language).order_by().values_list("source", "text")
    return StudyTexts(language, {plain(source): text for source, text in rows})


def texts_of_study(experiment: Experiment) -> StudyTexts:
    """What a participant reads outside reviews: of the protocol in force, so that nothing changes before an amendment;
    of the working design where there is none."""
    if experiment.protocol_id is not None:
        return texts_of_protocol(experiment.protocol_id)
    return texts_of_design(experiment)


def texts_of_consent(experiment: Experiment, number: int) -> StudyTexts:
    """Of the consent document with this number. One that was published since the protocol is in force already, in the
    words of the working design; the next amendment freezes them."""
    if experiment.protocol_id is not None and number <= _frozen(experiment.protocol_id).consent_number:
        return texts_of_protocol(experiment.protocol_id)
    return texts_of_design(experiment)


def texts_of_review(*, protocol_id: int | None, experiment_id: int) -> StudyTexts:
    """Of the protocol that the review goes by; of the working design where it goes by none (display configs, previews
    of a draft)."""
    if protocol_id is not None:
        return texts_of_protocol(protocol_id)
    return texts_of_design(Experiment.objects.only("pk", "languages").get(pk=experiment_id))


def translations_of(experiment: Experiment) -> dict[str, dict[str, str]]:
    """By language and source text, of the languages that the study offers. One statement."""
    found: dict[str, dict[str, str]] = {language: {} for language in experiment.languages[1:]}
    rows = StudyTranslation.objects.filter(experiment=experiment, language__in=list(found)).order_by()
    for language, source, text in rows.values_list("language", "source", "text"):
        found[language][plain(source)] = text
    return found


def _chosen(languages: tuple[str, ...]) -> str:
    """The page's language where the study has it, else the study's own."""
    wanted = (get_language() or "").split("-")[0]
    return wanted if wanted in languages else (languages or ("en",))[0]


@dataclass(frozen=True, slots=True)
class _Frozen:
    languages: tuple[str, ...]
    translations: Mapping[str, Mapping[str, str]]
    consent_number: int  # 0: without one


_known: dict[int, _Frozen] = {}
_MOST_KNOWN = 64


def know_protocols(protocols: Iterable[int | None]) -> dict[int, _Frozen]:
    """What several protocols hold, in one statement, or in none where all are known: a protocol never changes. Some
    are kept; a caller goes by what it is given, as other threads may make room meanwhile."""
    wanted = {pk for pk in protocols if pk is not None}
    found = {pk: known for pk in wanted if (known := _known.get(pk)) is not None}
    missing = wanted - found.keys()
    if not missing:
        return found
    for pk, text in ProtocolVersion.objects.filter(pk__in=missing).order_by().values_list("pk", "content"):
        content = json.loads(text)
        found[pk] = _known[pk] = _Frozen(
            tuple(content.get("languages", ["en"])),
            content.get("translations", {}),
            content.get("consent", {}).get("number", 0),
        )
    return found


def forget_protocols() -> None:
    """For tests, in which ids come again."""
    _known.clear()


def _frozen(protocol_id: int) -> _Frozen:
    found = know_protocols([protocol_id])[protocol_id]
    for oldest in list(_known)[:-_MOST_KNOWN]:
        _known.pop(oldest, None)
    return found
