"""What tests in a browser share, as fixtures: a Chromium, pages of a user, and how to look at them.

After a step that leads to another page, a test first expects what only the new page has, and then looks: until then it
would look at the old page, or at one of which half has arrived."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

SECONDS = 30  # how slow the machine is, is no finding
QUIET = "() => { navigator.sendBeacon = () => true; window.fetch = () => new Promise(() => {}); }"


def arrived(page: Any) -> None:
    """All of the page is there, and its scripts have run. One that is just being replaced has no document for a moment.

    This cannot know that a click is about to lead elsewhere: first expect what only the new page has."""
    page.wait_for_load_state("load")
    page.locator("body").wait_for(state="attached")


def until(page: Any, happened: Callable[[], Any]) -> Any:
    """What `happened` says, once that is true: for what the server or the page does unseen, such as a row that a
    beacon brings. The page goes on meanwhile."""
    end = time.monotonic() + SECONDS
    while not (found := happened()):
        assert time.monotonic() < end, f"it did not happen within {SECONDS} seconds"
        page.wait_for_timeout(20)
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all browser tests: a second Playwright in the same thread would be refused."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SECONDS * 1000)

    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def _is_problem(message: Any, offline: bool, refused: bool) -> bool:
    """An error, but for the icon that the admin has none of and the refusals that a test provokes."""
    expected = "favicon" in message.location.get("url", "") or any(code in message.text for code in ("409", "422"))
    expected = expected or (offline and any(said in message.text for said in ("net::ERR_", "status of 502")))
    expected = expected or (refused and "responded with a status of 4" in message.text)
    return message.type == "error" and not expected


def _leave_quietly(contexts: list[Any]) -> None:
    """Close pages that would tell the server that they are left, while its database is being emptied; and wait for
    what the server, which runs in this process, is still busy with."""
    from playwright.sync_api import Error

    for context in contexts:
        for page in context.pages:
            with suppress(Error):  # a page that is just being left has no script to quieten
                page.evaluate(QUIET)
        context.close()
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:  # one for each connection: it ends with the browser's
            thread.join(timeout=SECONDS)


@pytest.fixture
def browse(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """`browse(user)` is a page signed in as the user, `browse(None)` one of nobody. At the end no console error may
    have been written, no request may have gone to anywhere else. `offline=True`: a test that cuts the connection, or
    has no server behind its proxy; `refused=True`: one that asks for what the user may not have."""
    contexts: list[Any] = []
    problems: list[str] = []

    def elsewhere(request: Any) -> None:
        if not request.url.startswith((live_server.url, "data:", "blob:", "about:")):
            problems.append(f"a request to {request.url}")

    def open_page(
        user: Any,
        *,
        width: int = 1440,
        scheme: str = "light",
        javascript: bool = True,
        offline: bool = False,
        refused: bool = False,
        **more: Any,
    ) -> Any:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=javascript,
            **more,
        )
        if user is not None:
            client = Client()
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.on("request", elsewhere)
        page.on("console", lambda said: problems.append(said.text) if _is_problem(said, offline, refused) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        contexts.append(context)
        return page

    yield open_page
    _leave_quietly(contexts)
    assert problems == []


@pytest.fixture
def fits() -> Callable[[Any], None]:
    """`fits(page)`: nothing on the page reaches beyond its right edge."""

    def look(page: Any) -> None:
        arrived(page)
        needed, there = page.locator("html").evaluate("html => [html.scrollWidth, html.clientWidth]")
        assert needed <= there, f"{page.url} needs {needed} pixels and has {there}"

    return look


@pytest.fixture
def picture(request: Any) -> Callable[..., None]:
    """Keep a screenshot where SCREENSHOTS names a folder."""

    def take(page: Any, name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            arrived(page)
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return take


@pytest.fixture(scope="session")
def axe_source() -> str:
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


@pytest.fixture
def no_barriers(axe_source: str) -> Callable[[Any], None]:
    """`no_barriers(page)`: axe finds nothing against WCAG 2.2 A and AA on the page as it stands.

    Without preloading: it would copy imported sheets of the admin into the page, which the page's policy forbids."""

    def look(page: Any) -> None:
        arrived(page)
        page.evaluate(axe_source)
        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        looking = "(tags) => axe.run({preload: false, runOnly: {type: 'tag', values: tags}})"
        found = page.evaluate(looking, rules)["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []

    return look
