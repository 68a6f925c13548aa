"""The way in and the account page in a browser: by keyboard alone, without JavaScript, on a phone, in the dark."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse
from playwright.sync_api import expect

from participants import actions
from participants.models import User
from participants.tests.conftest import NEW_PASSWORD, PASSWORD, link_in
from participants.tests.second_factors import phone_of, switch_on

pytestmark = pytest.mark.browser
LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture
def invitation(transactional_db: None, invitee: User) -> str:
    actions.invite(user=invitee, by=None)
    return link_in(mail.outbox[-1].body)


@pytest.fixture
def look(fits: Any, no_barriers: Any, picture: Any) -> Any:
    """axe finds nothing, nothing is wider than the window, and a picture is kept."""

    def see(page: Any, name: str) -> None:
        no_barriers(page)
        fits(page)
        picture(page, name)

    return see


def code_field(page: Any) -> Any:
    return page.get_by_role("textbox", name="Code")


def sign_in(page: Any, user: User, password: str = PASSWORD) -> None:
    page.goto(reverse("sign_in"))
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("javascript", [True, False], ids=["", "without JavaScript"])
def test_from_the_mailed_link_to_ones_studies(invitation, browse, javascript):
    page = browse(None, javascript=javascript)
    page.goto(invitation)
    for password in ("short", NEW_PASSWORD):
        page.get_by_label("New password", exact=True).fill(password)
        page.get_by_label("New password confirmation").fill(password)
        page.get_by_role("button", name="Set password").click()
        if password == "short":
            expect(page.get_by_text("This password is too short")).to_be_visible()
    expect(page.get_by_role("heading", name="Your studies")).to_be_visible()
    expect(page.get_by_text("Your password is set, and you are signed in.")).to_be_visible()


def test_with_the_keyboard_alone(clinician, browse):
    page = browse(None)
    page.goto(reverse("account"))
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(clinician.email)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The address or the password is wrong.")
    page.get_by_label("Password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_forgotten_password(clinician, browse):
    page = browse(None)
    page.goto(reverse("sign_in"))
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(clinician.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    page.goto(link_in(mail.outbox[-1].body))
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password confirmation").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("heading", name="Your studies")).to_be_visible()


def test_a_second_factor_from_setting_up_to_a_recovery_code(clinician, browse, monkeypatch):
    phone = phone_of(clinician, monkeypatch)
    page = browse(None)
    sign_in(page, clinician)
    page.get_by_role("link", name="Account").click()
    page.get_by_role("link", name="Set up a second factor").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_text("Cannot scan? Type the key").click()
    expect(page.locator("code.secret")).to_have_text(re.compile("^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$"))
    code_field(page).fill(phone.code())
    page.get_by_role("button", name="Switch on").click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    for code in (phone.code(), codes[0].upper()):
        sign_in(page, clinician)
        expect(code_field(page)).to_be_focused()
        code_field(page).fill(code)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Your studies")).to_be_visible()
        page.get_by_role("button", name="Sign out", exact=True).click()


def test_staff_come_into_the_administration_by_the_same_door(administrator, browse):
    page = browse(None)
    page.goto(reverse("admin:index"))
    page.get_by_label("E-mail address").fill(administrator.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Welcome,")).to_be_visible()
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), LOOKS, ids=[f"{width} {scheme}" for width, scheme in LOOKS])
def test_pages_of_the_door(invitation, clinician, browse, look, monkeypatch, settings, width, scheme):
    phone = phone_of(clinician, monkeypatch)
    switch_on(clinician, phone)
    page = browse(None, width=width, scheme=scheme)

    def see(name: str) -> None:
        look(page, f"{name}-{width}-{scheme}")

    page.goto(reverse("sign_in"))
    see("sign-in")
    page.get_by_role("button", name="Sign in").click()
    see("sign-in-errors")
    sign_in(page, clinician)
    see("sign-in-code")
    code_field(page).fill(phone.wrong_code())
    page.get_by_role("button", name="Sign in").click()
    see("sign-in-code-wrong")
    page.goto(reverse("forgotten_password"))
    see("forgotten-password")
    page.goto(reverse("password_reset_done"))
    see("link-on-its-way")
    page.goto(invitation)
    see("invitation")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_role("button", name="Set password").click()
    see("invitation-errors")


@pytest.mark.parametrize(("width", "scheme"), LOOKS, ids=[f"{width} {scheme}" for width, scheme in LOOKS])
def test_pages_of_the_account(clinician, browse, look, monkeypatch, width, scheme):
    phone = phone_of(clinician, monkeypatch)
    page = browse(None, width=width, scheme=scheme)
    sign_in(page, clinician)

    def see(name: str, at: str = "") -> None:
        if at:
            page.goto(reverse(at))
        look(page, f"{name}-{width}-{scheme}")

    see("account", "account")
    see("password", "change_password")
    see("second-factor", "second_factor_begin")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Cannot scan? Type the key").click()
    see("second-factor-app")
    code_field(page).fill(phone.code())
    page.get_by_role("button", name="Switch on").click()
    see("recovery-codes")
    see("account-protected", "account")
    see("second-factor-off", "second_factor_off")


@pytest.mark.parametrize("width", [320, 720])
def test_enlarged_twice_and_more(clinician, browse, look, monkeypatch, width):
    """720 is 1440 at 200 %, 320 is 1280 at 400 %."""
    phone_of(clinician, monkeypatch)
    page = browse(None, width=width)
    page.goto(reverse("sign_in"))
    look(page, f"sign-in-{width}")
    sign_in(page, clinician)
    for name in ("account", "change_password", "second_factor_begin"):
        page.goto(reverse(name))
        look(page, f"{name}-{width}")


@pytest.fixture
def plain_page(chromium: Any, live_server: Any) -> Any:
    """A page that may be refused: `browse` takes a refusal, which the console names, for a fault."""
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 390, "height": 900})
    yield context.new_page()
    context.close()


def test_pages_of_refusals(invitation, invitee, clinician, plain_page, look, settings):
    page = plain_page
    actions.accept_invitation(token=invitation.removeprefix("/invitation/"), password=NEW_PASSWORD)
    page.goto(invitation)
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    look(page, "link-used")
    settings.AXES_FAILURE_LIMIT = 1
    sign_in(page, clinician, "wrong")
    expect(page.get_by_role("heading", name="Too many failed attempts")).to_be_visible()
    look(page, "locked-out")
    sign_in(page, invitee, NEW_PASSWORD)
    page.goto("/no/such/page/")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    look(page, "not-found")
    page.goto(reverse("admin:index"))
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    look(page, "not-allowed")
    page.get_by_role("link", name="To your studies").click()
    page.context.clear_cookies()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="This page is out of date")).to_be_visible()
    look(page, "out-of-date")


def test_signing_out_leaves_nothing_of_the_pages_in_the_browser(clinician, browse):
    page = browse(None)
    page.goto(reverse("account"))
    sign_in(page, clinician)
    expect(page.get_by_role("button", name="Sign out", exact=True).first).to_be_visible()
    page.evaluate("sessionStorage.trace = 'unsent'; localStorage.kept = 'here'")
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
