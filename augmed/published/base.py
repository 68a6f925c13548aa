"""What every view of the published contract shares: who asks, how it answers, and the sliding token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from augmed.published.envelope import data_body
from augmed.published.errors import exception_handler
from participants.authentication import TokenAuthentication
from participants.tokens import renewed

LARGEST_UPLOAD = 32 * 2**20
"""More than the documented site lets through."""


class _AsciiJSONRenderer(JSONRenderer):
    ensure_ascii = True


class SayableJSONRenderer(JSONRenderer):
    """What was sent may be said again. Half a surrogate pair in it has no form in UTF-8, but an escape in JSON."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        try:
            return bytes(super().render(data, accepted_media_type, renderer_context))
        except UnicodeEncodeError:
            return bytes(_AsciiJSONRenderer().render(data, accepted_media_type, renderer_context))


class WhateverIsAccepted(DefaultContentNegotiation):
    """JSON always: the contract knows nothing of 406. (Exports look at `Accept` themselves.)"""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or "application/json"


class PublishedView(APIView):
    """A view of the published contract. It names its `permission_classes`; the default is nobody.

    Every 2xx answer to a log-in's own sliding token carries the next one in the header `Authorization`."""

    authentication_classes: Sequence[type[BaseAuthentication]] = [TokenAuthentication]
    content_negotiation_class = WhateverIsAccepted
    renderer_classes: Sequence[type[BaseRenderer]] = [SayableJSONRenderer]
    schema = None  # not of /api/v2/, whose schema is generated

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return exception_handler

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # so that a token problem is a 401

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code >= 400:
            _read_to_the_end(getattr(request, "_request", request))
        # A refusal with 500 is no fault of ours: Django would log it as one. Faults never come by here.
        response._has_been_logged = True
        if 200 <= response.status_code < 300 and "Authorization" not in response.headers:
            token = renewed(user=request.user, presented=request.auth) if getattr(request, "auth", None) else None
            if token is not None:
                response.headers["Authorization"] = f"Bearer {token}"
        return response


def _read_to_the_end(request: HttpRequest) -> None:
    """Throw away what is left of a refused upload. A connection that is closed on unread data takes the answer with it:
    behind a proxy the client then hears of a bad gateway, and not that its session ended."""
    try:
        for _ in range(LARGEST_UPLOAD // 2**16):
            if not request.read(2**16):
                return
    except UnreadablePostError:
        return  # who sent it has gone


def answer(payload: Any, *, status: int = 200) -> Response:
    return Response(data_body(payload), status=status)
