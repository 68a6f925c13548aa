"""Sessions that can neither lose nor double: whatever happens between a page and its server, there is exactly one
answer in the end, and what the page says is true."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from augmed.foundation.browsing import SECONDS, until
from experiments.models import Review, ReviewDraft, ReviewEvent, Submission
from experiments.screens.answering.tests.browser_help import (
    address,
    fill,
    go_on,
    is_done,
    is_kept,
    is_open,
    open_case,
    says,
    send,
    stored,
)
from experiments.screens.answering.tests.questions import ANSWERS

pytestmark = pytest.mark.browser

PASSWORD = "a long Passphrase 1!"


def one_answer(review: Review, **other: str) -> None:
    assert Submission.objects.count() == 1
    expected = {**ANSWERS, "findings": ["Cough", "Leg swelling"], **other}
    assert stored(review) == expected
    assert not ReviewDraft.objects.exists()


def kinds(review: Review) -> list[str]:
    server_side = ReviewEvent.objects.filter(review=review, page_session=None).order_by("pk")
    return list(server_side.values_list("kind", flat=True))


@pytest.fixture
def page(browse: Callable[..., Any], clinician: Any, review: Review) -> Any:
    """The clinician's page with the first case open. A reload is not held back."""
    made = browse(clinician, offline=True)
    made.on("dialog", lambda dialog: dialog.accept())
    open_case(made, review)
    return made


def second_tab(page: Any, review: Review) -> Any:
    tab = page.context.new_page()
    tab.goto(address(review))
    return tab


# Two tabs


def test_two_tabs_type_the_one_behind_is_told_and_takes_over(
    page: Any, review: Review, picture: Any, no_barriers: Any
) -> None:
    tab = second_tab(page, review)
    page.locator("#q-next").fill("first tab")
    says(page, "saved")
    tab.locator("#q-next").fill("second tab")
    says(tab, "behind")
    expect(tab.get_by_text("These answers were also changed in another window")).to_be_visible()
    assert "first tab" in ReviewDraft.objects.get().answers
    picture(tab, "behind-1440-light")
    no_barriers(tab)

    tab.get_by_role("button", name="Keep what is here").click()
    says(tab, "saved")
    assert "second tab" in ReviewDraft.objects.get().answers
    page.locator("#q-next").fill("first tab again")
    says(page, "behind")
    page.get_by_role("button", name="Show those answers").click()
    expect(page.locator("#q-next")).to_have_value("second tab")
    fill(page)
    send(page)
    is_done(page)
    one_answer(review)


def test_two_tabs_send_the_first_answer_stands_and_the_second_tab_says_so(page: Any, review: Review) -> None:
    tab = second_tab(page, review)
    fill(page)
    send(page)
    is_done(page)
    fill(tab, risk="99")
    send(tab)
    says(tab, "refused")
    assert tab.locator('[data-says="refused"]').inner_text() in (
        "Your first answer to this case is saved and cannot be changed. Load this page again",
        "This case is answered already. The answers that were sent first are saved and final. Load this page again",
    )
    tab.get_by_role("link", name="Load this page again").click()
    expect(tab.get_by_text("These answers are final.")).to_be_visible()
    expect(tab.get_by_text("35\u00a0%")).to_be_visible()
    one_answer(review)


def test_two_tabs_send_the_same_it_is_one_answer(page: Any, review: Review) -> None:
    fill(page)
    is_kept(page)
    tab = second_tab(page, review)
    for each in (page, tab):
        send(each)
        is_done(each)
    one_answer(review)
    assert kinds(review).count("submit_repeated") == 1


def test_a_double_click_sends_once(page: Any, review: Review) -> None:
    fill(page)
    page.get_by_role("button", name="Send answers").dblclick()
    is_done(page)
    one_answer(review)
    assert kinds(review) == ["opened", "submitted"]


def test_a_second_tab_does_not_skip_or_unlock_a_stage(page: Any, review: Review) -> None:
    later = Review.objects.get(assignment=review.assignment_id, stage_position=2)
    tab = page.context.new_page()
    tab.goto(address(later))
    expect(tab.get_by_role("heading", name="This is not possible now")).to_be_visible()
    assert not hasattr(later, "opening")
    fill(page)
    send(page)
    is_done(page)
    tab.goto(address(later))
    tab.get_by_role("button", name="Open the case").click()
    is_open(tab)
    page.goto(address(review))
    expect(page.get_by_text("These answers are final.")).to_be_visible()
    expect(page.locator("#answers")).to_have_count(0)
    one_answer(review)


# Back, forth, reload


def test_back_and_forth_shows_the_answer_and_sends_nothing(page: Any, review: Review) -> None:
    fill(page)
    send(page)
    is_done(page)
    page.go_back()
    expect(page.get_by_text("These answers are final.")).to_be_visible()
    expect(page.locator("#answers")).to_have_count(0)
    page.go_forward()
    is_done(page)
    page.reload()
    is_done(page)
    go_on(page)
    page.go_back()
    page.go_back()
    expect(page.get_by_text("These answers are final.")).to_be_visible()
    one_answer(review)
    assert kinds(review) == ["opened", "submitted"]


def test_reload_in_mid_submit_when_the_answer_had_arrived(page: Any, review: Review) -> None:
    fill(page)
    held: list[Any] = []

    def stored_but_not_told(route: Any) -> None:
        route.fetch()
        held.append(route)

    page.route("**/answer/", stored_but_not_told)
    send(page)
    says(page, "sending")
    until(page, lambda: held)
    page.reload()
    expect(page.get_by_text("These answers are final.")).to_be_visible()
    one_answer(review)


