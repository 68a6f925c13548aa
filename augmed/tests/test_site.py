"""The documented site passes each address to whom it belongs: a page of the server that it forgets is the client's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import URLPattern

from augmed.published.urls import urlpatterns as published
from participants.urls import urlpatterns as pages

SITE = (Path(settings.BASE_DIR) / "docs" / "nginx.conf.template").read_text()
CLIENT, SERVER, EITHER = "client", "server", "client's file, else server"
BODY = {"proxy_pass ${API_URL};": SERVER, "try_files $uri /index.html;": CLIENT, "rewrite ^ /index.html last;": CLIENT}


def locations(admin_path: str) -> Iterator[tuple[str, str, str]]:
    """Modifier, pattern and target of each location; nginx's named ones are reached from others only."""
    text = SITE.replace("${ADMIN_PATH}", admin_path)
    for modifier, pattern, body in re.findall(r"(?ms)^    location (=|~|) ?(\S+) \{\n(.*?)^    \}", text):
        if not pattern.startswith("@"):
            target = next((to for line, to in BODY.items() if line in body), EITHER)
            yield modifier, pattern, target


def goes_to(path: str, admin_path: str = "manage/") -> str:
    """As nginx chooses: the same address, else the first expression, else the longest beginning."""
    found = list(locations(admin_path))
    same = [to for kind, at, to in found if kind == "=" and at == path]
    fits = [to for kind, at, to in found if kind == "~" and re.match(at, path)]
    begins = sorted((len(at), to) for kind, at, to in found if kind == "" and path.startswith(at))
    return (same or fits or [begins[-1][1]])[0]


def examples(pattern: URLPattern) -> set[str]:
    """Addresses that a pattern takes: with what may be left out, and without it."""
    written = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "1", str(pattern.pattern))
    plain = "/" + re.sub(r"<[^>]+>", "1", written).strip("^$").removesuffix("/?")
    return {re.sub(r"\(\?:([^()]*)\)\?", kept, plain) for kept in (r"\1", "")}


@pytest.mark.parametrize("path", sorted(set().union(*map(examples, [*pages, *published]))))
def test_every_page_of_the_server_is_reached_through_the_site(path):
    moved = path.replace(f"/{settings.ADMIN_PATH}password_reset", "/manage/password_reset")
    expected = CLIENT if moved == "/reset-password/1" else SERVER
    assert goes_to(moved) == expected


@pytest.mark.parametrize("admin_path", ["manage/", "admin/"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/signup",
        "/intro",
        "/forgot-password",
        "/reset-password/token",
        "/case-review/1",
        "/answer/1",
        "/favicon.ico",
        "/admin/rl",
        "/admin/rl/exp-1",
        "/admin/upload",
    ],
)
def test_the_client_keeps_its_pages_wherever_the_admin_is(path, admin_path):
    assert goes_to(path, admin_path) == CLIENT


@pytest.mark.parametrize(
    ("path", "admin_path"),
    [
        ("/manage/", "manage/"),
        ("/manage/participants/user/", "manage/"),
        ("/admin/", "admin/"),
        ("/admin/participants/user/", "admin/"),
        ("/api/docs", "manage/"),
        ("/api/v2/reviews/next", "manage/"),
    ],
)
def test_the_admin_and_the_api_are_the_server_s(path, admin_path):
    assert goes_to(path, admin_path) == SERVER


def test_both_have_static_files():
    assert goes_to(f"{settings.STATIC_URL}admin/css/base.css") == EITHER


def test_compose_puts_in_what_the_site_wants():
    wanted = set(re.findall(r"\$\{([A-Z_]+)\}", SITE))
    compose = (Path(settings.BASE_DIR) / "compose.yaml").read_text()
    service = compose[compose.index("x-site:") : compose.index("services:")]
    assert wanted == set(re.search(r"NGINX_ENVSUBST_FILTER: \^\((.*)\)", service).group(1).split("|"))
    assert all(f"    {name}: " in service for name in wanted)
