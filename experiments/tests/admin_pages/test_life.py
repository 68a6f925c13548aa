"""The life of a study in the admin: activation, case list, display configs, draws."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from experiments.actions.roles import grant_role
from experiments.models import (
    AllocationRun,
    AllocationRunEvent,
    Assignment,
    AssignmentDisclosure,
    DisclosureSet,
)
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of, page

pytestmark = pytest.mark.django_db


def test_the_life_of_a_study_in_the_admin(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    check = client.get(page("experiment", "activate", draft.pk)).content.decode()
    assert "Nothing stands against it." in check
    assert client.post(page("experiment", "activate", draft.pk), {"reason": ""}).status_code == 302
    for step, reason, status in (
        ("pause", "", 422), ("pause", "holiday", 302), ("resume", "", 302), ("complete", "all done", 302),
        ("pause", "again", 409), ("archive", "put away", 302),
    ):  # fmt: skip
        response = client.post(page("experiment", "step", draft.pk, step), {"reason": reason})
        assert response.status_code == status, step
    draft.refresh_from_db()
    assert draft.status == "archived"


def test_the_activation_check_names_what_is_missing_and_what_must_be_confirmed(lead: Any) -> None:
    arms = {"Odd": [factories.show("age"), factories.show("lab")]}
    study = factories.make_study(by=lead, arms=arms, active=False)
    client = client_of(lead)
    address = page("experiment", "activate", study.pk)
    assert 'value="later_stage_hides"' in client.get(address).content.decode()
    assert client.post(address, {}).status_code == 422
    assert client.post(address, {"confirmed": "later_stage_hides"}).status_code == 302
    empty = factories.make_study(by=lead, cases=0, arms={}, active=False)
    text = client.get(page("experiment", "activate", empty.pk)).content.decode()
    assert "must be mended first" in text
    assert "disabled" in text


def test_the_case_list_is_set_in_order_with_ranges_and_picks(draft: Any, lead: Any) -> None:
    version = draft.layout.current()
    for number in (31, 32, 33, 40):
        factories.make_case(layout_version=version, number=number)
    client = client_of(lead)
    address = page("experiment", "cases", draft.pk)
    assert client.post(address, {"numbers": "33, 31..32", "add": ["40"]}).status_code == 302
    assert list(draft.study_cases.values_list("case__number", flat=True)) == [33, 31, 32, 40]
    for numbers, expected in (
        ("31 99", "There is no case 99"),
        ("31 31", "Named twice"),
        ("x", "neither a case number"),
    ):
        response = client.post(address, {"numbers": numbers})
        assert response.status_code == 422
        assert expected in response.content.decode()
    assert draft.study_cases.count() == 4


def test_upload_preview_confirm_and_result_pages(lead: Any, clinician: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    version = factories.make_layout()
    version.path_rules = {"advice_section": "RISK ASSESSMENT"}
    version.save()
    study = factories.make_study(by=lead, layout_version=version)
    factories.make_case(layout_version=version, number=77)
    enrolment = factories.make_enrolment(study, clinician)
    client = client_of(lead)
    text = (
        "User,Case No.,Path,Experiment\n"
        f"{clinician.email},77,Patient.Age,{study.code}\n"
        f"{clinician.email},77,RISK ASSESSMENT.Risk assessment: 12 %,{study.code}\n"
    )

    def send(content: str) -> Any:
        address = reverse("admin:experiments_display_configs")
        return client.post(address, {"file": SimpleUploadedFile("c.csv", content.encode())}, follow=True)

    assert "Choose a file first" in client.post(reverse("admin:experiments_display_configs"), {}).content.decode()
    bad = send(text.replace("Age", "Weight"))
    assert "no feature or category of this case is called so" in bad.content.decode()
    assert 'value="Upload"' not in bad.content.decode()

    shown = send(text)
    assert "12 %" in shown.content.decode()
    file = shown.context["file"]
    address = reverse("admin:experiments_display_configs_preview")
    assert client_of(client_user := factories.make_participant()).get(address).status_code in (302, 403), client_user
    client.post(address, {"file": file, "supplies": "1"})
    assert not enrolment.assignments.filter(case__number=77).exists()
    done = client.post(address, {"file": file, "supplies": "1", "confirm_supplies": "on"})
    assert "The file is uploaded." in done.content.decode()
    assert enrolment.assignments.filter(case__number=77).count() == 1
    assert client.get(f"{address}?file={file}").status_code == 302  # the file is gone
    assert client.get(f"{address}?file=../../etc").status_code == 302


def test_what_happened_to_a_draw_is_on_its_page(study: Any, enrolled: Any, stranger: Any) -> None:
    grant_role(user=stranger, experiment=study, role="unblinded_analyst", by=None)
    run = AllocationRun.objects.get(experiment=study)
    AllocationRunEvent.objects.create(run=run, kind="cancelled", reason="drawn in error")
    text = client_of(stranger).get(page("allocationrun", "change", run.pk)).content.decode()
    assert "drawn in error" in text


@pytest.mark.parametrize(
    ("role", "seen"), [("unblinded_analyst", True), ("lead", False), ("coordinator", False), ("blinded_analyst", False)]
)
def test_what_an_assignment_discloses_is_shown_to_who_sees_its_arm(
    study: Any, enrolled: Any, stranger: Any, role: str, seen: bool
) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    assignment = Assignment.objects.filter(enrolment=enrolled).first()
    assert assignment is not None
    AssignmentDisclosure.objects.create(
        assignment=assignment, disclosure_set=DisclosureSet.objects.first(), policy="its policy"
    )
    response = client_of(stranger).get(page("assignment", "change", assignment.pk))
    assert response.status_code == 200
    assert ("its policy" in response.content.decode()) is seen
