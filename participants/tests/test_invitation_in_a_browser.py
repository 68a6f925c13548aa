"""What only a browser does: the headers of a posted form, and the way from the mail to the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from participants import actions
from participants.models import User
from participants.tests.conftest import NEW_PASSWORD, link_in

pytestmark = pytest.mark.browser


@pytest.fixture
def path(transactional_db: None, invitee: User) -> str:
    User.objects.filter(pk=invitee.pk).update(is_staff=True)
    actions.invite(user=invitee, by=None)
    return link_in(mail.outbox[-1].body)


def test_from_the_mailed_link_to_the_admin(path: str, live_server: Any, chromium: Any) -> None:
    context = chromium.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto(path)
    for password in ("short", NEW_PASSWORD):
        page.get_by_label("New password:").fill(password)
        page.get_by_label("New password confirmation:").fill(password)
        page.get_by_role("button", name="Set password").click()
        if password == "short":
            assert page.get_by_text("This password is too short").is_visible()
    assert page.get_by_role("heading", name="Your password is set").is_visible()
    page.get_by_role("link", name="Open the administration").click()
    page.get_by_label("Email:").fill("invitee@example.org")
    page.get_by_label("Password:").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_text("Welcome,").is_visible()
    context.close()
