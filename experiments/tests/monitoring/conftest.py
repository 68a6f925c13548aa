"""Studies that run: people who have read some of their cases, at times that a test says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from augmed.foundation.append_only import erasing
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role
from experiments.models import Enrolment, EnrolmentEvent, ExperimentTransition, Review, ReviewOpening, Submission
from experiments.tests import factories

ANSWERS = {"diagnosis": "yes", "risk": 20}
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
"""A Tuesday at noon."""
LONG_AGO = NOW - timedelta(days=60)


@pytest.fixture
def one_arm(lead: Any) -> Any:
    """An active study of four cases and one arm with one stage."""
    return factories.make_study(by=lead, arms={"Only": [factories.show("age")]}, case_order="fixed", name="Chest pain")


def reader(email: str | None = None, *, password: bool = True, **fields: Any) -> Any:
    user = factories.make_participant(email)
    if password:
        user.set_password("a long Passphrase 1!")
        user.save()
    return user


def reviews_of(enrolment: Enrolment) -> list[Review]:
    return list(
        Review.objects.filter(assignment__enrolment=enrolment).order_by("assignment__position", "stage_position")
    )


def read(review: Review, *, answers: Any = ANSWERS, at: datetime | None = None, seconds: float = 60) -> None:
    """Open and answer; with `at`, as if it had been answered then, after so many seconds."""
    who = review.assignment.enrolment.user
    open_review(public_id=review.public_id, by=who)
    submit(public_id=review.public_id, answers=answers, by=who)
    if at is not None:
        backdate(ReviewOpening, "opened_at", at - timedelta(seconds=seconds), review=review)
        backdate(Submission, "submitted_at", at, review=review)


def backdate(model: Any, field: str, at: datetime, **which: Any) -> None:
    """A test's own door: what a fact says of its time."""
    with transaction.atomic(), erasing():
        model.objects.filter(**which).update(**{field: at})


def joined(experiment: Any, *, at: datetime = LONG_AGO, **fields: Any) -> Enrolment:
    """Somebody who takes part since then; the study has run for longer."""
    enrolment = factories.make_enrolment(experiment, reader(**fields))
    Enrolment.objects.filter(pk=enrolment.pk).update(joined_at=at)
    backdate(EnrolmentEvent, "at", at, enrolment=enrolment)
    backdate(ExperimentTransition, "at", at - timedelta(days=1), experiment=experiment)
    enrolment.refresh_from_db()
    return enrolment


@pytest.fixture
def staff(make_user: Callable[..., Any]) -> Callable[[Any, str], Any]:
    """`staff(experiment, role)` is somebody who holds that role in the study alone."""

    def make(experiment: Any, role: str) -> Any:
        person = make_user(f"{role}-{experiment.pk}@example.org")
        grant_role(user=person, experiment=experiment, role=role, by=None)
        person.refresh_from_db()
        return person

    return make


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is Tuesday noon for whoever asks for the time (rows that are made now keep the real one)."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return NOW


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
