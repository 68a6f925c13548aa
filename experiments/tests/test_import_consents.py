"""Consents given elsewhere come in by CSV: all or none, and again without harm."""

from datetime import UTC, datetime

import pytest

from augmed.foundation.errors import Invalid
from experiments.actions.consents import import_consents
from experiments.actions.enrolment import enrol, withdraw
from experiments.models import ConsentRecord
from experiments.tests import factories
from experiments.verification.allocation import verify_allocation

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(owner):
    """A study that waits for the consent of three people."""
    study = factories.make_study(by=owner, consent_required=True)
    for name in "abc":
        enrol(experiment=study, user=factories.make_participant(f"{name}@example.org"), by=owner)
    return study


def person(study, name):
    return study.enrolments.get(user__email=f"{name}@example.org")


FILE = """email,at,document,kind
A@example.org,2020-05-04,v1,
b@example.org,2020-05-04T10:30:00+02:00,v1,declined
"""


def test_consent_opens_the_study_and_can_be_imported_again(waiting, owner):
    result = import_consents(experiment=waiting, content=FILE.encode(), by=owner)
    assert (result.recorded, result.kept) == (2, 0)
    statuses = [person(waiting, name).status for name in "abc"]
    assert statuses == ["active", "declined", "awaiting_consent"]
    assert [person(waiting, name).assignments.count() for name in "abc"] == [4, 0, 0]
    record = person(waiting, "b").consents.get()
    assert (record.at, record.document, record.recorded_by) == (datetime(2020, 5, 4, 8, 30, tzinfo=UTC), "v1", owner)
    assert record.given_elsewhere
    again = import_consents(experiment=waiting, content=FILE, by=owner)
    assert (again.recorded, again.kept) == (0, 2)
    assert ConsentRecord.objects.count() == 2
    assert verify_allocation(waiting).mismatches == []


ROWS = {
    "stranger@example.org,2020-05-04": "Nobody",
    "a@example.org,yesterday": "at:",
    "a@example.org,2020-02-30": "at:",
    "a@example.org,2999-01-01": "future",
    "a@example.org,2020-05-04,v1,perhaps": "given or declined",
    f"a@example.org,2020-05-04,{'x' * 201},given": "200 characters",
    "c@example.org,2020-05-04,v1,given": "withdrawn",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_cannot_be_recorded_refuses_the_file_and_is_named(waiting, owner, row):
    withdraw(enrolment=person(waiting, "c"), by=owner, reason="No time.")
    cells = row.split(",")
    header = "email,at,document,kind"
    good = "b@example.org,2020-05-04,v1,given"
    padded = ",".join([*cells, *[""] * (4 - len(cells))])
    with pytest.raises(Invalid) as refused:
        import_consents(experiment=waiting, content="\n".join([header, good, padded]), by=owner)
    ((place, messages),) = refused.value.errors.items()
    assert place == "line 3"
    assert ROWS[row] in messages[0]
    assert not ConsentRecord.objects.exists()
    assert person(waiting, "b").status == "awaiting_consent"


def test_a_person_stands_in_a_file_once(waiting, owner):
    content = "email,at\na@example.org,2020-05-04\nA@EXAMPLE.ORG,2020-05-05\n"
    with pytest.raises(Invalid) as refused:
        import_consents(experiment=waiting, content=content, by=owner)
    assert list(refused.value.errors) == ["line 3"]
