"""The way in and the account page in a browser: by keyboard alone, without JavaScript, on a phone, in the dark."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse
from playwright.sync_api import expect

from augmed.foundation.browsing import arrived, until
from participants import actions
from participants.models import User
from participants.tests.conftest import NEW_PASSWORD, PASSWORD, link_in
from participants.tests.second_factors import phone_of, switch_on

pytestmark = pytest.mark.browser
CODE_PAGE = "Your second factor"
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


def has(page: Any, heading: str) -> None:
    """The page with this heading has come."""
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def sign_in(page: Any, user: User, password: str = PASSWORD, *, onward: str = "Your studies") -> None:
    page.goto(reverse("sign_in"))
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    has(page, onward)


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
    has(page, "Your studies")
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
    has(page, "Your account")
    arrived(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_forgotten_password(clinician, browse):
    page = browse(None)
    page.goto(reverse("sign_in"))
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(clinician.email)
    page.get_by_role("button", name="Send the link").click()
    has(page, "Look in your mailbox")
    page.goto(link_in(mail.outbox[-1].body))
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password confirmation").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password").click()
    has(page, "Your studies")


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
    expect(page.locator(".codes code")).to_have_count(10)
    codes = page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    for code in (phone.code(), codes[0].upper()):
        sign_in(page, clinician, onward=CODE_PAGE)
        expect(code_field(page)).to_be_focused()
        code_field(page).fill(code)
        page.get_by_role("button", name="Sign in").click()
        has(page, "Your studies")
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_staff_come_into_the_administration_by_the_same_door(administrator, browse):
    page = browse(None)
    page.goto(reverse("admin:index"))
    page.get_by_label("E-mail address").fill(administrator.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Welcome,")).to_be_visible()
    page.get_by_role("link", name="Your account").click()
    has(page, "Your account")


@pytest.mark.parametrize(("width", "scheme"), LOOKS, ids=[f"{width} {scheme}" for width, scheme in LOOKS])
def test_pages_of_the_door(invitation, clinician, browse, look, monkeypatch, settings, width, scheme):
    phone = phone_of(clinician, monkeypatch)
    switch_on(clinician, phone)
    page = browse(None, width=width, scheme=scheme)
    wrong = page.locator(".field.wrong")

    def see(name: str) -> None:
        look(page, f"{name}-{width}-{scheme}")

    page.goto(reverse("sign_in"))
    see("sign-in")
    page.get_by_role("button", name="Sign in").click()
    expect(wrong).to_have_count(2)
    see("sign-in-errors")
    sign_in(page, clinician, onward=CODE_PAGE)
    see("sign-in-code")
    code_field(page).fill(phone.wrong_code())
    page.get_by_role("button", name="Sign in").click()
    expect(wrong).to_have_count(1)
    see("sign-in-code-wrong")
    page.goto(reverse("forgotten_password"))
    see("forgotten-password")
    page.goto(reverse("password_reset_done"))
    see("link-on-its-way")
    page.goto(invitation)
    see("invitation")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_role("button", name="Set password").click()
    expect(wrong.first).to_be_visible()
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
    expect(page.locator(".codes code")).to_have_count(10)
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


def test_pages_of_refusals(invitation, invitee, clinician, browse, look, settings):
    page = browse(None, width=390, refused=True)
    actions.accept_invitation(token=invitation.removeprefix("/invitation/"), password=NEW_PASSWORD)
    page.goto(invitation)
    has(page, "This link does not work")
    look(page, "link-used")
    settings.AXES_FAILURE_LIMIT = 1
    sign_in(page, clinician, "wrong", onward="Too many failed attempts")
    look(page, "locked-out")
    sign_in(page, invitee, NEW_PASSWORD)
    page.goto("/no/such/page/")
    has(page, "Not found")
    look(page, "not-found")
    page.goto(reverse("admin:index"))
    has(page, "Not allowed")
    look(page, "not-allowed")
    page.get_by_role("link", name="To your studies").click()
    has(page, "Your studies")
    page.context.clear_cookies()
    page.get_by_role("button", name="Sign out").click()
    has(page, "This page is out of date")
    look(page, "out-of-date")


def test_signing_out_leaves_nothing_of_the_pages_in_the_browser(clinician, browse):
    page = browse(None)
    page.goto(reverse("account"))
    sign_in(page, clinician)
    expect(page.get_by_role("button", name="Sign out", exact=True).first).to_be_visible()
    page.evaluate("sessionStorage.trace = 'unsent'; localStorage.kept = 'here'")
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    until(page, lambda: page.evaluate("sessionStorage.length + localStorage.length") == 0)
