"""The API against its own schema: generated requests of every operation find no 500 and no undocumented answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from augmed.wsgi import application
from experiments.models import Review
from participants.tokens import access_token_for

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _connections_stay() -> Iterator[None]:
    """A server closes its connections between requests, which would end the test's transaction (as in django.test)."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _failures_are_answers(settings: Any) -> None:
    """A fault gives the 500 that a user would get, so that the check sees it with the request that made it."""
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False


def real_values(study: Any, path: str) -> dict[str, Any]:
    """What stands in this path for things that there are; random values would hardly ever get beyond a 404."""
    review = Review.objects.in_order().first()
    numbers = {"/api/v2/cases": study.study_cases.first().case.number}
    ids = {
        "/participants": study.enrolments.first().pk,
        "/questionnaires": study.questionnaires.first().pk,
        "/roles": study.study_roles.first().pk,
        "/layouts": study.layout_id,
    }
    return {
        "code": study.code,
        "key": "with-advice",
        "position": "1",
        "public_id": str(review.public_id),
        "version": str(study.questionnaires.first().versions.first().public_id),
        "number": next((value for part, value in numbers.items() if path.startswith(part)), 1),
        "id": next((value for part, value in ids.items() if part in path), 1),
    }


@pytest.mark.parametrize("who", ["administrator", "clinician"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_generated_request_finds_a_fault(who: str, request: Any, study: Any) -> None:
    user = request.getfixturevalue(who)
    headers = {"Authorization": f"Bearer {access_token_for(user)}"}
    schema = schemathesis.openapi.from_wsgi("/api/v2/schema?format=json", application)
    reached: set[int] = set()
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        count += 1
        for mode in EXAMPLES:
            _try_out(operation, mode, real_values(study, operation.path), headers, reached.add)
    assert count > 40
    assert {200, 201, 404, 422} <= reached if who == "administrator" else {200, 403, 404} <= reached


def _try_out(
    operation: Any,
    mode: GenerationMode,
    known: dict[str, Any],
    headers: dict[str, str],
    note: Callable[[int], None],
) -> None:
    @settings(
        max_examples=EXAMPLES[mode],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.sampled_from([True, True, True, False]))
    def run(case: Any, real: bool) -> None:
        if real:
            replaced = {name: known[name] for name in case.path_parameters or {} if name in known}
            case.path_parameters.update(replaced)
        with transaction.atomic():  # each request meets the same study, and a sign-out ends nothing for the next
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        note(response.status_code)
        case.validate_response(response, checks=CHECKS)

    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, f"{operation.label} cannot be tried out"
