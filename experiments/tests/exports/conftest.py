"""A small study with some reviews answered, and a way to read its export."""

from __future__ import annotations

import csv
import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from experiments.actions.events import record_events
from experiments.actions.references import set_reference
from experiments.actions.reviews import open_review, submit
from experiments.actions.roles import grant_role
from experiments.models import Review
from experiments.tests import factories


class Opened:
    """An archive, read whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.content = {name: archive.read(name) for name in archive.namelist()}

    def text(self, name: str) -> str:
        return self.content[name].decode()

    def json(self, name: str) -> Any:
        return json.loads(self.content[name])

    def rows(self, table: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text(f"{table}.csv"), newline="")))

    def lines(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text(f"{table}.jsonl").split("\n") if line]

    def everything(self) -> str:
        return "\n".join(f"{name}\n{content.decode()}" for name, content in self.content.items())


def answer(review: Review, **answers: Any) -> Review:
    user = review.assignment.enrolment.user
    open_review(public_id=review.public_id, by=user)
    submit(public_id=review.public_id, answers={"diagnosis": "yes", "risk": 20, **answers}, by=user)
    return review


def reviews_of(enrolment: Any) -> list[Review]:
    return list(Review.objects.filter(assignment__enrolment=enrolment).in_order().select_related("assignment__arm"))


@pytest.fixture
def study(lead: Any) -> Any:
    """An active study of six cases: a participant draws each of its three arms at least once."""
    return factories.make_study(by=lead, cases=6)


@pytest.fixture
def answered(study: Any, clinician: Any) -> Any:
    """`study`, with every review of the clinician answered, an event in each, and a reference for each case."""
    enrolment = factories.make_enrolment(study, clinician)
    for at, review in enumerate(reviews_of(enrolment)):
        open_review(public_id=review.public_id, by=clinician)
        event = {"page_session": uuid.uuid4(), "sequence": 1, "kind": "feature_opened"}
        record_events(public_id=review.public_id, events=[{**event, "feature": "age"}], by=clinician)
        answer(review, remarks=f'=1+{at}, said "so"\nand so')
    for row in study.study_cases.select_related("case"):
        set_reference(
            experiment=study, case=row.case, question_key="diagnosis", value="yes", rule="one reading", by=None
        )
        set_reference(experiment=study, case=row.case, question_key="risk", value="no", rule="one reading", by=None)
    return study


@pytest.fixture
def analyst(answered: Any, make_user: Any) -> Any:
    user = make_user("unblinded@example.org", is_staff=True)
    grant_role(user=user, experiment=answered, role="unblinded_analyst", by=None)
    return user


@pytest.fixture
def blinded(answered: Any, make_user: Any) -> Any:
    user = make_user("blinded@example.org", is_staff=True)
    grant_role(user=user, experiment=answered, role="blinded_analyst", by=None)
    return user
