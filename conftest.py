"""What every test has: the standing cast, a signed-in API client, and databases that allow a test to clean up."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

pytest_plugins = ["augmed.foundation.browsing"]

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
    texts.forget_protocols()  # ids of protocols come again in the next test
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
