"""Who may do what in the API: every method of every address, for everybody of the cast.

An endpoint that is not in the table fails, and so does one that does not say who may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.generics import GenericAPIView
from rest_framework.views import APIView

from augmed.foundation.models import Job
from augmed.foundation.permissions import Anyone, DenyAll
from augmed.tests.cast import WHO
from experiments.actions.exports import request_export
from experiments.api.base import StudyViewSet
from experiments.models import Review

Expected = dict[str, int]

IN_STUDY = ("coordinator", "blinded analyst", "unblinded analyst", "adjudicator", "lead")
NOT_IN_STUDY = ("clinician", "other clinician", "stranger", "data staff")


def everybody(status: int) -> Expected:
    return dict.fromkeys(WHO, status)


def signed_in(status: int) -> Expected:
    return everybody(status) | {"anonymous": 401}


def everywhere(status: int, *who: str) -> Expected:
    """A verb across studies: 403 for all others. The stranger is a lead too, of another study."""
    return signed_in(403) | dict.fromkeys((*who, "administrator"), status)


def in_study(status: int, *who: str) -> Expected:
    """A verb in the study: 403 for those in it who may not, 404 for all who hold no role in it."""
    roles = dict.fromkeys(IN_STUDY, 403) | dict.fromkeys(NOT_IN_STUDY, 404)
    return {"anonymous": 401} | roles | dict.fromkeys((*who, "administrator"), status)


def own(status: int) -> Expected:
    """The clinician's review: for nobody else is there such a review."""
    return signed_in(404) | {"clinician": status}


def view(status: int) -> Expected:
    return in_study(status, *IN_STUDY)


def progress(status: int) -> Expected:
    return in_study(status, "coordinator", "blinded analyst", "unblinded analyst", "lead")


def enrol(status: int) -> Expected:
    return in_study(status, "coordinator", "lead")


def lead(status: int) -> Expected:
    return in_study(status, "lead")


def see_arms(status: int) -> Expected:
    return in_study(status, "unblinded analyst", "lead")


def see_allocation(status: int) -> Expected:
    return in_study(status, "unblinded analyst")


def see_reference(status: int) -> Expected:
    return in_study(status, "blinded analyst", "unblinded analyst", "adjudicator", "lead")


def analyse(status: int) -> Expected:
    return in_study(status, "blinded analyst", "unblinded analyst", "lead")


def asker(status: int) -> Expected:
    """The export of the unblinded analyst: for nobody else, but administrators, is there such an export."""
    return signed_in(404) | {"unblinded analyst": status, "administrator": status}


def library(status: int) -> Expected:
    return everywhere(status, "stranger", "lead", "data staff")


