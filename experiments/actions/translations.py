"""The languages of a study, and its texts in them. In a running study readers meet a change with the next amendment,
but for a consent form that was published since the last one; what was opened before keeps its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.attention_checks import follow_language
from experiments.actions.common import locked, refuse_unknown_languages, refuse_when_over
from experiments.csv_rows import RowErrors, read_rows
from experiments.exports.cells import unformula
from experiments.languages.sources import SourceText, source_key, study_sources
from experiments.languages.texts import plain
from experiments.models import Experiment, StudyTranslation

LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Translated:
    """What came of it, counted in texts."""

    written: int
    removed: int
    kept: int


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be written, which keys go, and the texts that stood there before, by key."""

    written: Mapping[SourceText, str]
    removed: list[str]
    replaced: dict[str, str]


def set_languages(*, experiment: Experiment, languages: list[str], by: Any) -> Experiment:
    """Which languages the study's texts are in; the first is the one that they are written in, which activation
    settles: answers are stored in its words. Translations into a language that is taken out are kept, for the case that
    it comes back."""
    refuse_unknown_languages(languages)
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        before = study.languages[0]
        if study.protocol_id is not None and languages[0] != before:
            message = "The study was activated: the language in which it is written, and its answers stored, stays."
            raise Conflict(message, code="language_is_frozen", errors={"languages": [message]})
        if study.languages != languages:
            study.languages = list(languages)
            study.save(update_fields=["languages"])
            _record("languages_changed", study, by, languages=languages)
            if languages[0] != before:
                follow_language(study, before=before, by=by)
    return study


def set_translations(*, experiment: Experiment, language: str, texts: Mapping[str, str], by: Any) -> Translated:
    """Write these translations, by the key of their source (`source_key`). An empty one is removed; what is not named
    stays. Invalid names each key that is not a text of the study."""
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        _need_translatable(study, language)
        sources = {source.key: source for source in study_sources(study)}
        errors = {key: problems for key, text in texts.items() if (problems := _problems(key, text, sources))}
        if errors:
            raise Invalid("The translations were not accepted.", errors=errors)
        change = _change(study, language, {sources[key]: plain(text) for key, text in texts.items()})
        if change.written or change.removed:
            _write(study, language, change, by)
            # What somebody may have read and signed is never lost: the texts of before stay in the audit trail.
            counts = {"written": len(change.written), "removed": len(change.removed)}
            _record("translations_changed", study, by, language=language, **counts, replaced=change.replaced)
    written, removed = len(change.written), len(change.removed)
    return Translated(written, removed, len(texts) - written - removed)


def import_translations(*, experiment: Experiment, language: str, content: bytes | str, by: Any) -> Translated:
    """Take in a CSV of `source` and `translation` (`place` is for people): all rows or none. A row without translation
    changes nothing, so that a list that is half done can be taken in."""
    rows = read_rows(content, required=("source",), optional=("translation", "place"))
    known = {source.key for source in study_sources(experiment)}
    errors = RowErrors()
    texts: dict[str, str] = {}
    for row in rows:
        key, text = source_key(_unguarded(row.cells["source"])), _unguarded(row.cells.get("translation", ""))
        if key not in known:
            errors.add(row.line, "The study has no such text. It may have been changed since the list was made.")
        elif not text:
            continue
        elif texts.setdefault(key, text) != text:
            errors.add(row.line, "This text was translated otherwise further up.")
    errors.refuse()
    return set_translations(experiment=experiment, language=language, texts=texts, by=by)


def _unguarded(cell: str) -> str:
    """The apostrophe that the list puts before what a spreadsheet would take for a formula, taken off again."""
    return cell[1:] if cell and unformula(cell[1:]) == cell else cell


def _need_translatable(study: Experiment, language: str) -> None:
    if language not in study.languages[1:]:
        message = "The study is not translated into this language."
        raise Invalid(message, errors={"language": [message]})


def _problems(key: str, text: str, sources: Mapping[str, SourceText]) -> list[str]:
    if key not in sources:
        return ["The study has no such text. It may have been changed meanwhile."]
    if len(text) > LONGEST:
        return [f"A translation has at most {LONGEST} characters."]
    return ["The text contains a character that cannot be stored."] if "\x00" in text else []


def _change(study: Experiment, language: str, texts: Mapping[SourceText, str]) -> _Change:
    rows = StudyTranslation.objects.filter(experiment=study, language=language)
    before = dict(rows.values_list("source_sha256", "text"))
    written = {source: text for source, text in texts.items() if text and before.get(source.key) != text}
    removed = [source.key for source, text in texts.items() if not text and source.key in before]
    touched = [*(source.key for source in written), *removed]
    return _Change(written, removed, {key: before[key] for key in touched if key in before})


def _write(study: Experiment, language: str, change: _Change, by: Any) -> None:
    now = timezone.now()
    StudyTranslation.objects.filter(experiment=study, language=language, source_sha256__in=change.removed).delete()
    StudyTranslation.objects.bulk_create(
        [
            StudyTranslation(
                experiment=study,
                language=language,
                source_sha256=source.key,
                source=source.text,
                text=text,
                updated_at=now,
                updated_by=by,
            )
            for source, text in change.written.items()
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["experiment", "language", "source_sha256"],
        update_fields=["text", "updated_at", "updated_by"],
    )


def _record(action: str, study: Experiment, by: Any, **data: Any) -> None:
    audit.record(action=action, by=by, target=study, data=data, experiment_id=study.pk)
