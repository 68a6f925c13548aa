"""A header that Django cannot read. It reads `Content-Type` before any view or middleware, and a fault there is
answered by the web server itself: in HTML, and with a traceback in the log, for whoever sends it."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.utils.http import parse_header_parameters

# Python's other codecs unpack archives, or refuse some text. JSON is UTF-8 in any case.
READ = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})


def readable_content_type(application: Callable[..., Any]) -> WSGIApplication:
    """Of a content type whose parameters cannot be relied on, leave the type alone."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        kind = environ.get("CONTENT_TYPE", "")
        if ";" in kind and not _is_readable(kind):
            environ["CONTENT_TYPE"] = kind.partition(";")[0].strip()
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    return serve


def _is_readable(kind: str) -> bool:
    try:
        _, parameters = parse_header_parameters(kind)
        charset = parameters.get("charset")
        return charset is None or codecs.lookup(charset).name in READ
    except (LookupError, ValueError, TypeError):
        return False
