"""Opening a case, keeping what is typed, sending the answers, and what comes after.

A page with JavaScript asks for JSON, so that it can say truthfully what became of a request; without it the same
addresses answer with pages.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from augmed.foundation.errors import DomainError
from experiments.actions.drafts import DraftBehind, Saved, save_draft
from experiments.actions.reviews import open_review, read_review, submit
from experiments.actions.submissions import WrongAnswers
from experiments.reviewing.reading import asked_of
from experiments.reviewing.review_state import own_review
from experiments.screens.answering.reads import after
from experiments.screens.answering.review_form import Typed
from experiments.screens.answering.written import Value, answers_from_post, values_from_post
from experiments.screens.base import Screen, never_kept
from experiments.screens.joining.steps import refuse_unless_joined
from experiments.screens.look.banner import preview_banner
from experiments.screens.reading.views import review_page


class _Act(Screen):
    """What is only done by a POST. Its address opened by itself, as after signing in again, leads to the review."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _wants_json(request):
            return super().dispatch(request, *args, **kwargs)
        try:
            return never_kept(super(Screen, self).dispatch(request, *args, **kwargs))
        except DomainError as error:
            return never_kept(_as_json(error))

    def get(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        return redirect("review", public_id)


class Open(_Act):
    def post(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        state = own_review(public_id=public_id, by=request.user)
        if not state.is_opened:
            refuse_unless_joined(state.enrolment_id)
        open_review(public_id=public_id, by=request.user, translated=True)
        return _see_other(reverse("review", args=[public_id]))


class Draft(_Act):
    def post(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        try:
            saved = save_draft(
                public_id=public_id,
                typed=lambda definitions: values_from_post(definitions, request.POST),
                revision=_revision(request),
                page_session=_page_session(request),
                by=request.user,
            )
        except DraftBehind as behind:
            if _wants_json(request):
                return _as_json(behind, revision=behind.there.revision)
            notice = f"{behind.detail} {_('If you save or send now, what you see here counts.')}"
            return _again(request, public_id, revision=behind.there.revision, notice=notice, status=409)
        if _wants_json(request):
            return JsonResponse({"revision": saved.revision, "saved_at": _time_of(saved)})
        messages.success(request, _("Your answers so far are saved. You can go on at any time, on any device."))
        return _see_other(reverse("home"))


class Answer(_Act):
    def post(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        try:
            submit(
                public_id=public_id,
                answers=lambda asked: answers_from_post(asked.definitions, request.POST),
                questionnaire_version=request.POST.get("version") or None,
                by=request.user,
                drafted=True,
            )
        except WrongAnswers as wrong:
            if _wants_json(request):
                return _as_json(wrong)
            return _again(request, public_id, revision=_revision(request), problems=wrong.problems, status=422)
        done = reverse("review_done", args=[public_id])
        return JsonResponse({"url": done}) if _wants_json(request) else _see_other(done)


class Done(Screen):
    """After an answer: that it is saved, how far one is, and the way on."""

    def get(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        state = own_review(public_id=public_id, by=request.user)
        if not state.is_answered:
            return redirect("review", public_id)
        following = after(state, by=request.user)
        if following.feedback:
            return redirect(following.feedback)
        context = {"title": _("Saved"), "after": following, "public_id": public_id, "preview": preview_banner(state)}
        return render(request, "screens/answering/done.html", context)


def _again(
    request: HttpRequest, public_id: uuid.UUID, *, revision: int, status: int, problems: Any = None, notice: str = ""
) -> HttpResponse:
    """The case with the form as it was sent."""
    opened = read_review(public_id=public_id, by=request.user)
    values: Mapping[str, Value] = values_from_post(asked_of(opened).definitions, request.POST)
    typed = Typed(values, revision, problems, notice)
    return review_page(request, opened, typed=typed, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


def _as_json(error: DomainError, **more: Any) -> JsonResponse:
    return JsonResponse({"code": error.code, "detail": error.detail, **more}, status=error.status_code)


def _see_other(url: str) -> HttpResponse:
    """303: what follows is asked for by GET, and a reload sends nothing again."""
    return HttpResponseRedirect(url, status=303)


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _page_session(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("page_session", ""))
    except ValueError:
        return None


def _time_of(saved: Saved) -> str:
    return date_format(timezone.localtime(saved.saved_at), "TIME_FORMAT")
