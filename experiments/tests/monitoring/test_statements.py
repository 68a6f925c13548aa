"""The pages of a running study cost as many statements for many people as for few."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from experiments.actions.reminders import set_reminder_rule
from experiments.models import Reminder
from experiments.tests.monitoring.conftest import LONG_AGO, client_of, joined, read, reviews_of
from experiments.tests.monitoring.test_blinding_of_pages import study  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db

MOST = {
    "progress": 17,
    "progress_participants": 17,
    "progress_cases": 16,
    "stalled": 18,
    "reminders": 19,
    "outcomes_by_arm": 24,
}


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (role, name)
        for role in ("coordinator", "unblinded_analyst")
        for name in MOST
        if (role, name) != ("coordinator", "outcomes_by_arm")
    ],
)
def test_statements_of_a_page(study, staff, lead, role, name):  # noqa: F811
    set_reminder_rule(experiment=study, by=lead)
    client, counts = client_of(staff(study, role)), []
    address = reverse(f"admin:experiments_experiment_{name}", args=[study.pk])
    send = client.post if name == "outcomes_by_arm" else client.get
    for people in (5, 4):
        for _ in range(people):
            enrolment = joined(study)
            read(reviews_of(enrolment)[0], at=LONG_AGO)
            Reminder.objects.create(enrolment=enrolment, cases_left=1, sent_at=LONG_AGO)
        send(address)  # what is kept from then on is no part of it
        with CaptureQueriesContext(connection) as statements:
            assert send(address).status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[1] <= MOST[name]
