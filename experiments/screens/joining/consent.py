"""Consent: read, sign by one's name, or decline; and leaving the study later, at any time."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.actions import joining
from experiments.actions.enrolment import withdrawal_policy
from experiments.languages.texts import texts_of_design
from experiments.models import ConsentDocument, ConsentRecord, Enrolment
from experiments.screens.joining.base import StudyScreen, go_on
from experiments.screens.joining.blocks import text_blocks

Status = Enrolment.Status


class Consent(StudyScreen):
    template = "screens/joining/consent.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return self._show(request, self.found(code))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment = self.found(code)
        if "decline" in request.POST:
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
        document = joining.current_document(enrolment.experiment) if is_open else _signed(given)
        if document is None and given is None:
            raise NotFound(_("This study has no consent form here."))
        texts = texts_of_design(enrolment.experiment)
        shown: dict[str, Any] = {}
        if document is not None:
            shown = {
                "document": document,
                "document_title": texts(document.title),
                "blocks": text_blocks(texts(document.text)),
                "shown": joining.shown_sha256(document, texts),
            }
        form = {"name": request.POST.get("name", ""), "agrees": request.POST.get("agrees") == "yes"}
        context = {
            "is_open": is_open,
            "given": given,
            "form": form,
            "policy": withdrawal_policy(enrolment.experiment),
        } | context
        return self.page(request, enrolment, texts=texts, status=status, title=_("Consent"), **shown, **context)


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
            policy=withdrawal_policy(enrolment.experiment),
            words=request.POST.get("words", ""),
            **context,
        )


def _latest(enrolment: Enrolment) -> ConsentRecord | None:
    """The newest word on consent, with its signature if it was given here (one query)."""
    records = ConsentRecord.objects.filter(enrolment=enrolment).select_related("signature__document")
    return records.order_by("-recorded_at", "-pk").first()


def _signed(given: ConsentRecord | None) -> ConsentDocument | None:
    signature = getattr(given, "signature", None)
    return signature.document if signature is not None else None
