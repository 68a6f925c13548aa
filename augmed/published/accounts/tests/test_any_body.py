"""Whatever is sent to the four account routes, the answer is one that the client can show."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augmed.published.accounts.tests.conftest import LOG_IN, RESET, RESET_REQUEST, SIGN_UP, refusal

pytestmark = pytest.mark.django_db

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=40),
    st.lists(st.text(max_size=5), max_size=2),
    st.sampled_from(["clinician@example.org", "MQ_x", "MQ_1-2", "a long Passphrase 1!", "\ud800", "\0"]),
)
bodies = st.one_of(
    values,
    st.dictionaries(st.sampled_from(["email", "password", "resetToken", "token", "x"]), values, max_size=4),
)


@given(path=st.sampled_from([LOG_IN, SIGN_UP, RESET_REQUEST, RESET]), body=bodies)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_is_answered_in_the_contracts_words(path, body, api, clinician):
    cache.clear()  # the throttle is not what is tested
    response = api().post(path, json.dumps(body), content_type="application/json")
    if response.status_code >= 300:
        status, code = refusal(response)
        assert (status, code) == (400, 400) or (status == 500 and code[:2] == "10") or (status, code) == (503, "1129")
    else:
        assert path in (LOG_IN, RESET_REQUEST)
        assert body["email"].strip().lower() == clinician.email