def test_reload_in_mid_submit_when_nothing_had_arrived(page: Any, review: Review) -> None:
    fill(page)
    is_kept(page)
    page.route("**/answer/", lambda route: None)  # on its way for ever
    send(page)
    says(page, "sending")
    page.reload()
    page.unroute("**/answer/")
    expect(page.locator("#q-next")).to_have_value("CT scan")  # the form, as it was: nothing says that it was sent
    expect(page.get_by_text("These answers are final.")).to_have_count(0)
    assert not Submission.objects.exists()
    send(page)
    is_done(page)
    one_answer(review)


# The connection


def test_lost_for_a_minute_while_typing(page: Any, review: Review) -> None:
    page.clock.install()
    page.context.set_offline(True)
    fill(page)
    page.clock.fast_forward(1_000)
    says(page, "offline")
    page.clock.fast_forward("01:00")
    says(page, "offline")
    assert not ReviewDraft.objects.exists()
    page.context.set_offline(False)
    page.clock.fast_forward(4_000)
    says(page, "saved")
    assert "CT scan" in ReviewDraft.objects.get().answers
    send(page)
    is_done(page)
    one_answer(review)


def test_lost_for_a_minute_while_sending(page: Any, review: Review, picture: Any, no_barriers: Any) -> None:
    fill(page)
    is_kept(page)
    page.clock.install()
    page.context.set_offline(True)
    send(page)
    says(page, "unsure")
    expect(page.get_by_text("Whether your answers have arrived is not known yet")).to_be_visible()
    picture(page, "unsure-1440-light")
    no_barriers(page)
    page.clock.fast_forward("01:00")
    says(page, "unsure")
    assert not Submission.objects.exists()
    page.context.set_offline(False)
    page.clock.fast_forward(4_000)
    is_done(page)
    one_answer(review)


def test_lost_after_the_answer_had_arrived(page: Any, review: Review) -> None:
    fill(page)
    lost: list[int] = []

    def lose_the_first(route: Any) -> None:
        answer = route.fetch()
        if lost:
            route.fulfill(response=answer)
            return
        lost.append(answer.status)
        route.abort("connectionreset")

    page.route("**/answer/", lose_the_first)
    send(page)
    is_done(page)
    assert lost == [200]
    one_answer(review)
    assert kinds(review) == ["opened", "submitted", "submit_repeated"]


def test_no_server_behind_the_proxy_once_the_answer_is_stored(page: Any, review: Review) -> None:
    fill(page)
    away: list[str] = []

    def restart(route: Any) -> None:
        if away:
            route.continue_()
            return
        away.append(route.request.url)
        route.fulfill(status=502, body="Bad gateway")

    page.route("**/done/", restart)
    send(page)
    is_done(page)
    assert len(away) == 1
    one_answer(review)
    assert kinds(review) == ["opened", "submitted", "submit_repeated"]


# Signed out


def test_signed_out_meanwhile_it_says_so_and_goes_on_after_signing_in(
    page: Any, review: Review, clinician: Any
) -> None:
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    fill(page)
    send(page)
    says(page, "door")
    expect(page.get_by_role("button", name="Send answers")).to_be_focused()
    assert not Submission.objects.exists()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new window").click()
    tab = opened.value
    tab.locator("[name=username]").fill(clinician.email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.locator("main button[type=submit]").click()
    tab.wait_for_url("**/home/")
    send(page)
    is_done(page)
    one_answer(review)


# The server


class MortalServer:
    """The project in a process of its own, on the test's database, which can be killed and started again."""

    def __init__(self) -> None:
        self.place = socket.socket()  # keeps the port while no server lives: bound, but it does not listen
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", 0))
        self.port = self.place.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None

    def start(self, moment: str = "never") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experiments.screens.answering.tests.mortal_server", str(self.port), moment],
            env={**os.environ, "DATABASE_URL": self._database(), "SECRET_KEY": settings.SECRET_KEY},
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        assert int(self.process.stdout.readline()) == self.port

    def wait_for_its_death(self) -> int:
        assert self.process is not None
        self.process.communicate(timeout=60)
        return self.process.returncode

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.place.close()

    def _database(self) -> str:
        of = connection.settings_dict
        if connection.vendor == "sqlite":
            return f"sqlite:///{of['NAME']}"
        return f"postgres://{of['USER']}:{of['PASSWORD']}@{of['HOST']}:{of['PORT']}/{of['NAME']}"


@pytest.fixture
def server() -> Iterator[MortalServer]:
    made = MortalServer()
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("moment", "was_stored"),
    [("before", False), ("within", False), ("after", True)],
)
def test_the_server_is_killed_in_mid_submit_and_started_again(
    chromium: Any, server: MortalServer, review: Review, clinician: Any, moment: str, was_stored: bool
) -> None:
    server.start(moment)
    client = Client()
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    base = f"http://127.0.0.1:{server.port}"
    context = chromium.new_context(base_url=base)
    context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                "url": base,
            }
        ]
    )
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    open_case(page, review)
    fill(page)
    is_kept(page)
    send(page)
    assert server.wait_for_its_death() == -9
    says(page, "unsure")
    assert Submission.objects.exists() is was_stored

    server.start()
    is_done(page)
    one_answer(review)
    assert kinds(review).count("submit_repeated") == (1 if was_stored else 0)
    page.goto(reverse("home"))
    expect(page.get_by_role("link", name="Go on with this case")).to_be_visible()
    context.close()
