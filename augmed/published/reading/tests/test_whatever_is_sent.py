"""Whatever a client sends, it gets an answer that it can show, and nothing is half stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from augmed.published.reading.tests import client_schema
from experiments.models import Answer, Submission
from experiments.tests import factories

TITLES = ("Which diagnosis?", "How likely? (number, 0 to 100 %)", "Anything else?", "diagnosis", "\ud800", "\x00")
texts = st.sampled_from(("", "yes", "20", "1e999", "\ud800", "\x00", "2026-01-05T09:00:00.000Z")) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
answers = values | st.dictionaries(st.sampled_from(TITLES), values, max_size=4)
bodies = values | st.fixed_dictionaries(
    {"answer": answers}, optional={"answerConfigId": values, "aiScoreShown": values}
)
times = values | st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("caseConfigId", "caseOpenTime", "answerOpenTime", "answerSubmitTime"), values),
)
pytestmark = pytest.mark.django_db
often = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def send(owner: Any, clinician: Any, api: Any) -> Any:
    """Posts a body to the first case's answer, or to the times."""
    study = factories.make_study(by=owner, cases=1, arms={"One": factories.ARMS["With advice"]})
    factories.make_enrolment(study, clinician)
    client = api(clinician)
    [listed] = client.get("/api/cases").json()["data"]
    assert client.get(f"/api/case-reviews/{listed['config_id']}").status_code == 200

    def sending(path: str, body: Any) -> Any:
        address = path.format(config=listed["config_id"])
        response = client.post(address, json.dumps(body), content_type="application/json")
        if response.status_code == 200:
            client_schema.STORED.validate(response.json())
        else:
            assert response.status_code in (400, 500)
            client_schema.REFUSED.validate(response.json())
        return response

    return sending


@often
@given(bodies)
@example({"answer": {"\ud800": "\ud800"}})
@example({"answer": {"Which diagnosis?": "\ud800"}})
@example({"answer": {}, "answerConfigId": "\ud800", "aiScoreShown": "\ud800"})
def test_whatever_is_sent_as_an_answer(send, body):
    stored = send("/api/answer/{config}", body).status_code == 200
    assert Submission.objects.exists() >= stored
    assert Answer.objects.exists() == Submission.objects.exists()


@often
@given(times)
@example({"caseConfigId": "\ud800", **dict.fromkeys(("caseOpenTime", "answerOpenTime", "answerSubmitTime"), "x")})
def test_whatever_is_sent_as_times(send, body):
    send("/api/analytics", body)


@often
@given(texts | st.text(max_size=40))
def test_whatever_is_asked_for(send, api, clinician, config):
    response = api(clinician).get("/api/config/answer", {"caseConfigId": config.encode("utf-8", "replace")})
    assert response.status_code in (400, 500)
    client_schema.REFUSED.validate(response.json())
