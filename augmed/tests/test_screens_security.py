"""Every address of the URLconf, whoever asks: the headers of its answer, nothing inline in its page, nobody sees what
is another's, and nothing stays in a browser.

A route that is added is in these tests at once; one that is for everybody is named in PUBLIC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from csp.utils import build_policy
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from experiments.models import Review
from participants import actions

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
PUBLIC = {
    "sign_in",
    "sign_in_code",
    "sign_out",
    "forgotten_password",
    "password_reset_done",
    "admin_password_reset",
    "set_language",
    "invitation",
    "password_reset_confirm",
    "password_reset_link",
    # By a link that its holder was given, which is looked up first:
    "look",
    "reminders_off",
}
OWN = {"front", "home", "account", "change_password", "sign_out_everywhere"}
"""Pages of whoever is signed in, with nothing in their address; so are those of the second factor."""
_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True)
class Route:
    name: str
    path: str
    keys: frozenset[str]
    """Names of what stands in the address."""

    @property
    def is_of_the_admin(self) -> bool:
        admin = self.path.startswith(f"/{settings.ADMIN_PATH}") and self.name != "admin_password_reset"
        return admin and not self.is_of_the_api

    @property
    def is_of_the_api(self) -> bool:
        return self.path.startswith(("/api", "/admin/users", "/admin/config"))

    @property
    def is_screen(self) -> bool:
        return not (self.is_of_the_admin or self.is_of_the_api)

    @property
    def is_public(self) -> bool:
        return self.name in PUBLIC or self.name.startswith("look_")


def routes(known: dict[str, Any]) -> list[Route]:
    return [Route(name, _filled(path, known), keys) for name, path, keys in _walk(get_resolver().url_patterns, "/")]


def _walk(patterns: Any, before: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    for pattern in patterns:
        path = before + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            keys = frozenset(re.findall(r"<(?:\w+:)?(\w+)>", path))
            yield pattern.name or "", path, keys


def _filled(path: str, known: dict[str, Any]) -> str:
    path = _GROUP.sub(lambda found: str(known.get(found[1], 1)), path)
    path = re.sub(r"\(\?:([^()/]*/)\)\?", "", path)
    path = re.sub(r"<(?:(\w+):)?(\w+)>", lambda found: str(known.get(found[2], _any(found[1]))), path)
    return path.replace("(?:/.*)?", "/x").replace("/?$", "").rstrip("$")


def _any(converter: str | None) -> object:
    return UUID(int=1) if converter == "uuid" else 1


@pytest.fixture
def known(study: Any, clinician: Any) -> dict[str, Any]:
    """What the addresses of the clinician's own study hold. The case is open."""
    review = Review.objects.filter(assignment__enrolment__user=clinician).exclude(opening=None).first()
    return {"code": study.code, "public_id": review.public_id, "experiment_id": study.pk, "object_id": study.pk}


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def ask(client: Client, method: str, path: str, **more: Any) -> Any:
    """Ask, and undo what it did: the next address meets the same study, and nobody is signed out."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        answer = getattr(client, method.lower())(path, **more)
        if answer.streaming:
            answer.getvalue()
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


WANTED = {
    "Content-Security-Policy": build_policy(),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere():
    directives = dict(part.split(" ", 1) for part in build_policy().split("; "))
    assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    sources = {source for sources in directives.values() for source in sources.split()}
    assert sources == {"'none'", "'self'", "data:"}
    assert [name for name, sources in directives.items() if "data:" in sources] == ["img-src"]


class Page(HTMLParser):
    """Notes what a strict policy would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        of_data = given.get("type") in {"application/json", "text/template"}
        if tag == "style" or (tag == "script" and "src" not in given and not of_data):
            self.refused.append(f"<{tag}>")
        for name, value in given.items():
            loads = name in {"src", "srcset", "action", "formaction", "poster", "data"} or (tag, name) == (
                "link",
                "href",
            )
            if name == "style" or name.startswith("on") or value.strip().lower().startswith("javascript:"):
                self.refused.append(f"<{tag} {name}>")
            elif loads and re.match(r"(?i)\s*(https?:)?//", value):
                self.refused.append(f"<{tag} {name}={value}>")


def asked(client: Client, known: dict[str, Any], *, posts: bool = True) -> Iterator[tuple[str, Route, Any]]:
    for route in routes(known):
        yield "GET", route, ask(client, "GET", route.path)
        if posts and not route.is_of_the_admin:
            yield "POST", route, ask(client, "POST", route.path)