# The status of those who may is what an empty request gets: 422 where something has to be sent.
TABLE: dict[tuple[str, str], Expected] = {
    ("GET", "healthcheck"): everybody(200),
    ("GET", "api-docs"): everybody(200),
    ("GET", "schema"): everybody(200),
    ("POST", "auth-token"): everybody(422),
    ("POST", "auth-token-refresh"): everybody(422),
    ("POST", "auth-accept-invitation"): everybody(422),
    ("POST", "auth-password-reset"): everybody(422),
    ("POST", "auth-password-reset-confirm"): everybody(422),
    ("POST", "auth-sign-out-everywhere"): signed_in(204),
    ("GET", "auth-me"): signed_in(200),
    ("PATCH", "auth-me"): signed_in(200),
    # participants
    ("GET", "own-study-list"): signed_in(200),
    ("GET", "review-list"): signed_in(200),
    ("GET", "review-next"): signed_in(204) | {"clinician": 200},
    ("GET", "review-detail"): own(200),
    ("POST", "review-open"): own(200),
    ("GET", "review-case"): own(200),
    ("GET", "review-questionnaire"): own(200),
    ("POST", "review-events"): own(422) | dict.fromkeys(set(WHO) - {"anonymous"}, 422),
    ("GET", "review-answer"): own(200),
    ("POST", "review-reveal"): own(422) | dict.fromkeys(set(WHO) - {"anonymous"}, 422),
    ("POST", "review-answer"): own(422) | dict.fromkeys(set(WHO) - {"anonymous"}, 422),
    # researchers
    ("GET", "experiments-list"): signed_in(200),
    ("POST", "experiments-list"): everywhere(422, "stranger", "lead"),
    ("GET", "experiment-detail"): view(200),
    ("PATCH", "experiment-detail"): lead(200),
    ("GET", "experiment-transitions"): view(200),
    ("POST", "experiment-transitions"): lead(422),
    ("GET", "experiment-activation-check"): lead(200),
    ("GET", "arms"): see_arms(200),
    ("POST", "arms"): lead(422),
    ("GET", "arm"): see_arms(200),
    ("PATCH", "arm"): lead(200),
    ("DELETE", "arm"): lead(409),
    ("GET", "stages"): see_arms(200),
    ("POST", "stages"): lead(409),
    ("PATCH", "stage"): lead(200),
    ("DELETE", "stage"): lead(409),
    ("GET", "stage-disclosure"): see_arms(200),
    ("PUT", "stage-disclosure"): lead(422),
    ("GET", "study-cases"): view(200),
    ("PUT", "study-cases"): lead(422),
    ("GET", "questionnaires"): view(200),
    ("POST", "questionnaires"): lead(422),
    ("GET", "questionnaire"): view(200),
    ("POST", "questionnaire-versions"): lead(201),
    ("PUT", "questionnaire-version"): lead(422),
    ("GET", "attention-check"): view(200),
    ("PATCH", "attention-check"): lead(200),
    ("GET", "attention-check-results"): analyse(200),
    ("GET", "enrolments"): enrol(200),
    ("POST", "enrolments"): enrol(422),
    ("GET", "enrolment"): enrol(200),
    ("POST", "enrolment-consent"): enrol(422),
    ("POST", "enrolment-withdraw"): enrol(422),
    ("GET", "allocation"): see_allocation(200),
    ("GET", "allocation-runs"): see_allocation(200),
    ("GET", "progress"): progress(200),
    ("GET", "progress-by-participant"): progress(200),
    ("GET", "progress-by-case"): progress(200),
    ("GET", "roles"): lead(200),
    ("POST", "roles"): lead(422),
    ("DELETE", "role"): lead(409),
    ("GET", "references"): see_reference(200),
    ("POST", "references"): lead(422),
    ("GET", "protocols"): see_arms(200),
    ("POST", "protocols"): lead(422),
    ("GET", "protocol"): see_arms(200),
    ("GET", "study-exports"): analyse(200),
    ("POST", "study-exports"): analyse(202),
    ("GET", "export"): asker(200),
    ("GET", "export-download"): asker(404),  # there is no file yet
    ("GET", "case-detail"): library(200),
    ("GET", "case-list"): library(200),
    ("GET", "layout-list"): library(200),
    ("POST", "layout-list"): library(422),
    ("GET", "layout-detail"): library(200),
    ("GET", "layout-version"): library(200),
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def api_patterns() -> Iterator[tuple[URLPattern, str]]:
    """Every pattern under api/, with its whole regular expression or route."""

    def walk(patterns: Any, above: str) -> Iterator[tuple[URLPattern, str]]:
        for entry in patterns:
            whole = above + str(entry.pattern).removeprefix("^")
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, whole)
            elif whole.startswith("api") and not str(entry.name).startswith("published-"):
                yield entry, whole  # the published contract has a table of its own

    yield from walk(get_resolver().url_patterns, "")


def methods_of(pattern: URLPattern) -> list[str]:
    actions = getattr(pattern.callback, "actions", None)
    if actions:
        return [method.upper() for method in actions if method.upper() in METHODS]
    view_class = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
    if view_class is None:
        return ["GET"]
    return [method for method in METHODS if hasattr(view_class, method.lower())]


