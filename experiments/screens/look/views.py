"""A study as a link shows it: every screen of a participant, with made-up cases, without an account.

Stateless. Nothing is written, not even a session: what a page must know of the one before comes with the request.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from augmed.foundation.errors import DomainError, Invalid, NotFound
from experiments.actions.joining import full_name
from experiments.answers import AnswerErrors, CanonicalAnswer, QuestionDefinition, validate
from experiments.screens.answering.panel import answer_panel
from experiments.screens.answering.written import values_from_post
from experiments.screens.base import never_kept
from experiments.screens.joining.blocks import text_blocks
from experiments.screens.look.study import MADE_UP_CASES, LookStage, LookStudy, LookVersion
from experiments.screens.reading.page import CasePage, case_page
from experiments.screens.reading.shown import cost_in_words
from participants.throttles import may_look

LONGEST_FIRST = 100_000


@method_decorator(csrf_exempt, name="dispatch")
class Look(View):
    """A page of a link. Whoever holds the link may see it; nobody else learns that there is a study.

    Without a CSRF token: a POST changes nothing, and its refusal would write the address into the log."""

    http_method_names = ["get", "head", "post"]
    study: LookStudy
    secret: str

    def dispatch(self, request: HttpRequest, *args: Any, secret: str, **kwargs: Any) -> HttpResponseBase:
        self.secret = secret
        response: HttpResponseBase
        try:
            if may_look(request, self):
                self.study = LookStudy.by_secret(secret)
                response = super().dispatch(request, *args, **kwargs)
            else:
                response = render(request, "participants/throttled.html", status=429)
        except DomainError as error:
            response = render(request, "screens/look/over.html", _refused(error), status=error.status_code)
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        # Django logs the path of a refused request, and this one holds the secret.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return never_kept(response)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Django's own would write the address into the log.
        return HttpResponseNotAllowed(self._allowed_methods())  # type: ignore[attr-defined]

    def page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        texts = self.study.texts
        context = {
            "study_name": texts(self.study.experiment.name),
            "texts_language": texts.language,
            "overview": self.address("look"),
            **context,
        }
        return render(request, f"screens/look/{template}.html", context, status=status)

    def address(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.secret, *args])

    def after(self, step: str) -> str:
        """The page that comes next, as for a participant: consent, about you, instructions, the first case."""
        study = self.study
        pages = [
            ("look_consent", study.consent is not None),
            ("look_intake", bool(study.intake)),
            ("look_instructions", bool(study.experiment.instructions.strip())),
        ]
        names = [name for name, _there in pages]
        later = pages[names.index(step) + 1 :] if step in names else pages
        return next((self.address(name) for name, is_there in later if is_there), self.address("look") + "#cases")


class Overview(Look):
    """What there is to see."""

    def get(self, request: HttpRequest) -> HttpResponse:
        steps = [
            (_("Consent"), "look_consent", self.study.consent is not None),
            (_("Questions about the reader"), "look_intake", bool(self.study.intake)),
            (_("Instructions"), "look_instructions", bool(self.study.experiment.instructions.strip())),
        ]
        versions = [
            (version, [self.address("look_case", version.letter, case, 1) for case in range(1, MADE_UP_CASES + 1)])
            for version in self.study.versions
        ]
        return self.page(
            request,
            "overview",
            title=self.study.texts(self.study.experiment.name),
            steps=[(label, self.address(name)) for label, name, is_there in steps if is_there],
            versions=versions,
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
        document, texts = self.study.consent, self.study.texts
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
        values = values_from_post(self.study.intake, request.POST)
        try:
            validate(self.study.intake, values)
        except AnswerErrors as wrong:
            return self._show(request, status=422, values=values, errors=wrong.problems)
        return redirect(self.after("look_intake"))

    def _show(self, request: HttpRequest, *, status: int = 200, **form: Any) -> HttpResponse:
        if not self.study.intake:
            raise NotFound(_("Nothing is asked about you in this study."))
        panel = answer_panel(self.study.intake, texts=self.study.texts, **form)
        return self.page(request, "intake", status=status, title=_("About you"), panel=panel)


class Instructions(Look):
    def get(self, request: HttpRequest) -> HttpResponse:
        text = self.study.texts(self.study.experiment.instructions)
        if not text.strip():
            raise NotFound(_("This study has no instructions."))
        return self.page(
            request,
            "instructions",
            title=_("Instructions"),
            blocks=text_blocks(text),
            onward=self.after("look_instructions"),
        )


class Case(Look):
    """A made-up case in one version of the study, stage by stage. What was answered at the stage before, and what was
    asked for, come with the request."""

    def get(self, request: HttpRequest, letter: str, case: int, stage: int) -> HttpResponse:
        return self._show(request, self._at(letter, case, stage), case)

    def post(self, request: HttpRequest, letter: str, case: int, stage: int) -> HttpResponse:
        at = self._at(letter, case, stage)
        if "begin" in request.POST or "feature" in request.POST:
            return self._show(request, at, case)
        questions = self.study.questions(at, case)
        values = values_from_post(questions, request.POST)
        try:
            given = validate(questions, values)
        except AnswerErrors as wrong:
            return self._show(request, at, case, status=422, values=values, errors=wrong.problems)
        return self._sent(request, self.study.version(letter), at, case, given)

    def _at(self, letter: str, case: int, stage: int) -> LookStage:
        stages = self.study.version(letter).stages
        if not (1 <= case <= MADE_UP_CASES and 1 <= stage <= len(stages)):
            raise NotFound(_("There is no such page."))
        return stages[stage - 1]

    def _show(self, request: HttpRequest, at: LookStage, case: int, *, status: int = 200, **form: Any) -> HttpResponse:
        letter, stage = self.kwargs["letter"], self.kwargs["stage"]
        questions = self.study.questions(at, case)
        first = _first(request, self.study.version(letter).stages[stage - 2].questions) if stage > 1 else None
        asked_for = frozenset(request.POST.getlist("feature")) | frozenset(request.POST.getlist("open"))
        shown = self._case(at, case, asked_for, request.path)
        if request.headers.get("HX-Request") and (feature := shown.by_key(request.POST.get("feature", ""))):
            return render(request, "screens/reading/feature.html", {"feature": feature, "case": shown, "pinned": False})
        panel = answer_panel(questions, texts=self.study.texts, first_answers=first, action=request.path, **form)
        return self.page(
            request,
            "case",
            status=status,
            title=_("Case %(number)s") % {"number": case},
            version=self.study.version(letter),
            case=shown,
            panel=panel,
            first=None if first is None else json.dumps(first),
            asked_for=sorted(asked_for),
        )

    def _case(self, at: LookStage, case: int, asked_for: frozenset[str], address: str) -> CasePage:
        disclosed = self.study.disclosed(at, case)
        hiding = self.study.hiding(at, disclosed, asked_for)
        return case_page(
            disclosed,
            hidden=frozenset() if hiding is None else hiding.hidden,
            texts=self.study.texts,
            charts="",
            reveal_url=address,
            reveal_cost="" if hiding is None else cost_in_words(hiding, self.study.texts),
        )

    def _sent(
        self, request: HttpRequest, version: LookVersion, at: LookStage, case: int, given: dict[str, CanonicalAnswer]
    ) -> HttpResponse:
        stage = self.kwargs["stage"]
        is_last = stage == len(version.stages)
        following = None if is_last else version.stages[stage].stage
        after = case + 1 if is_last and case < MADE_UP_CASES else None
        return self.page(
            request,
            "sent",
            title=_("Saved"),
            version=version,
            again="" if is_last else self.address("look_case", version.letter, case, stage + 1),
            first=json.dumps(given),
            days=following.not_before_days if following else 0,
            onward="" if after is None else self.address("look_case", version.letter, after, 1),
        )


def _consent_form(request: HttpRequest) -> dict[str, Any]:
    return {"name": request.POST.get("name", ""), "agrees": request.POST.get("agrees") == "yes"}


def _first(request: HttpRequest, questions: tuple[QuestionDefinition, ...]) -> dict[str, CanonicalAnswer]:
    """What was answered at the stage before, as the page before sent it along; nothing where that is not valid."""
    sent = request.POST.get("first", "")[:LONGEST_FIRST]
    try:
        return validate([replace(question, required=False) for question in questions], json.loads(sent or "{}"))
    except (ValueError, RecursionError, AnswerErrors):
        return {}


def _refused(error: DomainError) -> dict[str, str]:
    title = _("There is nothing to see here") if error.status_code == 404 else _("This is not possible now")
    return {"title": title, "detail": error.detail}
