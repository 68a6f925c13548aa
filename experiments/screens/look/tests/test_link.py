"""A study's screens by a link: without an account, with made-up cases, and nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from experiments.actions import design, questionnaires
from experiments.actions.preview_links import make_preview_link, revoke_preview_link
from experiments.design.matrix import counted_features
from experiments.models import ConsentDocument, Experiment, PreviewLink, Stage
from experiments.screens.look.places import LEAST_CASES
from experiments.tests import factories
from participants.throttles import ByLink, ByLinkClient

pytestmark = pytest.mark.django_db

ANSWERS = {"q.diagnosis": "yes", "q.risk": "30"}


@pytest.fixture
def whole(draft: Any, lead: Any) -> Experiment:
    """A draft with everything that a participant can meet before the first case."""
    ConsentDocument.objects.create(experiment=draft, number=1, title="Consent form", text="Please read.\n\n- An item")
    about = questionnaires.create_questionnaire(
        experiment=draft,
        name="About the reader",
        questions=[{"key": "years", "type": "number", "text": "Years of practice?", "minimum": 0}],
        by=lead,
    )
    fields = {"consent_required": True, "instructions": "Take your time.", "intake_questionnaire": about.questionnaire}
    Experiment.objects.filter(pk=draft.pk).update(**fields)
    draft.refresh_from_db()
    return draft


@pytest.fixture
def secret(whole: Experiment, lead: Any) -> str:
    return make_preview_link(experiment=whole, label="Ethics board", days=30, by=lead).secret


@pytest.fixture
def writes_nothing() -> Iterator[Callable[[], None]]:
    """Every statement of the test is looked at afterwards: none may change a row."""
    with CaptureQueriesContext(connection) as captured:
        yield lambda: None
    changing = ("INSERT", "UPDATE", "DELETE", "CREATE", "REPLACE")
    assert [one["sql"] for one in captured if one["sql"].lstrip().upper().startswith(changing)] == []


def at(name: str, secret: str, *more: Any) -> str:
    return reverse(name, args=[secret, *more])


def case_at(secret: str, letter: str = "a", case: int = 1, stage: int = 1) -> str:
    return at("look_case", secret, letter, case, stage)


def test_the_overview_names_no_arm(client: Client, secret: str, whole: Experiment, writes_nothing: Any) -> None:
    page = client.get(at("look", secret))
    assert page.status_code == 200
    text = page.content.decode()
    assert all(f"Version {letter}" in text for letter in "ABC")
    for arm in whole.arms.all():
        assert arm.name not in text
        assert arm.key not in text


def test_every_screen_is_shown_and_nothing_is_written(client: Client, secret: str, writes_nothing: Any) -> None:
    consent = client.get(at("look_consent", secret))
    assert "Please read." in consent.content.decode()
    assert client.post(at("look_consent", secret), {}).status_code == 422
    signed = client.post(at("look_consent", secret), {"agrees": "yes", "name": "A Name"})
    assert signed.url == at("look_intake", secret)
    assert client.get(signed.url).status_code == 200
    assert client.post(signed.url, {"q.years": "minus three"}).status_code == 422
    told = client.post(signed.url, {"q.years": "3"})
    assert told.url == at("look_instructions", secret)
    assert "Take your time." in client.get(told.url).content.decode()
    for letter in "abc":
        assert client.get(case_at(secret, letter)).status_code == 200
    assert "sessionid" not in client.cookies


def test_the_versions_show_what_their_arms_show(client: Client, secret: str, writes_nothing: Any) -> None:
    without, with_advice = (client.get(case_at(secret, letter)).content.decode() for letter in "ab")
    assert "Risk estimate" not in without
    assert "Risk estimate" in with_advice


def test_answers_are_checked_and_the_next_stage_shows_the_first_ones(
    client: Client, secret: str, writes_nothing: Any
) -> None:
    address = case_at(secret, "c")
    wrong = client.post(address, {"q.risk": "300"})
    assert wrong.status_code == 422
    assert "This question needs an answer." in wrong.content.decode()
    sent = client.post(address, ANSWERS)
    assert sent.status_code == 200
    first = sent.context["first"]
    assert json.loads(first) == {"diagnosis": "yes", "risk": "30"}
    second = client.post(case_at(secret, "c", stage=2), {"begin": "1", "first": first})
    assert "Risk estimate" in second.content.decode()
    assert [control.first for control in second.context["panel"].controls][:2] == [("yes",), ("30\u00a0%",)]
    again = client.post(case_at(secret, "c", stage=2), {"q.diagnosis": "no", "first": first})
    assert again.status_code == 422
    assert again.context["panel"].controls[0].first == ("yes",)
    done = client.post(case_at(secret, "c", stage=2), ANSWERS | {"first": first})
    assert done.context["onward"] == case_at(secret, "c", case=2)


@pytest.mark.parametrize(
    "first", ["", "{", "[]", '{"unknown": "x"}', '{"diagnosis": 5}', "null", "9" * 5000, "[" * 90_000]
)
def test_first_answers_that_make_no_sense_are_none(client: Client, secret: str, first: str) -> None:
    page = client.post(case_at(secret, "c", stage=2), {"begin": "1", "first": first})
    assert page.status_code == 200


class TestHidden:
    @pytest.fixture
    def hides(self, whole: Experiment) -> None:
        stages = Stage.objects.filter(arm__experiment=whole, arm__name="With advice")
        stages.update(hidden_until_asked=True, reveal_cost="2.50", reveal_cost_unit="points")

    def test_values_are_not_in_the_page_before_they_are_asked_for(
        self, client: Client, hides: None, secret: str, writes_nothing: Any
    ) -> None:
        page = client.get(case_at(secret, "b")).content.decode()
        assert "Age" in page
        assert "Example model" not in page
        asked = client.post(case_at(secret, "b"), {"feature": "advice"})
        assert "Example model" in asked.content.decode()

    def test_the_cost_is_said_as_in_the_study(self, client: Client, hides: None, secret: str) -> None:
        assert "costs 2.5 points." in client.get(case_at(secret, "b")).content.decode()

    def test_a_part_of_the_page_is_answered_to_htmx(self, client: Client, hides: None, secret: str) -> None:
        part = client.post(case_at(secret, "b"), {"feature": "advice"}, headers={"HX-Request": "true"})
        text = part.content.decode()
        assert text.lstrip().startswith("<div")
        assert "Example model" in text
        assert "<html" not in text

    def test_what_was_asked_for_stays_open(self, client: Client, hides: None, secret: str) -> None:
        page = client.post(case_at(secret, "b"), {"feature": "age", "open": "advice"})
        assert "Example model" in page.content.decode()
        assert page.context["asked_for"] == ["advice", "age"]

    def test_what_the_case_does_not_have_is_not_sent_back(self, client: Client, hides: None, secret: str) -> None:
        page = client.post(case_at(secret, "b"), {"feature": "zqnone", "open": ["zqother", "age"]})
        assert page.context["asked_for"] == ["age"]
        assert "zq" not in page.content.decode()


class TestNoPatient:
    def test_no_value_of_a_case_is_shown(self, client: Client, secret: str, whole: Experiment) -> None:
        # An age is a whole number, which another may be made up as.
        values = {text for content in _contents(whole) for text in re.findall(r'"text":"([^"]+)"', content)}
        values = {text for text in values if not text.isdecimal()}
        shown = {
            entry.text
            for letter in "abc"
            for feature in client.get(case_at(secret, letter)).context["case"].features
            for entry in feature.entries
        }
        assert "12 %" not in shown
        assert len(values) > 1
        assert values.isdisjoint(shown)

    def test_findings_are_named_where_enough_cases_have_them(self, client: Client, secret: str) -> None:
        labels = {feature.label for feature in client.get(case_at(secret, "b")).context["case"].features}
        assert {"Hemoglobin", "Creatinine"} <= labels

    def test_a_finding_of_few_cases_is_not_named(self, client: Client, lead: Any) -> None:
        layout = factories.make_layout()
        rare = {3000963: ("Hemoglobin", "13.2"), 4_000_001: ("A rare disease", "1")}
        trees = [factories.make_tree(labs=rare)] * (LEAST_CASES - 1) + [factories.make_tree(labs={})]
        cases = [factories.make_case(tree=tree, layout_version=layout) for tree in trees]
        study = factories.make_study(by=lead, cases=cases, layout_version=layout, active=False)
        secret = make_preview_link(experiment=study, label="Board", days=1, by=lead).secret
        page = client.get(case_at(secret, "b"))
        assert "rare disease" not in page.content.decode()
        assert "Laboratory value (example)" in {feature.label for feature in page.context["case"].features}


def test_a_study_without_cases_shows_what_its_matrix_says(
    client: Client, whole: Experiment, lead: Any, secret: str
) -> None:
    design.set_case_list(experiment=whole, cases=[], by=lead)
    labels = {feature.label for feature in client.get(case_at(secret, "b")).context["case"].features}
    assert {"Age", "Laboratory value (example)", "Risk estimate"} <= labels
    assert "Risk estimate" not in {f.label for f in client.get(case_at(secret, "a")).context["case"].features}


@pytest.mark.parametrize("name", ["look", "look_consent", "look_intake", "look_instructions"])
def test_a_link_that_is_over_revoked_or_wrong_shows_nothing(
    client: Client, secret: str, lead: Any, whole: Experiment, name: str
) -> None:
    revoked = make_preview_link(experiment=whole, label="Revoked", days=1, by=lead)
    revoke_preview_link(link=revoked.link, by=lead)
    over = make_preview_link(experiment=whole, label="Over", days=1, by=lead)
    past = timezone.now() - timedelta(days=2)
    PreviewLink.objects.filter(pk=over.link.pk).update(created_at=past, expires_at=past + timedelta(days=1))
    for gone in (revoked.secret, over.secret, "wrong", over.link.secret_hash):
        page = client.get(at(name, gone))
        assert page.status_code == 404
        assert whole.name not in page.content.decode()


@pytest.mark.parametrize("place", [("d", 1, 1), ("a", 0, 1), ("a", 3, 1), ("a", 1, 0), ("a", 1, 2), ("zz", 1, 1)])
def test_there_is_no_page_beyond_what_there_is(client: Client, secret: str, place: tuple[Any, ...]) -> None:
    assert client.get(case_at(secret, *place)).status_code == 404
    assert client.post(case_at(secret, *place), ANSWERS).status_code == 404


def test_a_study_without_consent_questions_and_instructions_has_no_such_pages(
    client: Client, draft: Any, lead: Any
) -> None:
    secret = make_preview_link(experiment=draft, label="Board", days=1, by=lead).secret
    for name in ("look_consent", "look_intake", "look_instructions"):
        assert client.get(at(name, secret)).status_code == 404
    assert client.get(at("look", secret)).context["steps"] == []


def test_pages_are_kept_nowhere_and_found_by_no_search_engine(client: Client, secret: str) -> None:
    headers = client.get(case_at(secret)).headers
    assert "no-store" in headers["Cache-Control"]
    assert headers["Referrer-Policy"] == "same-origin"
    assert "noindex" in headers["X-Robots-Tag"]


def test_a_page_takes_as_many_statements_however_large_the_study(client: Client, lead: Any) -> None:
    counts = []
    for cases in (3, 12):
        study = factories.make_study(by=lead, cases=cases, active=False)
        secret = make_preview_link(experiment=study, label="Board", days=1, by=lead).secret
        with CaptureQueriesContext(connection) as captured:
            assert client.get(case_at(secret, "c")).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12


def test_one_client_asks_for_a_link_only_so_often(client: Client, secret: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(ByLink, "rate", "2/min")
    for _time in range(2):
        assert client.get(at("look", secret)).status_code == 200
    refused = client.get(at("look_consent", secret))
    assert refused.status_code == 429
    assert "Too many requests" in refused.content.decode()
    assert "no-store" in refused.headers["Cache-Control"]
    assert client.get(at("look", secret), REMOTE_ADDR="203.0.113.7").status_code == 200


def test_links_that_are_not_there_are_asked_for_only_so_often(client: Client, db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(ByLinkClient, "rate", "2/min")
    statuses = [client.get(at("look", f"guess-{number}")).status_code for number in range(3)]
    assert statuses == [404, 404, 429]


def test_the_features_of_a_study_are_counted_once_for_some_minutes(
    client: Client, secret: str, monkeypatch: Any
) -> None:
    counted: list[int] = []

    def counting(experiment: Any, layout: Any) -> Any:
        counted.append(layout.pk)
        return counted_features(experiment, layout)

    monkeypatch.setattr("experiments.screens.look.places.counted_features", counting)
    pages = [client.get(case_at(secret)).context["case"] for _time in range(2)]
    assert len(counted) == 1
    assert pages[0] == pages[1]


def _contents(study: Experiment) -> list[str]:
    from cases.models import CaseSnapshot

    listed = CaseSnapshot.objects.filter(case__study_cases__experiment=study)
    return list(listed.values_list("content", flat=True))


def test_the_secret_is_in_no_log(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    client = Client(enforce_csrf_checks=True)
    with caplog.at_level("DEBUG", "django"):
        assert client.post(at("look_case", secret, "a", 1, 1), {}).status_code == 422
        assert client.get(at("look_case", secret, "z", 1, 1)).status_code == 404
        assert client.put(at("look", secret)).status_code == 405
        for name in ("look", "look_consent", "look_intake", "look_instructions", "look_practice"):
            client.get(at(name, secret))
    assert secret not in caplog.text