def endpoints() -> set[tuple[str, str]]:
    return {
        (method, str(pattern.name))
        for pattern, _ in api_patterns()
        if pattern.name != "api-unknown-path"
        for method in methods_of(pattern)
    }


def test_every_endpoint_is_in_the_table_and_nothing_else():
    assert endpoints() == set(TABLE)


def test_every_view_says_who_may():
    for pattern, whole in api_patterns():
        view_class = getattr(pattern.callback, "cls", None)
        if view_class is None:
            assert pattern.name in {"healthcheck", "api-unknown-path"}, whole
            continue
        initial = getattr(pattern.callback, "initkwargs", {})
        said_by = [cls for cls in view_class.__mro__ if "permission_classes" in vars(cls)]
        assert "permission_classes" in initial or said_by[0] not in {APIView, GenericAPIView}, whole
        classes = initial.get("permission_classes", view_class.permission_classes)
        assert classes, whole
        assert DenyAll not in classes, whole
        if Anyone in classes:
            assert all(TABLE[method, str(pattern.name)]["anonymous"] != 401 for method in methods_of(pattern)), whole
        for action in getattr(pattern.callback, "actions", {}).values():
            if issubclass(view_class, StudyViewSet):
                assert action in view_class.verbs, f"{whole}: {action} has no verb"
            if isinstance(getattr(view_class, "required_verb", None), dict):
                assert action in view_class.required_verb, f"{whole}: {action} has no verb"


def values(study: Any, path: str) -> dict[str, Any]:
    """What stands in an address for a thing of the study."""
    listed = {
        "participants/": study.enrolments.get().pk,
        "questionnaires/": study.questionnaires.get().pk,
        "roles/": study.study_roles.get(role="lead").pk,
        "layouts/": study.layout_id,
        "v2/exports/": Job.objects.get().pk,
    }
    return {
        "code": study.code,
        "key": "with-advice",
        "position": 1,
        "public_id": Review.objects.opened().get().public_id,
        "version": study.questionnaires.get().versions.get().public_id,
        "pk": next((value for part, value in listed.items() if part in path), 1),
        "number": study.study_cases.first().case.number if "v2/cases/" in path else 1,
    }


def addresses(study: Any) -> dict[str, str]:
    """A real address for each name."""
    found = {}
    for pattern, whole in api_patterns():
        if pattern.name != "api-unknown-path":
            known = {name: value for name, value in values(study, whole).items() if f"<{name}>" in whole}
            found[str(pattern.name)] = reverse(str(pattern.name), kwargs=known)
    return found


@pytest.fixture(autouse=True)
def _an_export(request: Any) -> None:
    if request.node.get_closest_marker("django_db"):
        cast, study = request.getfixturevalue("cast"), request.getfixturevalue("study")
        request_export(experiment=study, by=cast["unblinded analyst"])


@pytest.mark.django_db
def test_everybody_gets_what_the_table_says(api, cast, study):
    wrong = []
    where = addresses(study)
    for (method, name), expected in TABLE.items():
        for who in WHO:
            client = api(cast[who])
            body = {} if method in {"POST", "PUT", "PATCH"} else None
            cache.clear()  # the throttles' counts
            with transaction.atomic():  # a sign-out or a new version is undone for the next
                answer = client.generic(method, where[name], "{}" if body is not None else "", "application/json")
                transaction.set_rollback(True)
            if answer.status_code != expected[who]:
                wrong.append(f"{method} {where[name]} as {who}: {answer.status_code}, not {expected[who]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_the_stranger_gets_no_byte_about_the_study(api, cast, study):
    """A foreign study and an absent one are told apart by nothing."""
    where = addresses(study)
    for method, name in TABLE:
        if f"/{study.code}" not in where[name]:
            continue
        body = "{}" if method in {"POST", "PUT", "PATCH"} else ""
        foreign = api(cast["stranger"]).generic(method, where[name], body, "application/json")
        absent = api(cast["stranger"]).generic(
            method, where[name].replace(study.code, "exp-there-is-none"), body, "application/json"
        )
        assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content) == (404, absent.content)
