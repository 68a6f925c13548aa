"""Who may do what by the published contract: every method of every address, for everybody of the cast.

Nobody is ever answered 403, at which the client would log its user out: 401 is for who shows neither token nor key, 404
for what one cannot see, 500 with the contract's words for what one's role does not allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.views import APIView

from augmed.foundation.permissions import DenyAll
from augmed.published.base import PublishedView
from augmed.tests.cast import WHO
from experiments.models import Review

Expected = dict[str, int]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
IN_STUDY = ("coordinator", "blinded analyst", "unblinded analyst", "adjudicator", "lead")


def everybody(status: int) -> Expected:
    return dict.fromkeys(WHO, status)


def signed_in(status: int) -> Expected:
    return everybody(status) | {"anonymous": 401}


def everywhere(status: int, *who: str) -> Expected:
    return signed_in(500) | dict.fromkeys((*who, "administrator"), status)


def in_study(status: int, *who: str) -> Expected:
    roles = dict.fromkeys(IN_STUDY, 500)
    return signed_in(404) | roles | dict.fromkeys((*who, "administrator"), status)


def designers(status: int) -> Expected:
    """Who may change the design of some study: the file or the entries say of which."""
    return everywhere(status, "stranger", "lead")


def own(status: int) -> Expected:
    """The clinician's review: to all others 'No access to review case.', in the contract's 500."""
    return signed_in(500) | {"clinician": status}


def exporters(status: int) -> Expected:
    return everywhere(status, "stranger", "blinded analyst", "unblinded analyst", "lead")


# The status of those who may is what an empty request gets: 400 where something has to be sent.
TABLE: dict[tuple[str, str], Expected] = {
    ("POST", "published-log-in"): everybody(400),
    ("POST", "published-sign-up"): everybody(400),
    ("POST", "published-reset-request"): everybody(400),
    ("POST", "published-reset"): everybody(400),
    # participants
    ("GET", "published-cases"): signed_in(200),
    ("GET", "published-case-review"): own(200),
    ("GET", "published-answer-config"): own(200),
    ("POST", "published-answer"): own(500),  # for the clinician: an answer is missing
    ("POST", "published-analytics"): signed_in(400),
    # staff
    ("GET", "published-roster"): everywhere(200),
    ("POST", "published-roster"): everywhere(400),
    ("GET", "published-person"): signed_in(404) | {"clinician": 200, "administrator": 200},
    ("POST", "published-upload-preview"): designers(400),
    ("POST", "published-upload"): designers(400),
    ("POST", "published-questionnaire"): designers(500),  # 1020: an empty list
    ("POST", "published-configs-batch"): designers(400),
    # studies
    ("GET", "published-experiments"): signed_in(200),
    ("POST", "published-experiments"): designers(400),
    ("GET", "published-experiment"): in_study(200, *IN_STUDY),
    ("PATCH", "published-experiment-status"): in_study(200, "lead"),
    ("GET", "published-experiment-runs"): in_study(200, *IN_STUDY),
    ("POST", "published-experiment-runs"): in_study(201, "lead"),
    # analysts
    ("GET", "published-export-answers"): exporters(200),
    ("GET", "published-export-display-configs"): exporters(200),
    ("GET", "published-export-analytics"): exporters(200),
    ("GET", "published-export-participants"): exporters(200),
}


def patterns() -> Iterator[URLPattern]:
    def walk(entries: Any) -> Iterator[URLPattern]:
        for entry in entries:
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns)
            elif str(entry.name).startswith("published-"):
                yield entry

    yield from walk(get_resolver().url_patterns)


def methods_of(pattern: URLPattern) -> list[str]:
    view_class: Any = pattern.callback.cls  # type: ignore[attr-defined]
    return [method for method in METHODS if hasattr(view_class, method.lower())]


def test_every_endpoint_is_in_the_table_and_nothing_else():
    assert {(method, str(pattern.name)) for pattern in patterns() for method in methods_of(pattern)} == set(TABLE)


def test_every_view_says_who_may():
    for pattern in patterns():
        view_class: Any = pattern.callback.cls  # type: ignore[attr-defined]
        assert issubclass(view_class, PublishedView), pattern.name
        said_by = next(cls for cls in view_class.__mro__ if "permission_classes" in vars(cls))
        assert said_by is not APIView, pattern.name
        assert view_class.permission_classes, pattern.name
        assert DenyAll not in view_class.permission_classes, pattern.name


def addresses(study: Any) -> dict[str, str]:
    """A real address for each name."""
    review = Review.objects.opened().get()
    known = {
        "config_id": review.public_id.hex,
        "code": study.code,
        "experiment_id": study.code,
        "key": review.assignment.enrolment.user_id,
        "pk": review.assignment.enrolment.user_id,
    }
    found = {}
    for pattern in patterns():
        named = {name: known[name] for name in pattern.pattern.regex.groupindex}  # type: ignore[union-attr]
        found[str(pattern.name)] = reverse(str(pattern.name), kwargs=named)
    return found


def ask(client: Any, method: str, name: str, where: dict[str, str]) -> Any:
    query = f"?caseConfigId={where['published-case-review'].split('/')[-1]}" if name.endswith("answer-config") else ""
    # The status is judged before there is a study, so it must be one.
    body = {"GET": "", "PATCH": '{"status": "paused"}'}.get(method, "{}")
    return client.generic(method, where[name] + query, body, "application/json")


@pytest.mark.django_db
def test_everybody_gets_what_the_table_says(api, cast, study):
    wrong = []
    where = addresses(study)
    for (method, name), expected in TABLE.items():
        for who in WHO:
            cache.clear()  # the throttles' counts
            with transaction.atomic():  # what one did is undone for the next
                answer = ask(api(cast[who]), method, name, where)
                transaction.set_rollback(True)
            if answer.status_code != expected[who]:
                wrong.append(f"{method} {where[name]} as {who}: {answer.status_code}, not {expected[who]}")
    assert not wrong, "\n".join(wrong)
