"""Each page of joining sends a fixed handful of statements, whatever the study and the reader have behind them."""

from typing import Any

import pytest
from django.test import Client

from experiments.models import Enrolment, Experiment
from experiments.screens.joining.tests import helpers

BEHIND_THE_DOOR = 3  # session, account, and whatever keeps the session alive


@pytest.mark.parametrize(("name", "most"), [("consent", 5), ("intake", 5), ("instructions", 2), ("withdraw", 3)])
def test_a_page_is_shown_in_few_statements(
    study: Experiment, reader: Enrolment, reading: Client, django_assert_max_num_queries: Any, name: str, most: int
) -> None:
    if name == "intake":
        reading.post(helpers.page(study, "consent"), helpers.signature(study))
    with django_assert_max_num_queries(BEHIND_THE_DOOR + most):
        assert reading.get(helpers.page(study, name)).status_code == 200


def test_signing_is_done_in_few_statements(
    study: Experiment, reader: Enrolment, reading: Client, django_assert_max_num_queries: Any
) -> None:
    """Those of the draw and of the audit trail among them."""
    form = helpers.signature(study)
    with django_assert_max_num_queries(50):
        assert reading.post(helpers.page(study, "consent"), form).status_code == 302
