"""Answers whose body is JSON text that is already there: what was hashed is served byte for byte."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse


def json_text(text: str, *, status: int = 200) -> HttpResponse:
    """Serve canonical JSON as it is stored. No browser or proxy keeps it: most of it is of patients."""
    return HttpResponse(text, content_type="application/json", status=status, headers={"Cache-Control": "no-store"})


def with_json_text(values: dict[str, Any], **texts: str) -> HttpResponse:
    """Serve an object: `values`, and beside them members whose JSON is given as text."""
    members = [f"{json.dumps(key)}:{json.dumps(value, cls=DjangoJSONEncoder)}" for key, value in values.items()]
    members += [f"{json.dumps(key)}:{text}" for key, text in texts.items()]
    return json_text("{" + ",".join(members) + "}")
