"""How soon the case page of 200 features is there, in Chromium against gunicorn, beside the sign-in page."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import Client

from benchmarks.requests import server

LOADS = 10
MOST_MILLISECONDS, MOST_BYTES = 1_000, 100_000
_PAINT = "() => performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)[0]"
_BYTES = "() => performance.getEntriesByType('navigation')[0].decodedBodySize"
_WATCH = """window.shifted = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({type: 'layout-shift', buffered: true});"""


@dataclass(frozen=True)
class Loaded:
    """One page, loaded LOADS times, each in a fresh browser context: milliseconds, bytes, layout shift at most."""

    name: str
    paints: tuple[float, ...]
    html: int
    shift: float

    @property
    def median(self) -> float:
        return median(self.paints)


def measure(say: Callable[[str], None]) -> list[Loaded]:
    """The floor first. Files are served as in production: compressed, by their hashed names."""
    call_command("collectstatic", verbosity=0, interactive=False)
    case, cookie = _prepare()
    from playwright.sync_api import sync_playwright

    with server() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pages = {"sign-in page": "/sign-in/", "case of 200 features": f"/reviews/{case}/"}
        rows = []
        for name, path in pages.items():
            say(f"loading the {name} {LOADS} times")
            rows.append(_load(browser, name, f"http://127.0.0.1:{port}{path}", cookie if "reviews" in path else None))
        browser.close()
    return rows


def _prepare() -> tuple[str, str]:
    """A case of 200 features, opened by its reader; the cookie of the reader's session."""
    from experiments.screens.reading.tests import charts_of_cases
    from experiments.tests import factories
    from participants.models import User

    begin = int(time.time())
    factories._numbers = itertools.count(begin)
    reader = User.objects.create_user(f"screens-{begin}@bench.example")
    review = charts_of_cases.reader_of(reader, charts_of_cases.large_tree(), name=f"Screens {begin}", number=begin)
    client = Client()
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    return str(review.public_id), client.cookies[settings.SESSION_COOKIE_NAME].value


def _load(browser: Any, name: str, address: str, cookie: str | None) -> Loaded:
    paints, html, shift = [], 0, 0.0
    for _ in range(LOADS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        if cookie:
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.goto(address, wait_until="networkidle")
        paints.append(page.evaluate(_PAINT))
        html = page.evaluate(_BYTES)
        shift = max(shift, page.evaluate("() => window.shifted"))
        context.close()
    return Loaded(name, tuple(paints), html, shift)
