"""What a reader does before the first case: sign the consent or decline it, read the instructions; and leaving.

These are a participant's own acts: facts with their time, which go into the audit chain only with the draw or the
change of status that they bring about."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import locked
from experiments.actions.consent_versions import current_document, keep_wording
from experiments.actions.enrolment import record_consent, withdraw
from experiments.actions.erasure import OWN_WISH
from experiments.languages.texts import texts_of_consent
from experiments.models import ConsentRecord, ConsentSignature, Enrolment, Experiment

Status = Enrolment.Status
UNSIGNED = "Left when asked to sign a new version of the consent form."
LONGEST_NAME = 200
LONGEST_WORDS = 2_000


def sign_consent(*, enrolment: Enrolment, name: str, agrees: bool, shown: str, by: Any) -> ConsentRecord:
    """Sign the newest document by one's name. `shown`: the hash of the words that were on the page: no other words are
    signed. Opens the study to the reader, whose cases are drawn; who was asked to sign a new version goes on. Signing
    twice gives the first signature."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        _refuse_unless_running(study)
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        if enrolment.status in (Status.ACTIVE, Status.COMPLETED):
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
    """The reader does not take part, and may still change their mind. Not for who takes part already, and is asked to
    sign a new version: to leave is another thing, which cannot be undone."""
    with transaction.atomic():
        study = locked(enrolment.experiment)
        _refuse_unless_running(study)
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        if enrolment.asked_again_id is not None or enrolment.status in (Status.ACTIVE, Status.COMPLETED):
            raise Conflict(_("You take part already. You can leave the study at any time."), code="takes_part")
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
    reason = f"{OWN_WISH} {UNSIGNED}" if enrolment.asked_again_id is not None else OWN_WISH
    return withdraw(enrolment=enrolment, by=by, reason=reason, words=words)


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
    texts = texts_of_consent(study, document.number)
    wording = keep_wording(document, texts)
    if wording.sha256 != shown:
        message = _("The consent form was changed while you were reading it. Please read it again.")
        raise Conflict(message, code="consent_text_changed")
    return ConsentSignature(document=document, language=wording.language, text_sha256=wording.sha256)


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
