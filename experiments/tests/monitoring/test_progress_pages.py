"""The overview and the lists of a running study: what they say, and that they cost the same however large it is."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from experiments.actions.events import record_events
from experiments.monitoring.days import answered_by_day
from experiments.monitoring.times import active_seconds, case_times, newest_readings
from experiments.reviewing.attention_results import AttentionResult, result_of_study
from experiments.tests import factories
from experiments.tests.monitoring.conftest import NOW, client_of, joined, read, reader, reviews_of

pytestmark = pytest.mark.django_db

PAGES = ("progress", "progress_participants", "progress_cases", "stalled", "reminders")


def page_of(name, study, user, **query):
    answer = client_of(user).get(reverse(f"admin:experiments_experiment_{name}", args=[study.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_times_are_told_once_there_are_enough(one_arm, lead):
    first, second, third = (factories.make_enrolment(one_arm, reader()) for _ in range(3))
    for number, review in enumerate(reviews_of(first)):
        read(review, at=NOW + timedelta(hours=number), seconds=60 * (number + 1))
    read(reviews_of(second)[0], at=NOW, seconds=600)
    # Five cases, but almost all of them one person's: their median would be that person's own.
    assert "Told once 5 cases are answered, by 3 people or more." in page_of("progress", one_arm, lead)
    read(reviews_of(third)[0], at=NOW, seconds=180)
    page = page_of("progress", one_arm, lead)
    assert "3 min 00 s" in page
    assert "10 to 20 min" in page


def test_readings_of_a_case_count_together_where_all_arms_have_them(lead):
    study = factories.make_study(by=lead, cases=1, arms={"Two": factories.ARMS["Advice afterwards"]})
    first, second = reviews_of(factories.make_enrolment(study, reader()))
    read(first, at=NOW, seconds=100)
    read(second, at=NOW, seconds=20)
    [times] = case_times(newest_readings(study, stages=2)).values()
    assert times == [120]
    [times] = case_times(newest_readings(study, stages=1)).values()
    assert times == [100]


def test_active_time_is_what_the_client_told(one_arm):
    enrolment = factories.make_enrolment(one_arm, reader())
    told, silent = reviews_of(enrolment)[:2]
    for review in (told, silent):
        read(review, at=NOW, seconds=300)
    kinds = {"case_opened": 0, "blur": 20_000, "focus": 20_000, "answer_submitted": 50_000}
    events = [
        {"page_session": uuid.UUID(int=1), "sequence": number, "kind": kind, "data": {"active": counted}}
        for number, (kind, counted) in enumerate(kinds.items(), start=1)
    ]
    record_events(public_id=told.public_id, events=events, by=enrolment.user)
    active = active_seconds([told.pk, silent.pk])
    assert active == {told.pk: 50}
    readings = newest_readings(one_arm, stages=1)
    assert list(case_times(readings, active=active).values()) == [[50]]


def test_answers_day_by_day(one_arm):
    for days, count in ((3, 2), (1, 1)):
        enrolment = factories.make_enrolment(one_arm, reader())
        for review in reviews_of(enrolment)[:count]:
            read(review, at=NOW - timedelta(days=days))
    days = answered_by_day(one_arm, stages=1)
    assert days == [((NOW - timedelta(days=3)).date(), 2), ((NOW - timedelta(days=1)).date(), 3)]


def test_attention_checks_of_the_study(one_arm, lead):
    assert result_of_study(one_arm) == AttentionResult(0, 0)
    assert "Attention checks" not in page_of("progress", one_arm, lead)


def test_participants_and_cases_say_how_far_they_are(one_arm, lead, staff):
    enrolment = joined(one_arm)
    read(reviews_of(enrolment)[0], at=NOW)
    page = page_of("progress_participants", one_arm, lead)
    assert "1 of 4 answered" in page
    assert enrolment.user.email in page
    assert "3 Mar 2026" in page
    assert enrolment.user.email not in page_of("progress_participants", one_arm, staff(one_arm, "blinded_analyst"))
    case = one_arm.study_cases.first().case
    assert f"Case {case.number}" in page_of("progress_cases", one_arm, lead)


def test_a_draft_has_the_pages_too(draft, lead):
    for name in PAGES:
        page_of(name, draft, lead)
    assert "nobody has stopped" in page_of("stalled", draft, lead)


def test_long_lists_come_in_pages(one_arm, lead, monkeypatch):
    monkeypatch.setattr("experiments.admin_views.monitoring.PER_PAGE", 2)
    people = [factories.make_enrolment(one_arm, reader()) for _ in range(3)]
    assert people[2].pseudonym not in page_of("progress_participants", one_arm, lead)
    assert people[2].pseudonym in page_of("progress_participants", one_arm, lead, p=2)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_the_same_however_many_there_are(one_arm, lead, name):
    def cost():
        client = client_of(lead)
        address = reverse(f"admin:experiments_experiment_{name}", args=[one_arm.pk])
        with CaptureQueriesContext(
            connection,
        ) as sent:
            assert client.get(address, {"days": 0}).status_code == 200
        return len(sent)

    def more(count):
        for _ in range(count):
            enrolment = joined(one_arm)
            for review in reviews_of(enrolment)[:3]:
                read(review, at=NOW)

    more(3)
    few = cost()
    more(5)
    assert cost() == few <= 24
