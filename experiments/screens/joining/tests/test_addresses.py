"""What is no code of a study is no address, whatever it holds."""

from __future__ import annotations

from typing import Any

import pytest

PAGES = ("consent", "intake", "instructions", "training", "withdraw", "reminders")
ODD = ("a%00b", "exp-0123456789a%00", "exp-0123456789AB", "exp-0123456789abc", "%F0%9F%92%89", "exp-", "..")


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("code", [*ODD, "exp-0123456789ab"])
def test_is_not_found(client: Any, clinician: Any, page: str, code: str) -> None:
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/studies/{code}/{page}/").status_code == 404
    assert client.post(f"/studies/{code}/{page}/", {}).status_code == 404
