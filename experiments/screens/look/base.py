"""What all pages of a link share. Stateless: nothing is written, not even a session; what a page must know of the one
before comes with the request."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from augmed.foundation.errors import DomainError
from experiments.screens.base import never_kept
from experiments.screens.look.designs import LookDesign
from experiments.screens.look.study import LookStudy
from participants.throttles import may_look


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

    @property
    def design(self) -> LookDesign:
        return self.study.design

    def page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        texts = self.design.texts
        context = {
            "study_name": texts(self.study.experiment.name),
            "texts_language": texts.language,
            "overview": self.address("look"),
            **context,
        }
        return render(request, f"screens/look/{template}.html", context, status=status)

    def address(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.secret, *args])

    def steps(self) -> list[tuple[str, str]]:
        """What comes before the first case, as for a participant: what it is called, and its page."""
        design = self.design
        steps = [
            (_("Consent"), "look_consent", design.consent is not None),
            (_("Questions about the reader"), "look_intake", bool(design.intake)),
            (_("Instructions"), "look_instructions", bool(design.instructions.strip())),
            (_("Practice"), "look_practice", bool(design.practised)),
        ]
        return [(label, name) for label, name, is_there in steps if is_there]

    def after(self, step: str) -> str:
        """The page that comes next."""
        names = [name for _label, name in self.steps()]
        following = names[names.index(step) + 1 :]
        return self.address(following[0]) if following else self.address("look") + "#cases"


def _refused(error: DomainError) -> dict[str, str]:
    title = _("There is nothing to see here") if error.status_code == 404 else _("This is not possible now")
    return {"title": title, "detail": error.detail}
