"""Consent: read, sign by one's name, or decline; and leaving the study later, at any time."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.actions import joining
from experiments.actions.consent_versions import current_document, signed_words, words_sha256
from experiments.actions.enrolment import withdrawal_policy
from experiments.languages.texts import texts_of_consent
from experiments.models import ConsentDocument, ConsentRecord, Enrolment
from experiments.screens.joining.base import StudyScreen, go_on
from experiments.screens.joining.blocks import Block, text_blocks

Status = Enrolment.Status


class Consent(StudyScreen):
    """The newest version, to be signed; afterwards what was signed, word for word."""

    template = "screens/joining/consent.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return self._show(request, self.found(code))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment = self.found(code)
        if "decline" in request.POST:
            if enrolment.asked_again_id is not None:  # a page from before: to leave is asked for on its own
                return redirect("study_withdraw", code)
            joining.decline_consent(enrolment=enrolment, by=request.user)
            return redirect("home")
        try:
            joining.sign_consent(
                enrolment=enrolment,
                name=request.POST.get("name", ""),
                agrees=request.POST.get("agrees") == "yes",
                shown=request.POST.get("shown", ""),
                by=request.user,
            )
        except Invalid as wrong:
            return self._show(request, enrolment, errors=wrong.errors, status=422)
        except Conflict as refused:
            if refused.code != "consent_text_changed":
                raise
            return self._show(request, enrolment, notice=refused.detail, status=409)
        messages.success(request, _("Your consent is signed. Thank you."))
        return go_on(enrolment)

    def _show(self, request: HttpRequest, enrolment: Enrolment, *, status: int = 200, **context: Any) -> HttpResponse:
        given = _latest(enrolment)
        is_open = enrolment.status in (Status.AWAITING_CONSENT, Status.DECLINED)
        document = current_document(enrolment.experiment) if is_open else None
        signed = _signed(given)
        if document is None and given is None:
            raise NotFound(_("This study has no consent form here."))
        shown = _to_sign(enrolment, document) if document is not None else signed
        if document is not None and enrolment.asked_again_id is not None:
            context |= {"asked_again": True, "changes": _changes(enrolment, document, given), "signed": signed}
            context["changes_language"] = shown["words_language"]
        form = {"name": request.POST.get("name", ""), "agrees": request.POST.get("agrees") == "yes"}
        context = {
            "is_open": is_open,
            "given": given,
            "form": form,
            "policy": withdrawal_policy(enrolment.experiment),
        } | context
        return self.page(request, enrolment, status=status, title=_("Consent"), **shown, **context)


class Withdraw(StudyScreen):
    template = "screens/joining/withdraw.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return self._show(request, self.found(code))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment = self.found(code)
        if enrolment.status == Status.WITHDRAWN:
            return redirect("study_withdraw", code)
        try:
            joining.leave_study(enrolment=enrolment, words=request.POST.get("words", ""), by=request.user)
        except Invalid as wrong:
            return self._show(request, enrolment, errors=wrong.errors, status=422)
        return redirect("study_withdraw", code)

    def _show(self, request: HttpRequest, enrolment: Enrolment, *, status: int = 200, **context: Any) -> HttpResponse:
        has_left = enrolment.status == Status.WITHDRAWN
        return self.page(
            request,
            enrolment,
            status=status,
            title=_("You have left the study") if has_left else _("Leave the study"),
            has_left=has_left,
            asked_again=enrolment.asked_again_id is not None,
            policy=withdrawal_policy(enrolment.experiment),
            words=request.POST.get("words", ""),
            **context,
        )


def _latest(enrolment: Enrolment) -> ConsentRecord | None:
    """The newest word on consent, with its signature if it was given here (one query)."""
    records = ConsentRecord.objects.filter(enrolment=enrolment).select_related("signature__document")
    return records.order_by("-recorded_at", "-pk").first()


def _to_sign(enrolment: Enrolment, document: ConsentDocument) -> dict[str, Any]:
    """In the language of the page, where the study has it."""
    texts = texts_of_consent(enrolment.experiment, document.number)
    title, text = texts(document.title), texts(document.text)
    return _words(document, title, text, texts.language) | {"shown": words_sha256(title, text)}


def _signed(given: ConsentRecord | None) -> dict[str, Any]:
    """As it was signed, in the language in which it was; nothing where consent was given on paper."""
    signature = getattr(given, "signature", None)
    if signature is None:
        return {}
    words = signed_words(signature)
    return _words(signature.document, words.title, words.text, words.language)


def _words(document: ConsentDocument, title: str, text: str, language: str) -> dict[str, Any]:
    return {
        "document": document,
        "document_title": title,
        "blocks": text_blocks(text),
        "words_language": language,
    }


def _changes(enrolment: Enrolment, newest: ConsentDocument, given: ConsentRecord | None) -> list[Block]:
    """What has changed since the version that the reader signed, the oldest change first; of paper: since they were
    asked."""
    signature = getattr(given, "signature", None)
    assert enrolment.asked_again is not None
    first = enrolment.asked_again.number if signature is None else signature.document.number + 1
    since = ConsentDocument.objects.filter(experiment=enrolment.experiment_id, number__range=(first, newest.number))
    texts = texts_of_consent(enrolment.experiment, newest.number)
    said = since.exclude(what_changed="").order_by("number").values_list("what_changed", flat=True)
    return [block for words in said for block in text_blocks(texts(words))]
