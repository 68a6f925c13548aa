"""Pages of the administration as axe sees them: no barrier against WCAG 2.2 A and AA, in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from experiments.tests import factories

pytestmark = pytest.mark.browser

LISTS = (
    "index",
    "experiments_experiment_changelist",
    "experiments_enrolment_changelist",
    "experiments_questionnaireversion_changelist",
    "participants_user_changelist",
    "foundation_auditevent_changelist",
    "foundation_job_changelist",
    "cases_case_changelist",
    "omop_person_changelist",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_and_forms_have_no_barrier(
    browse: Any, no_barriers: Any, picture: Any, administrator: Any, clinician: Any, scheme: str
) -> None:
    study = factories.make_study(by=administrator)
    enrolment = factories.make_enrolment(study, clinician)
    page = browse(administrator, scheme=scheme, reduced_motion="reduce")
    addresses = {name: reverse(f"admin:{name}") for name in LISTS}
    addresses["study"] = reverse("admin:experiments_experiment_change", args=[study.pk])
    addresses["enrolment"] = reverse("admin:experiments_enrolment_change", args=[enrolment.pk])
    addresses["user"] = reverse("admin:participants_user_change", args=[clinician.pk])
    for name, address in addresses.items():
        page.goto(address)
        picture(page, f"admin-{name}-{scheme}")
        no_barriers(page)
