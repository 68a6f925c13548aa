"""The standing cast of the permission matrices, and one study with everything in it that an address can name."""

from __future__ import annotations

from typing import Any

from experiments.actions.roles import grant_role
from experiments.models import Experiment
from experiments.tests import factories

WHO = (
    "anonymous",
    "clinician",
    "other clinician",
    "stranger",
    "coordinator",
    "blinded analyst",
    "unblinded analyst",
    "adjudicator",
    "lead",
    "data staff",
    "administrator",
)
"""The clinician takes part in the study, the other clinician in nothing; the stranger leads another study."""


def make_cast(study: Experiment, make_user: Any, **known: Any) -> dict[str, Any]:
    people: dict[str, Any] = {"anonymous": None, **known}
    for role in ("coordinator", "blinded_analyst", "unblinded_analyst", "adjudicator"):
        person = make_user(f"{role}@example.org")
        grant_role(user=person, experiment=study, role=role, by=None)
        people[role.replace("_", " ")] = person
    factories.make_study(by=people["stranger"], name="The study of the stranger", cases=1)
    for person in people.values():
        if person is not None:
            person.refresh_from_db()
    assert set(people) == set(WHO)
    return people