def faults(route: Route, answer: Any) -> Iterator[str]:
    yield from (f"{name}: {answer.headers.get(name)}" for name in WANTED if answer.headers.get(name) != WANTED[name])
    if answer.status_code == 500 and not route.is_of_the_api:
        yield "an error of the server"
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        yield from Page(answer.content.decode()).refused
        if route.is_screen and answer.status_code == 200 and "no-store" not in answer.headers.get("Cache-Control", ""):
            yield "a browser may keep it"


@pytest.mark.parametrize(
    ("who", "pages"), [("anonymous", 5), ("clinician", 8), ("lead", 30), ("administrator", 60)], ids=str
)
def test_every_answer_has_the_headers_and_nothing_inline(cast, known, who, pages):
    """`pages` is how many the person sees at least: a walk that meets refusals only would prove little."""
    client = signed_in(cast[who]) if cast[who] else Client()
    found, seen = [], 0
    for method, route, answer in asked(client, known):
        found += [f"{method} {route.path} ({route.name}): {fault}" for fault in faults(route, answer)]
        seen += answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert found == []
    assert seen >= pages


def test_nobody_is_led_to_the_door_but_from_what_is_not_public(known):
    for route in routes(known):
        for method in ("GET", "POST"):
            answer = ask(Client(), method, route.path)
            if route.is_screen and not route.is_public:
                wanted = f"{reverse('sign_in')}?next="
                led = answer.headers.get("Location", "").startswith((wanted, reverse("second_factor_begin")))
                assert answer.status_code == 302, (method, route)
                assert led, (method, route, answer.headers["Location"])
            elif route.is_of_the_admin:
                # Django's admin serves its catalogue of texts to anybody.
                assert answer.status_code in {302, 404} or route.name == "jsi18n", (method, route)


@pytest.mark.parametrize("who", ["other clinician", "stranger", "lead", "administrator"])
def test_what_is_a_readers_own_looks_to_others_like_what_is_not_there(cast, known, who):
    """To staff as well: they have previews."""
    client, found = signed_in(cast[who]), 0
    made_up = {"code": "NOSUCH", "public_id": UUID(int=1)}
    for route, absent in zip(routes(known), routes({**known, **made_up}), strict=True):
        if route.is_screen and not route.is_public and route.path != absent.path:
            codes = [
                [ask(client, "GET", path, follow=True).status_code, ask(client, "POST", path).status_code]
                for path in (route.path, absent.path)
            ]
            assert codes[0] == codes[1], route
            assert not {200, 302, 303, 500} & set(codes[0]), (route, codes)
            found += 1
    assert found >= 10


def test_the_reader_gets_them(cast, known):
    client = signed_in(cast["clinician"])
    assert ask(client, "GET", reverse("review", args=[known["public_id"]])).status_code == 200
    assert ask(client, "GET", reverse("study_withdraw", args=[known["code"]])).status_code == 200


def test_every_form_of_the_screens_needs_its_token(cast, known):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["clinician"], backend=BACKEND)
    for route in routes(known):
        if route.is_screen:
            answer = ask(client, "POST", route.path)
            assert answer.status_code in {403, 404, 405}, (route, answer.status_code)
    page = ask(client, "POST", reverse("sign_out")).content.decode()
    assert "Nothing was saved by this." in page


@pytest.mark.parametrize(
    "end",
    [
        actions.deactivate,
        actions.sign_out_everywhere,
        lambda user, by: actions.change_password(user=user, password="another long Passphrase 2!", by=by),
        lambda user, by: actions.change_address(user=user, email="moved@example.org", by=by),
        lambda user, by: actions.change_global_role(user=user, is_superuser=False, is_data_staff=True, by=by),
    ],
    ids=["deactivated", "signed out everywhere", "new password", "new address", "new role"],
)
def test_a_session_ends_at_once(clinician, end):
    client = signed_in(clinician)
    assert client.get(reverse("home")).status_code == 200
    end(user=clinician, by=None)
    assert client.get(reverse("home")).headers["Location"].startswith(reverse("sign_in"))


def test_cookies_are_not_for_scripts_and_stay_on_this_site(clinician, client):
    answer = client.post(reverse("sign_in"), {"username": clinician.email, "password": "a long Passphrase 1!"})
    session = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
    assert answer.cookies[settings.CSRF_COOKIE_NAME]["samesite"] == "Lax"


def test_signing_in_gives_a_session_of_another_name(clinician, client):
    client.get(reverse("sign_in"))
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    client.post(reverse("sign_in"), {"username": clinician.email, "password": "a long Passphrase 1!"})
    assert client.session.session_key != before
