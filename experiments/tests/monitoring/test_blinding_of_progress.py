"""The list of enrolments, its pages and the API say nothing that differs by arm to those who may not know it."""
# ruff: noqa: F811  the fixture is asked for by its name

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from experiments.models import Enrolment, EnrolmentEvent
from experiments.tests.monitoring.conftest import client_of, joined, read, reviews_of
from experiments.tests.monitoring.test_blinding_of_pages import study  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db

BLINDED = ("coordinator", "blinded_analyst", "lead")
LIST = "admin:experiments_enrolment_changelist"
PAGE = "admin:experiments_enrolment_change"


@pytest.fixture
def by_arm(study: Any) -> dict[str, Enrolment]:
    """Somebody of each arm, with every case read as far as it can be now: one has completed, the other waits."""
    found: dict[str, Enrolment] = {}
    while len(found) < 2:
        enrolment = joined(study)
        found.setdefault(enrolment.assignments.first().arm.name, enrolment)
    for enrolment in found.values():
        for review in reviews_of(enrolment):
            if review.stage_position == 1:
                read(review)
        enrolment.refresh_from_db()
    assert {name: one.status for name, one in found.items()} == {"Once": "completed", "Twice, later": "active"}
    return found


def listed(client: Any, study: Any, **query: str) -> dict[str, str]:
    """By pseudonym, the status that the list shows."""
    found = client.get(reverse(LIST), query).context["cl"].result_list
    model_admin = client.get(reverse(LIST)).context["cl"].model_admin
    return {one.pseudonym: model_admin.status_seen(one) for one in found}


@pytest.mark.parametrize("role", BLINDED)
def test_the_list_of_enrolments_shows_both_arms_alike(study, by_arm, staff, role):
    client = client_of(staff(study, role))
    shown = listed(client, study)
    assert {shown[one.pseudonym] for one in by_arm.values()} == {"active"}
    assert ">completed</td>" not in client.get(reverse(LIST)).content.decode()
    assert listed(client, study, status__exact="completed") == {}
    assert {one.pseudonym for one in by_arm.values()} <= set(listed(client, study, status__exact="active"))


@pytest.mark.parametrize("lookup", ["status", "status__startswith", "status__in", "events__gte", "stratum"])
def test_addresses_do_not_filter_by_what_is_not_shown(study, by_arm, staff, lookup):
    assert client_of(staff(study, "coordinator")).get(reverse(LIST), {lookup: "1"}).status_code == 400


@pytest.mark.parametrize("role", BLINDED)
def test_the_page_of_one_shows_neither_the_status_nor_its_event(study, by_arm, staff, role):
    client = client_of(staff(study, role))
    page = client.get(reverse(PAGE, args=[by_arm["Once"].pk])).content.decode()
    assert "completed" not in page
    assert "every assigned review" not in page


def test_events_by_their_own_address_are_absent(study, by_arm, staff):
    client = client_of(staff(study, "coordinator"))
    event = EnrolmentEvent.objects.get(enrolment=by_arm["Once"], status="completed")
    assert client.get(reverse("admin:experiments_enrolmentevent_change", args=[event.pk])).status_code == 404
    page = client.get(reverse("admin:experiments_enrolmentevent_changelist")).content.decode()
    assert "completed" not in page


def test_who_may_see_the_allocation_sees_who_completed(study, by_arm, staff):
    client = client_of(staff(study, "unblinded_analyst"))
    shown = listed(client, study)
    assert {name: shown[one.pseudonym] for name, one in by_arm.items()} == {
        "Once": "completed",
        "Twice, later": "active",
    }
    assert by_arm["Once"].pseudonym in listed(client, study, status__exact="completed")
    assert "completed" in client.get(reverse(PAGE, args=[by_arm["Once"].pk])).content.decode()


def test_withdrawing_asks_without_telling_who_completed(study, by_arm, staff):
    chosen = {"action": "withdraw_chosen", "_selected_action": [one.pk for one in by_arm.values()]}
    page = client_of(staff(study, "coordinator")).post(reverse(LIST), chosen).content.decode()
    assert page.count("(active)") == 2
    assert "completed" not in page


@pytest.mark.parametrize("role", BLINDED)
def test_the_api_counts_what_all_arms_have(study, by_arm, staff, api, role):
    client, base = api(staff(study, role)), f"/api/v2/experiments/{study.code}/progress"
    overview = client.get(base).json()
    assert overview["participants"]["completed"] == 0
    assert overview["cases"]["answered"] == 4
    rows = {row["pseudonym"]: row for row in client.get(f"{base}/participants").json()["results"]}
    first, second = (rows[one.pseudonym] | {"pseudonym": ""} for one in by_arm.values())
    assert first == second
    assert (first["status"], first["counts"]["answered"]) == ("active", 2)
    assert {row["counts"]["answered"] for row in client.get(f"{base}/cases").json()["results"]} == {2}


def test_the_api_counts_every_stage_for_who_may_see_the_allocation(study, by_arm, staff, api):
    client, base = api(staff(study, "unblinded_analyst")), f"/api/v2/experiments/{study.code}/progress"
    overview = client.get(base).json()
    assert overview["participants"]["completed"] >= 1
    rows = {row["pseudonym"]: row for row in client.get(f"{base}/participants").json()["results"]}
    assert [rows[by_arm[name].pseudonym]["counts"]["answered"] for name in ("Once", "Twice, later")] == [2, 0]


def test_the_list_of_the_api_does_not_tell_who_completed(study, by_arm, staff, api):
    rows = api(staff(study, "coordinator")).get(f"/api/v2/experiments/{study.code}/participants").json()["results"]
    statuses = {row["pseudonym"]: row["status"] for row in rows}
    assert {statuses[one.pseudonym] for one in by_arm.values()} == {"active"}
