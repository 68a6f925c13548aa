"""Who gets the feeds, and what is left out of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from augmed.published.tests.feeds.reading import FEEDS, body, rows
from experiments.actions.enrolment import withdraw
from experiments.actions.erasure import erase_enrolment
from experiments.actions.exports import export_to_folder
from experiments.actions.roles import grant_role
from experiments.models import Experiment
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, answer, reviews_of
from participants.actions import revoke_api_key
from participants.models import ApiKey

pytestmark = pytest.mark.django_db


def test_addresses_are_told_to_those_who_may_alone(api, answered, analyst, administrator, clinician):
    for feed in FEEDS:
        assert clinician.email not in json.dumps(rows(api(analyst), feed))
        assert {row["user_email"] for row in rows(api(administrator), feed)} == {clinician.email}


def test_masked_feeds_hold_no_marker_of_an_arm(api, answered, blinded, lead):
    for user in (blinded, lead):
        for feed in FEEDS:
            found = rows(api(user), feed)
            assert found
            text = json.dumps(found)
            for marker in ("12 %", "Risk estimate", *(arm.key for arm in answered.arms.all())):
                assert marker not in text
            for row in found:
                assert row.get("stage", 1) == 1
                assert row.get("arm") is row.get("rl_run_id") is row.get("answer_id") is row.get("analytics_id") is None
    row = rows(api(blinded), "answers")[0]
    assert row["answer"] == {"Which diagnosis?": "yes", "How likely?": "20"}
    assert row["case_open_time"] == row["answer_created_at"] == timezone.now().date().isoformat()
    assert row["ai_score_shown"] is row["display_configuration"] is row["ai_value_as_string"] is None
    assert sorted(row["order_id"] for row in rows(api(blinded), "answers")) == [1, 2, 3, 4, 5, 6]
    assert rows(api(blinded), "participants")[0]["cases_assigned"] == 6


@pytest.mark.parametrize("policy", Experiment.WithdrawalPolicy.values)
def test_those_who_withdrew_are_in_feeds_as_in_archives(api, lead, make_user, clinician, tmp_path, policy):
    arms = {"Only": [factories.show("age")]}
    study = factories.make_study(by=lead, cases=3, arms=arms, withdrawal_policy=policy)
    analyst = make_user("analyst@example.org", is_staff=True)
    grant_role(user=analyst, experiment=study, role="unblinded_analyst", by=None)
    enrolment = factories.make_enrolment(study, clinician)
    first, second, _ = reviews_of(enrolment)
    answer(first)
    said = timezone.now()
    answer(second)
    withdraw(enrolment=enrolment, by=lead, reason="Asked to.", at=said, document="v1")
    export_to_folder(experiment=study, folder=tmp_path)
    archived = Opened(tmp_path / f"{study.code}.zip").lines("reviews")
    found = {row["task_id"]: row for row in rows(api(analyst), "answers")}
    assert found.keys() == {line["review"] for line in archived if line["submitted_at"]}
    for line in archived:
        if line["submitted_at"]:
            assert (found[line["review"]]["answer"] is None) == (line["answer.diagnosis"] is None)
    assert len(rows(api(analyst), "analytics")) == len(found)
    assert len(rows(api(analyst), "display-configs")) == len(archived)
    people = rows(api(analyst), "participants")
    assert [row["cases_completed"] for row in people] == ([] if policy == "exclude" else [len(found)])


def test_erased_answers_are_empty(api, answered, analyst, administrator, clinician):
    erase_enrolment(enrolment=clinician.enrolments.get(), by=administrator, reason="Asked to.")
    assert {json.dumps(row["answer"]) for row in rows(api(analyst), "answers")} == {"null"}


def test_training_and_previews_are_in_no_feed(api, study, clinician, analyst):
    for review in reviews_of(factories.make_enrolment(study, clinician, kind="training")):
        answer(review)
    for feed in FEEDS:
        assert rows(api(analyst), feed) == []


def test_only_studies_in_which_one_may_export(api, answered, analyst, lead, make_user, administrator):
    other = factories.make_study(by=lead, cases=1)
    for review in reviews_of(factories.make_enrolment(other, make_user("third@example.org"))):
        answer(review)
    assert {row["experiment_id"] for row in rows(api(analyst), "answers")} == {answered.code}
    assert {row["experiment_id"] for row in rows(api(administrator), "answers")} == {answered.code, other.code}
    one = rows(api(administrator), "answers", experiment_id=other.code)
    assert {row["experiment_id"] for row in one} == {other.code}
    hidden = api(analyst).get("/api/v1/export/answers", {"experiment_id": other.code})
    assert hidden.status_code == 404


def test_who_may_export_nowhere_is_refused_without_being_logged_out(api, study, clinician, stranger):
    for user in (clinician, stranger):
        response = api(user).get("/api/v1/export/answers")
        assert response.status_code == 500
        assert response.json()["error"]["code"] == "1103"
    assert AuditEvent.objects.filter(action="feed_exported").count() == 0


@pytest.mark.parametrize("feed", FEEDS)
def test_no_token_and_no_key_is_401(api, study, feed):
    assert api().get(f"/api/v1/export/{feed}").status_code == 401
    wrong = api().get(f"/api/v1/export/{feed}", HTTP_X_API_KEY="augmed_wrong")
    assert wrong.status_code == 401
    assert wrong.json()["error"]["message"] == "Invalid or missing API key"


def test_a_key_may_no_more_than_its_scopes(by_key, answered, administrator, clinician):
    def feed(*scopes: Verb) -> Any:
        return by_key(administrator, *scopes).get("/api/v1/export/answers")

    row = body(feed(Verb.EXPORT, Verb.VIEW_OUTCOME))["data"][0]
    assert row["arm"] is None
    assert row["user_email"] == row["pseudonym"]
    row = body(feed(Verb.EXPORT, Verb.VIEW_OUTCOME, Verb.VIEW_OUTCOME_BY_ARM, Verb.EXPORT_IDENTIFIED))["data"][0]
    assert row["arm"]
    assert row["user_email"] == clinician.email
    assert feed(Verb.EXPORT).status_code == 500


def test_a_revoked_key_opens_nothing(by_key, answered, administrator):
    script = by_key(administrator, Verb.EXPORT, Verb.VIEW_OUTCOME)
    assert body(script.get("/api/v1/export/answers"))["data"]
    revoke_api_key(key=ApiKey.objects.get(), by=administrator)
    assert script.get("/api/v1/export/answers").status_code == 401


def test_every_page_is_in_the_audit_trail(api, answered, analyst):
    rows(api(analyst), "answers", limit=3)
    event = AuditEvent.objects.get(action="feed_exported")
    assert (event.actor, event.experiment_id, event.target_id) == (str(analyst.pk), answered.pk, "answers")
    said = json.loads(event.data)
    assert said["rows"] == {answered.code: 3}
    assert (said["limit"], said["format"], said["identified"]) == (3, "json", [])
    assert said["arms_shown"] == [answered.code]
