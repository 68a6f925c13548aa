"""Every page of a study opens without a console error, in both themes, and fits its window."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from experiments.actions.references import set_reference
from experiments.tests import factories

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark")])
def test_a_case_as_arms_show_it(
    browse: Any, study: Any, lead: Any, fits: Any, picture: Any, width: int, scheme: str
) -> None:
    page = browse(lead, width=width, scheme=scheme)
    page.goto(reverse("admin:experiments_experiment_preview", args=[study.pk]))
    expect(page.get_by_text("1 of 4", exact=True)).to_be_visible()
    fits(page)
    picture(page, f"case-{width}-{scheme}")

    page.get_by_label("Whole case").first.uncheck()
    page.get_by_label("Advice afterwards, stage 1").uncheck()
    page.get_by_label("Advice afterwards, stage 2").uncheck()
    page.get_by_label("Only what differs").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Only here")).to_have_count(1)
    expect(page.locator("table.side-by-side tbody tr")).to_have_count(2)
    page.locator('a[rel="next"]').click()
    expect(page.locator(".place")).to_contain_text("2 of 4 in the study")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark")])
def test_upload_of_display_configs(
    browse: Any, lead: Any, clinician: Any, fits: Any, picture: Any, width: int, scheme: str
) -> None:
    version = factories.make_layout()
    version.path_rules = {"advice_section": "RISK ASSESSMENT"}
    version.save()
    study = factories.make_study(by=lead, layout_version=version)
    factories.make_case(layout_version=version, number=77)
    factories.make_enrolment(study, clinician)
    drawn = study.study_cases.first().case.number
    page = browse(lead, width=width, scheme=scheme)
    head = "User,Case No.,Path,Collapse,Highlight,Top,Experiment,Remark\n"

    def send(*rows: str) -> None:
        page.goto(reverse("admin:experiments_display_configs"))
        content = (head + "".join(f"{row},{study.code},\n" for row in rows)).encode()
        page.get_by_label("CSV file").set_input_files({"name": "c.csv", "mimeType": "text/csv", "buffer": content})
        with page.expect_navigation():
            page.get_by_role("button", name="Show what it would do").click()

    page.goto(reverse("admin:experiments_display_configs"))
    picture(page, f"configs-upload-{width}-{scheme}")
    send(f"{clinician.email},77,Patient.Weight,,,", f"{clinician.email},77,Patient.Age,maybe,,")
    expect(page.locator("#content tbody tr")).to_have_count(2)
    picture(page, f"configs-errors-{width}-{scheme}")

    send(
        f"{clinician.email},77,Patient.Age,,TRUE,1",
        f"{clinician.email},77,RISK ASSESSMENT.Risk assessment: 12 %,,,",
        f"{clinician.email},{drawn},Patient.Age,,,",
    )
    picture(page, f"configs-preview-{width}-{scheme}")
    fits(page)
    page.get_by_label("These values are right").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("The file is uploaded.")).to_be_visible()
    picture(page, f"configs-result-{width}-{scheme}")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark")])
def test_the_other_pages_of_a_study(
    browse: Any, study: Any, enrolled: Any, draft: Any, administrator: Any, picture: Any, width: int, scheme: str
) -> None:
    page = browse(administrator, width=width, scheme=scheme)
    case = study.study_cases.first().case
    set_reference(experiment=study, case=case, question_key="diagnosis", value="yes", rule="one reading", by=None)
    version = study.questionnaires.get().versions.get()
    addresses = {
        "study": reverse("admin:experiments_experiment_change", args=[study.pk]),
        "draft": reverse("admin:experiments_experiment_change", args=[draft.pk]),
        "activate": reverse("admin:experiments_experiment_activate", args=[draft.pk]),
        "pause": reverse("admin:experiments_experiment_step", args=[study.pk, "pause"]),
        "amend": reverse("admin:experiments_experiment_amend", args=[study.pk]),
        "cases": reverse("admin:experiments_experiment_cases", args=[draft.pk]),
        "progress": reverse("admin:experiments_experiment_progress", args=[study.pk]),
        "matrix-frozen": reverse("admin:experiments_experiment_matrix", args=[study.pk]),
        "questionnaire": reverse("admin:experiments_questionnaireversion_change", args=[version.pk]),
        "questionnaire-new": reverse("admin:experiments_questionnaireversion_add"),
        "role": reverse("admin:experiments_studyrole_add"),
        "references": reverse("admin:experiments_referencestandard_import"),
        "consents": reverse("admin:experiments_enrolment_consents"),
    }
    for name, address in addresses.items():
        answer = page.goto(address)
        assert answer.status == 200, name
        picture(page, f"page-{name}-{width}-{scheme}")
