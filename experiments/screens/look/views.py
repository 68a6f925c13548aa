"""What a link shows before the first case: what there is, the consent, the questions about the reader, instructions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from augmed.foundation.errors import Invalid, NotFound
from experiments.actions.joining import full_name
from experiments.answers import AnswerErrors, validate
from experiments.screens.answering.panel import answer_panel
from experiments.screens.answering.written import answers_from_post, values_from_post
from experiments.screens.joining.blocks import text_blocks
from experiments.screens.look.base import Look
from experiments.screens.look.study import MADE_UP_CASES


class Overview(Look):
    """What there is to see."""

    def get(self, request: HttpRequest) -> HttpResponse:
        versions = [
            (version, [self.address("look_case", version.letter, case, 1) for case in range(1, MADE_UP_CASES + 1)])
            for version in self.design.versions
        ]
        return self.page(
            request,
            "overview",
            title=self.design.texts(self.study.experiment.name),
            steps=[(label, self.address(name)) for label, name in self.steps()],
            versions=versions,
            protocol=self.design.protocol,
        )


class Consent(Look):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        if "decline" in request.POST:
            return redirect("look", self.secret)
        form = _consent_form(request)
        try:
            full_name(**form)
        except Invalid as wrong:
            return self._show(request, status=422, errors=wrong.errors)
        return redirect(self.after("look_consent"))

    def _show(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        document, texts = self.design.consent, self.design.consent_texts
        if document is None:
            raise NotFound(_("This study has no consent form here."))
        return self.page(
            request,
            "consent",
            status=status,
            title=_("Consent"),
            document=document,
            document_title=texts(document.title),
            policy=self.study.experiment.withdrawal_policy,
            blocks=text_blocks(texts(document.text)),
            form=_consent_form(request),
            **context,
        )


class Intake(Look):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        values = values_from_post(self.design.intake, request.POST)
        try:
            validate(self.design.intake, answers_from_post(self.design.intake, request.POST))
        except AnswerErrors as wrong:
            return self._show(request, status=422, values=values, errors=wrong.problems)
        return redirect(self.after("look_intake"))

    def _show(self, request: HttpRequest, *, status: int = 200, **form: Any) -> HttpResponse:
        if not self.design.intake:
            raise NotFound(_("Nothing is asked about you in this study."))
        panel = answer_panel(self.design.intake, texts=self.design.texts, **form)
        return self.page(request, "intake", status=status, title=_("About you"), panel=panel)


class Instructions(Look):
    def get(self, request: HttpRequest) -> HttpResponse:
        text = self.design.texts(self.design.instructions)
        if not text.strip():
            raise NotFound(_("This study has no instructions."))
        return self.page(
            request,
            "instructions",
            title=_("Instructions"),
            blocks=text_blocks(text),
            onward=self.after("look_instructions"),
        )


def _consent_form(request: HttpRequest) -> dict[str, Any]:
    return {"name": request.POST.get("name", ""), "agrees": request.POST.get("agrees") == "yes"}
