"""Parameters of the feeds: since, pages, studies."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from augmed.published.tests.feeds.reading import body, rows
from experiments.models import Submission

pytestmark = pytest.mark.django_db


def test_since_filters_and_leaves_the_order_as_it_was(api, answered, analyst):
    whole = {row["task_id"]: row["order_id"] for row in rows(api(analyst), "answers")}
    begin = sorted(Submission.objects.values_list("submitted_at", flat=True))[3]
    response = body(api(analyst).get("/api/v1/export/answers", {"since": begin.isoformat()}))
    assert response["pagination"]["total"] == len(response["data"]) == len(whole) - 3  # inclusive
    assert {row["task_id"]: row["order_id"] for row in response["data"]}.items() <= whole.items()
    assert {row["order_id"] for row in response["data"]} == set(range(4, len(whole) + 1))
    unencoded = api(analyst).get(f"/api/v1/export/analytics?since={begin.isoformat()}")
    assert len(body(unencoded)["data"]) == len(whole) - 3
    tomorrow = (timezone.now() + timedelta(days=2)).date().isoformat()
    assert rows(api(analyst), "answers", since=tomorrow) == []
    assert len(rows(api(analyst), "answers", since="2020-01-01")) == len(whole)


def test_since_cannot_be_tried_until_it_tells_a_masked_time(api, answered, blinded):
    last = max(Submission.objects.values_list("submitted_at", flat=True))
    everything = rows(api(blinded), "answers")
    assert rows(api(blinded), "answers", since=last.isoformat()) == everything
    assert rows(api(blinded), "answers", since=(last + timedelta(days=2)).isoformat()) == []


def test_pages_follow_each_other_and_know_the_total(api, answered, analyst):
    whole = rows(api(analyst), "display-configs")
    seen = []
    for offset in range(0, len(whole), 2):
        page = body(api(analyst).get("/api/v1/export/display-configs", {"limit": 2, "offset": offset}))
        seen += page["data"]
        more = offset + 2 < len(whole)
        assert page["pagination"] == {"total": len(whole), "limit": 2, "offset": offset, "has_more": more}
        assert set(page) == {"data", "pagination"}
    assert seen == whole
    assert rows(api(analyst), "answers", offset=1000) == []


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["-1", "x", "1.5", "99999999999", "\u0661"])
def test_bad_numbers_are_400_with_words(api, analyst, name, value):
    response = api(analyst).get("/api/v1/export/answers", {name: value})
    assert response.status_code == 400
    assert f"'{name}'" in response.json()["error"]["message"] == response.json()["message"]


@pytest.mark.parametrize("code", ["\0", "exp-\0", "no study", "x" * 65, "\ud83d"])
@pytest.mark.parametrize("name", ["answers", "display-configs", "analytics", "participants"])
def test_a_study_that_cannot_be_is_absent(api, analyst, code, name):
    query = quote(code, errors="surrogatepass")
    assert api(analyst).get(f"/api/v1/export/{name}?experiment_id={query}").status_code == 404


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "10001"}, {"since": "yesterday"}, {"since": "2026-13-01"}])
def test_other_bad_parameters_are_400_too(api, analyst, query):
    response = api(analyst).get("/api/v1/export/analytics", query)
    assert response.status_code == 400
    assert response.json()["data"] is None
