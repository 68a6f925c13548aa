"""The versions of what participants sign: publishing the next one, and the words of each as they were shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Invalid
from experiments.actions.common import clean, locked, refuse_when_over
from experiments.actions.consent_again import ask_again, asked_again, taking_part
from experiments.actions.translations import set_translations
from experiments.design.protocol import FrozenProtocol
from experiments.languages.sources import source_key
from experiments.languages.texts import StudyTexts
from experiments.models import ConsentDocument, ConsentSignature, ConsentWording, Experiment

LONGEST_CHANGE = 2_000

Texts = Mapping[str, str]


def publish_consent_document(
    *,
    experiment: Experiment,
    title: str,
    text: str,
    by: Any,
    asks_again: bool | None = None,
    what_changed: str = "",
    translations: Mapping[str, Texts] | None = None,
) -> ConsentDocument:
    """The next version of what participants sign, in force at once. Equal words make no new version.

    `asks_again`: whether those who take part must sign it before they go on, who are told `what_changed`; it must be
    said where there is anybody (Invalid). `translations`: by language, of `title`, `text` and `what_changed`."""
    said = {"title": _plain(title), "text": _plain(text), "what_changed": _plain(what_changed)}
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        newest = current_document(study)
        if newest is not None and (newest.title, newest.text) == (said["title"], said["text"]):
            return newest
        if not must_say_who_signs_again(study):
            asks_again, said["what_changed"] = None, ""
        else:
            _refuse_unsaid(asks_again, said["what_changed"])
        number = newest.number + 1 if newest else 1
        document = ConsentDocument(experiment=study, number=number, asks_again=asks_again, created_by=by, **said)
        clean(document, exclude=("created_by",))
        document.save(force_insert=True)
        _translate(study, said, translations or {}, by)
        data = {"number": number, "sha256": shown_sha256(document), "asks_again": asks_again}
        if asks_again:
            data["asked"] = ask_again(study, document, by=by)
        audit.record(action="consent_document_published", by=by, target=document, data=data, experiment_id=study.pk)
    return document


def current_document(experiment: Experiment) -> ConsentDocument | None:
    """What is signed now (one query)."""
    return ConsentDocument.objects.filter(experiment=experiment).order_by("-number").first()


def must_say_who_signs_again(experiment: Experiment) -> bool:
    """Whether the next version meets people who take part by their consent to what was before it."""
    protocol = experiment.protocol
    required = FrozenProtocol.of(protocol).consent_required if protocol else experiment.consent_required
    return required and (taking_part(experiment) | asked_again(experiment)).exists()


def shown_sha256(document: ConsentDocument, texts: StudyTexts | None = None) -> str:
    """Of title and text as they are shown, in the language in which they are."""
    show = texts or str
    return words_sha256(show(document.title), show(document.text))


def words_sha256(title: str, text: str) -> str:
    return sha256_hex(f"{title}\n\n{text}")


def keep_wording(document: ConsentDocument, texts: StudyTexts) -> ConsentWording:
    """The words that are signed now, kept once for all who sign them in this language."""
    title, text = texts(document.title), texts(document.text)
    wording, _ = ConsentWording.objects.get_or_create(
        document=document,
        language=texts.language,
        sha256=words_sha256(title, text),
        defaults={"title": title, "text": text},
    )
    return wording


def signed_words(signature: ConsentSignature) -> ConsentWording:
    """What was signed, word for word (one query). Of a signature from before words were kept: the document's own."""
    document = signature.document
    found = ConsentWording.objects.filter(
        document=document, language=signature.language, sha256=signature.text_sha256
    ).first()
    return found or ConsentWording(
        document=document, language=signature.language, title=document.title, text=document.text
    )


def _refuse_unsaid(asks_again: bool | None, what_changed: str) -> None:
    errors: dict[str, list[str]] = {}
    if asks_again is None:
        errors["asks_again"] = ["Say whether those who take part must sign this version before they go on."]
    if asks_again and not what_changed:
        errors["what_changed"] = ["Say what has changed: those who are asked to sign again read it."]
    if len(what_changed) > LONGEST_CHANGE:
        errors["what_changed"] = [f"At most {LONGEST_CHANGE} characters."]
    if errors:
        raise Invalid("The version was not published.", errors=errors)


def _translate(study: Experiment, said: Texts, translations: Mapping[str, Texts], by: Any) -> None:
    """With the version, so that nobody meets it untranslated. What is left empty stays as it is."""
    for language, texts in translations.items():
        named = {source_key(said[name]): text for name, text in texts.items() if said.get(name) and text.strip()}
        if named:
            set_translations(experiment=study, language=language, texts=named, by=by)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
