"""Dates and numbers are written as the page's language writes them, also where a sentence holds them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone, translation
from django.utils.formats import date_format

from augmed.foundation.errors import Conflict
from experiments.answers import Problem, QuestionDefinition
from experiments.reviewing.review_state import refuse_before
from experiments.screens.answering.panel import answer_panel
from experiments.screens.answering.said import said

MOMENT = datetime(2026, 3, 2, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "2 March 2026, 18:05"),
        ("de", "2. März 2026, 18:05 Uhr"),
        ("fr", "2 mars 2026 à 18:05"),
        ("es", "2 de marzo de 2026 a las 18:05"),
    ],
)
def test_a_moment(language: str, written: str) -> None:
    with translation.override(language):
        assert date_format(MOMENT, "DATETIME_FORMAT") == written


@pytest.mark.parametrize(("language", "written"), [("en", "0.5"), ("de", "0,5"), ("fr", "0,5"), ("es", "0,5")])
def test_a_bound_in_what_is_wrong_and_at_the_end_of_a_slider(language: str, written: str) -> None:
    question = QuestionDefinition("risk", "probability", minimum=Decimal("0.5"))
    with translation.override(language):
        assert written in said(Problem("The number must be at least %(least)s.", {"least": "0.5"}))
        (control,) = answer_panel([question], texts=str).controls
        assert control.ends == (written, "100")
        assert control.low == "0.5"  # of the control itself, which browsers read


def test_the_day_on_which_a_case_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: MOMENT - timedelta(days=1))
    with translation.override("de"), pytest.raises(Conflict, match=r"am 2\. März 2026 um 18:05 UTC"):
        refuse_before(MOMENT)
