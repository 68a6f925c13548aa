"""Whether a reader is reminded of a study: GET shows it, POST changes it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from augmed.foundation.errors import NotFound
from experiments.actions.reminders import set_reminders_wanted
from experiments.languages.texts import texts_of_review
from experiments.models import Enrolment
from experiments.reminders.tokens import enrolment_of
from experiments.screens.base import Screen, never_kept, refusal


@method_decorator(csrf_exempt, name="dispatch")
class RemindersOff(View):
    """For whoever holds the signed link of a mail, signed in or not. Mail programs post to it too (RFC 8058), without
    cookie or token of ours: the signature in the address is the proof."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = never_kept(super().dispatch(request, *args, **kwargs))
        # Django logs the path of a refused request, and this one may hold a signed link.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        enrolment = enrolment_of(token)
        return _page(request, enrolment) if enrolment else _unknown(request)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        enrolment = enrolment_of(token)
        if enrolment is None:
            return _unknown(request)
        set_reminders_wanted(enrolment=enrolment, wanted=request.POST.get("wanted") == "yes")
        return _page(request, enrolment)


class StudyReminders(Screen):
    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return _page(request, _own(request, code))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        set_reminders_wanted(enrolment=_own(request, code), wanted=request.POST.get("wanted") == "yes")
        return redirect("study_reminders", code)


def _own(request: HttpRequest, code: str) -> Enrolment:
    user: Any = request.user
    own = Enrolment.objects.real().filter(user=user, experiment__code=code).select_related("experiment").first()
    if own is None:
        raise NotFound(_("There is no such study."))
    return own


def _page(request: HttpRequest, enrolment: Enrolment) -> HttpResponse:
    study = enrolment.experiment
    texts = texts_of_review(protocol_id=study.protocol_id, experiment_id=study.pk)
    context = {
        "title": _("Reminders by e-mail"),
        "study": texts(study.name),
        "texts_language": texts.language,
        "are_off": enrolment.reminders_off_at is not None,
    }
    return render(request, "reminders/wanted.html", context)


def _unknown(request: HttpRequest) -> HttpResponse:
    return refusal(request, NotFound(_("This link is not complete. Please copy it whole from the e-mail.")))
