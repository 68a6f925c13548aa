"""What every test has: the standing cast, a signed-in API client, and databases that allow a test to clean up."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

# A slow machine is no failure of a law. CI tries the same examples each time, so that a change is judged by itself;
# everybody else's run looks for new ones.
hypothesis_settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis_settings.load_profile("suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A browser test drives a live server, so it commits."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(autouse=True, scope="session")
def _facts_can_be_flushed() -> Iterator[None]:
    """Tests that commit are flushed afterwards, which append-only triggers refuse: lift them for the flush alone."""
    from augmed.foundation.testing import flushed_by_deleting, lift_guards, set_guards

    original = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        with flushed_by_deleting() as triggers_are_off:
            if triggers_are_off:
                original(self)
                return
            lift_guards()
            original(self)
            set_guards()

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[method-assign]
    yield
    TransactionTestCase._fixture_teardown = original  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Django asks SQLite once in a process whether it knows JSON; that is no statement of the code under test."""
    from django.db import connection

    with django_db_blocker.unblock():
        assert connection.features.supports_json_field


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A page in a browser sends several requests at once. SQLite in memory refuses the second at once, whatever the
    timeout says, so browser tests have a file."""
    from django.db import connections

    database = connections["default"]
    if database.vendor == "sqlite" and request.config.getoption("-m") == "browser":
        database.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        options = database.settings_dict["OPTIONS"]  # a test's file need not survive a power cut
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    """Throttles count in the cache; one test's requests are not another's."""
    from django.core.cache import cache

    from experiments.languages import texts

    cache.clear()
    texts._frozen.cache_clear()  # ids of protocols come again in the next test
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _files_go_to_a_temporary_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture(autouse=True)
def _studies_draw_the_same_arms_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study's seed is drawn at random. In a test it is the first, second, ... of a fixed list: with other arms each
    time, a test that counts rows of an arm would fail once in a while, and nobody could say for whom."""
    drawn = count(1)

    def token_hex(length: int) -> str:
        return sha256(b"%d" % next(drawn)).hexdigest() if length == 32 else secrets.token_hex(length)

    monkeypatch.setattr("experiments.models.experiment.secrets", SimpleNamespace(token_hex=token_hex))


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    from participants.models import Profile, User

    def make(email: str, **fields: Any) -> User:
        user = User.objects.create_user(email, "a long Passphrase 1!", **fields)
        Profile.objects.create(user=user, name=email.split("@")[0].title())
        return user

    return make


@pytest.fixture
def administrator(make_user: Callable[..., Any]) -> Any:
    return make_user("administrator@example.org", is_superuser=True, is_staff=True)


@pytest.fixture
def data_staff(make_user: Callable[..., Any]) -> Any:
    return make_user("data@example.org", is_staff=True, is_data_staff=True)


@pytest.fixture
def owner(make_user: Callable[..., Any]) -> Any:
    """A researcher; becomes the lead of a study by the `study` fixtures of experiments."""
    return make_user("owner@example.org", is_staff=True)


@pytest.fixture
def stranger(make_user: Callable[..., Any]) -> Any:
    """A researcher of another study."""
    return make_user("stranger@example.org", is_staff=True)


@pytest.fixture
def clinician(make_user: Callable[..., Any]) -> Any:
    return make_user("clinician@example.org")


@pytest.fixture
def other_clinician(make_user: Callable[..., Any]) -> Any:
    return make_user("other@example.org")


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """`api(user)` is a client that carries a real access token of that user; `api()` one that carries none."""

    def client(user: Any = None) -> APIClient:
        from participants.tokens import access_token_for

        made = APIClient()
        if user is not None:
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token_for(user)}")
        return made

    return client


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all browser tests: a second Playwright in the same thread would be refused."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # how slow the machine is, is no finding

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


def _is_problem(message: Any, offline: bool) -> bool:
    """An error, but for the icon that the admin has none of and the refusals that a test provokes."""
    expected = "favicon" in message.location.get("url", "") or any(code in message.text for code in ("409", "422"))
    expected = expected or (offline and "net::ERR_" in message.text)
    return message.type == "error" and not expected


class _Requests:
    """How many requests the live server, which runs in this process, is busy with."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.count = 0

    def begun(self, **_: Any) -> None:
        with self.changed:
            self.count += 1

    def done(self, **_: Any) -> None:
        with self.changed:
            self.count -= 1
            self.changed.notify_all()

    def wait(self) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.count <= 0, timeout=20)


def _leave_quietly(context: Any, requests: _Requests) -> None:
    """Close a browser whose pages would tell the server that they are left, while its database is being emptied; and
    wait for what the server is still busy with."""
    from playwright.sync_api import Error

    for page in context.pages:
        with suppress(Error):  # a page that is just being left has no script to quieten
            page.evaluate("() => { navigator.sendBeacon = () => true; window.fetch = () => new Promise(() => {}); }")
    context.close()
    requests.wait()


@pytest.fixture
def _requests() -> Iterator[_Requests]:
    requests = _Requests()
    request_started.connect(requests.begun)
    request_finished.connect(requests.done)
    yield requests
    request_started.disconnect(requests.begun)
    request_finished.disconnect(requests.done)


@pytest.fixture
def browse(chromium: Any, live_server: Any, _requests: _Requests) -> Iterator[Callable[..., Any]]:
    """`browse(user)` is a page signed in as the user, `browse(None)` one of nobody. At the end no console error may
    have been written, no request may have gone to anywhere else. `offline=True`: a test that cuts the connection."""
    contexts, problems = [], []

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
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("request", elsewhere)
        page.on("console", lambda message: problems.append(message.text) if _is_problem(message, offline) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        contexts.append(context)
        return page

    yield open_page
    for context in contexts:
        _leave_quietly(context, _requests)
    assert problems == []


def _has_arrived(page: Any) -> None:
    """A page that is just being replaced has no document for a moment, and then one without its styles.

    This cannot know that a click will lead elsewhere: first expect what only the new page has."""
    page.wait_for_load_state("load")
    page.locator("body").wait_for(state="attached")


@pytest.fixture
def fits() -> Callable[[Any], None]:
    """`fits(page)`: nothing on the page reaches beyond its right edge."""

    def look(page: Any) -> None:
        _has_arrived(page)
        needed, there = page.locator("html").evaluate("html => [html.scrollWidth, html.clientWidth]")
        assert needed <= there, f"{page.url} needs {needed} pixels and has {there}"

    return look


@pytest.fixture
def picture(request: Any) -> Callable[..., None]:
    """Keep a screenshot where SCREENSHOTS names a folder."""

    def take(page: Any, name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            _has_arrived(page)
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
        _has_arrived(page)
        page.evaluate(axe_source)
        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        looking = "(tags) => axe.run({preload: false, runOnly: {type: 'tag', values: tags}})"
        found = page.evaluate(looking, rules)["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []

    return look
