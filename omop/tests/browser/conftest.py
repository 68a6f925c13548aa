"""Pages of the live server, signed in by cookie; every page must be free of console errors and fit its window."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client


def _is_problem(message: Any) -> bool:
    """An error, but for the refusals that a test provokes."""
    return message.type == "error" and "422" not in message.text


@pytest.fixture
def browse(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """`browse(user)` is a page signed in as the user; at the end no console error may have been written."""
    contexts, problems = [], []

    def open_page(user: Any, *, width: int = 1440, scheme: str = "light", javascript: bool = True) -> Any:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=javascript,
        )
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: problems.append(message.text) if _is_problem(message) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        contexts.append(context)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def picture(request: Any) -> Callable[..., None]:
    """Keep a screenshot where SCREENSHOTS names a folder."""

    def take(page: Any, name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return take
