"""Feeds as scripts read them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

FEEDS = ("answers", "display-configs", "analytics", "participants")


def body(response: Any) -> Any:
    assert response.status_code == 200, response.content
    return json.loads(b"".join(response.streaming_content))


def rows(client: Any, feed: str, **query: Any) -> list[dict[str, Any]]:
    return body(client.get(f"/api/v1/export/{feed}", query))["data"]


def lines(client: Any, feed: str, **query: Any) -> tuple[list[str], list[dict[str, str]]]:
    response = client.get(f"/api/v1/export/{feed}", query, HTTP_ACCEPT="text/csv")
    assert response.headers["content-disposition"] == 'attachment; filename="export.csv"'
    reader = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode(), newline=""))
    found = list(reader)
    return list(reader.fieldnames or ()), found
