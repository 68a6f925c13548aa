from __future__ import annotations

from typing import Any

import pytest

from augmed.published.tests import augmed_study
from experiments.actions.display_configs import apply
from experiments.actions.roles import grant_role
from experiments.models import Experiment
from experiments.tests import factories
from experiments.tests.exports.conftest import answer, reviews_of


@pytest.fixture
def study(lead: Any) -> Experiment:
    """Six cases, three arms, one of them of two stages."""
    return factories.make_study(by=lead, cases=6)


@pytest.fixture
def lead(owner: Any) -> Any:
    return owner


@pytest.fixture
def answered(study: Experiment, clinician: Any) -> Experiment:
    """Every review of the clinician answered."""
    for review in reviews_of(factories.make_enrolment(study, clinician)):
        answer(review)
    return study


@pytest.fixture
def analyst(study: Experiment, make_user: Any) -> Any:
    user = make_user("analyst@example.org", is_staff=True)
    grant_role(user=user, experiment=study, role="unblinded_analyst", by=None)
    return user


@pytest.fixture
def blinded(study: Experiment, make_user: Any) -> Any:
    user = make_user("blinded@example.org", is_staff=True)
    grant_role(user=user, experiment=study, role="blinded_analyst", by=None)
    return user


@pytest.fixture
def configured(db: Any, clinician: Any) -> Experiment:
    """Display configs over two visits of OMOP, given as a CSV; nothing opened yet."""
    numbers = augmed_study.make_visits(2)
    augmed_study.make_layout()
    paths = ["BACKGROUND.Family History.Cancer: Yes", "RISK ASSESSMENT.Colorectal Cancer Score: 7"]
    rows = [[clinician.email, number, path, "TRUE", "", ""] for number in numbers for path in paths]
    apply(file=augmed_study.display_configs(rows), by=None)
    study = Experiment.objects.get(kind="configs")
    factories.make_questionnaire(study)
    return study
