"""For programs every answer is JSON, also where no view was reached; elsewhere Django's own pages stay."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from augmed.foundation.errors import problem
from augmed.foundation.openapi import PROBLEM_MEDIA_TYPE
from augmed.published.envelope import error_body


def _problem(status_code: int, code: str, detail: str) -> JsonResponse:
    body = problem(status_code=status_code, code=code, detail=detail)
    return JsonResponse(body, status=status_code, content_type=PROBLEM_MEDIA_TYPE)


def _answer(request: HttpRequest, status_code: int, code: str, detail: str) -> JsonResponse:
    """In the format of the contract under whose addresses the path is."""
    if request.path_info == "/api/v2" or request.path_info.startswith("/api/v2/"):
        return _problem(status_code, code, detail)
    return JsonResponse(error_body(status_code, detail), status=status_code)


_CONTRACT = ("/api/", "/admin/users", "/admin/config/")
"""Below these no address is a page. The last two are the published contract's own, beside the admin's."""


def _is_api(request: HttpRequest) -> bool:
    return request.path_info == "/api" or request.path_info.startswith(_CONTRACT)


@csrf_exempt
def unknown_path(request: HttpRequest) -> JsonResponse:
    """Stands behind all API paths, so that neither a redirect to a slash nor a debug page takes their place."""
    return _answer(request, 404, "not_found", "There is no such address.")


def bad_request(request: HttpRequest, exception: Exception, **kwargs: Any) -> HttpResponse:
    if _is_api(request):
        return _answer(request, 400, "bad_request", "The request could not be read.")
    return defaults.bad_request(request, exception, **kwargs)


def permission_denied(request: HttpRequest, exception: Exception, **kwargs: Any) -> HttpResponse:
    if _is_api(request):
        return _answer(request, 403, "forbidden", "You may not do this.")
    return defaults.permission_denied(request, exception, **kwargs)


def page_not_found(request: HttpRequest, exception: Exception, **kwargs: Any) -> HttpResponse:
    if _is_api(request):
        return _answer(request, 404, "not_found", "There is no such address.")
    return defaults.page_not_found(request, exception, **kwargs)


def server_error(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    if _is_api(request):
        return _answer(request, 500, "server_error", "Something went wrong on the server.")
    return defaults.server_error(request, **kwargs)
