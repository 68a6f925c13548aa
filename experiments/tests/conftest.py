"""What tests of studies start from."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.tests import factories


@pytest.fixture
def layout_version(db: None) -> Any:
    return factories.make_layout()


@pytest.fixture
def lead(owner: Any) -> Any:
    """The researcher who leads `study`."""
    return owner


@pytest.fixture
def draft(lead: Any) -> Any:
    """A study that could be activated."""
    return factories.make_study(by=lead, active=False)


@pytest.fixture
def study(lead: Any) -> Any:
    """An active study: 4 cases, two one-stage arms and one of two stages, arm per participant and case."""
    return factories.make_study(by=lead)


@pytest.fixture
def enrolled(study: Any, clinician: Any) -> Any:
    """The clinician's enrolment in `study`, drawn."""
    return factories.make_enrolment(study, clinician)


@pytest.fixture
def two_stage_study(lead: Any) -> Any:
    """An active study of one arm with two stages."""
    arms = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
    return factories.make_study(by=lead, arms=arms, case_order="fixed")
