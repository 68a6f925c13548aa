"""Which language a page or a mail is in: the account's own, else the one chosen on this device, else the browser's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.views import i18n

from participants.actions.languages import choose_language
from participants.models import Profile, User


class ScreenLocaleMiddleware(LocaleMiddleware):
    """Django's, for the pages of participants alone: the administration and the APIs speak English.

    Of whoever is signed in it reads the language of the profile: one small statement a page."""

    def process_request(self, request: HttpRequest) -> None:
        if speaks_english(request.path):
            _speak(request, settings.LANGUAGE_CODE)
        elif language := _own_language(request):
            _speak(request, language)
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if speaks_english(request.path) else super().process_response(request, response)


def speaks_english(path: str) -> bool:
    """Is this the path of a page or an answer that is not translated?"""
    if path.startswith(f"/{settings.ADMIN_PATH}password_reset/"):
        return False  # Django's address of the page where anybody asks for a new password
    return path.startswith((f"/{settings.ADMIN_PATH}", "/api/", settings.STATIC_URL))


def set_language(request: HttpRequest) -> Any:
    """Django's, which keeps the choice on this device; whoever is signed in has it on every other one as well."""
    response = i18n.set_language(request)
    chosen = request.POST.get("language", "")
    if request.method == "POST" and request.user.is_authenticated and is_offered(chosen):
        choose_language(language=chosen, by=request.user)
    return response


def is_offered(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def speaking_to(user: User, *, otherwise: str = settings.LANGUAGE_CODE) -> AbstractContextManager[None]:
    """What is written within is in the person's language; in `otherwise` where they never chose one."""
    own = Profile.objects.filter(user=user.pk).values_list("language", flat=True).first()
    return translation.override(
        next(code for code in (own, otherwise, settings.LANGUAGE_CODE) if is_offered(code or ""))
    )


def _own_language(request: HttpRequest) -> str:
    if not request.user.is_authenticated:
        return ""
    chosen = Profile.objects.filter(user=request.user.pk).values_list("language", flat=True).first()
    return chosen if chosen and is_offered(chosen) else ""


def _speak(request: HttpRequest, language: str) -> None:
    translation.activate(language)
    request.LANGUAGE_CODE = language
