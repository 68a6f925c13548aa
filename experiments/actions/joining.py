"""What a reader does before the first case: sign the consent or decline it, read the instructions; and leaving.

These are a participant's own acts: facts with their time, which go into the audit chain only with the draw or the
change of status that they bring about."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import clean, locked, refuse_when_over
from experiments.actions.enrolment import record_consent, withdraw
from experiments.actions.erasure import OWN_WISH
from experiments.languages.texts import StudyTexts, texts_of_design
from experiments.models import ConsentDocument, ConsentRecord, ConsentSignature, Enrolment, Experiment

__all__ = [
    "current_document",
    "decline_consent",
    "full_name",
    "leave_study",
    "note_instructions_read",
    "publish_consent_document",
    "shown_sha256",
    "sign_consent",
]

LONGEST_NAME = 200
LONGEST_WORDS = 2_000


def publish_consent_document(*, experiment: Experiment, title: str, text: str, by: Any) -> ConsentDocument:
    """The next version of what participants sign. Who has signed an earlier one is not asked again; equal words make
    no new version."""
    title, text = title.strip(), text.replace("\r\n", "\n").strip()
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        newest = current_document(study)
        if newest is not None and (newest.title, newest.text) == (title, text):
            return newest
        number = newest.number + 1 if newest else 1
        document = ConsentDocument(experiment=study, number=number, title=title, text=text, created_by=by)
        clean(document, exclude=("created_by",))
        document.save(force_insert=True)
        data = {"number": number, "sha256": shown_sha256(document)}
        audit.record(action="consent_document_published", by=by, target=document, data=data, experiment_id=study.pk)
    return document


def current_document(experiment: Experiment) -> ConsentDocument | None:
    """What is signed now (one query)."""
    return ConsentDocument.objects.filter(experiment=experiment).order_by("-number").first()


def shown_sha256(document: ConsentDocument, texts: StudyTexts | None = None) -> str:
    """Of title and text as they are shown, in the language in which they are."""
    show = texts or str
    return sha256_hex(f"{show(document.title)}\n\n{show(document.text)}")


def sign_consent(*, enrolment: Enrolment, name: str, agrees: bool, shown: str, by: Any) -> ConsentRecord:
    """Sign the newest document by one's name. `shown`: the hash of the words that were on the page: no other words are
    signed. Opens the study to the reader, whose cases are drawn. Signing again gives the first signature."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        _refuse_unless_running(study)
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        if enrolment.status in (Enrolment.Status.ACTIVE, Enrolment.Status.COMPLETED):
            return _signed_already(enrolment)
        signed = _signature(study, shown)
        signed.name = full_name(name, agrees=agrees)
        record = record_consent(
            enrolment=enrolment, kind=ConsentRecord.Kind.GIVEN, document=str(signed.document)[:200], by=by
        )
        signed.record = record
        signed.save(force_insert=True)
    return record


def decline_consent(*, enrolment: Enrolment, by: Any) -> ConsentRecord:
    """The reader does not take part, and may still change their mind."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        _refuse_unless_running(study)
        document = current_document(study)
        return record_consent(
            enrolment=enrolment, kind=ConsentRecord.Kind.DECLINED, document=str(document or "")[:200], by=by
        )


def note_instructions_read(*, enrolment: Enrolment, by: Any) -> None:
    """The first time counts."""
    unread = Enrolment.objects.filter(pk=enrolment.pk, user=by, instructions_read_at=None)
    unread.update(instructions_read_at=timezone.now())


def leave_study(*, enrolment: Enrolment, words: str, by: Any) -> Enrolment:
    """Withdraw oneself, at any time and without a reason; what becomes of the data is the study's setting."""
    words = words.replace("\x00", "").strip()  # which PostgreSQL cannot store
    if len(words) > LONGEST_WORDS:
        message = _("At most %(most)s characters, please.") % {"most": LONGEST_WORDS}
        raise Invalid(message, errors={"words": [message]})
    return withdraw(enrolment=enrolment, by=by, reason=OWN_WISH, words=words)


def _refuse_unless_running(study: Experiment) -> None:
    if study.status != Experiment.Status.ACTIVE:
        raise Conflict(_("The study is not running at the moment."), code="study_not_running")


def _signed_already(enrolment: Enrolment) -> ConsentRecord:
    record = enrolment.consents.filter(kind=ConsentRecord.Kind.GIVEN).order_by("-recorded_at", "-pk").first()
    if record is None:
        raise Conflict(_("Your consent is not needed: you take part already."), code="takes_part")
    return record


def _signature(study: Experiment, shown: str) -> ConsentSignature:
    """Of the newest document, unsigned; Conflict where other words were on the page."""
    document = current_document(study)
    if document is None:
        raise Conflict(_("There is no consent form to sign."), code="no_consent_document")
    texts = texts_of_design(study)
    sha256 = shown_sha256(document, texts)
    if sha256 != shown:
        message = _("The consent form was changed while you were reading it. Please read it again.")
        raise Conflict(message, code="consent_text_changed")
    return ConsentSignature(document=document, language=texts.language, text_sha256=sha256)


def full_name(name: str, *, agrees: bool) -> str:
    """The name as it is signed; Invalid says what the form lacks."""
    errors: dict[str, list[str]] = {}
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not any(character.isalpha() for character in name) or not name.isprintable():
        errors["name"] = [_("Please type your full name.")]
    elif len(name) > LONGEST_NAME:
        errors["name"] = [_("At most %(most)s characters, please.") % {"most": LONGEST_NAME}]
    if not agrees:
        errors["agrees"] = [_("Please tick the box if you agree.")]
    if errors:
        raise Invalid(_("The consent form is not complete."), errors=errors)
    return name
