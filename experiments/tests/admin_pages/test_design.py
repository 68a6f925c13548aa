"""Studies, arms, stages and questionnaires are designed in the admin."""

from __future__ import annotations

import re
from typing import Any

import pytest

from augmed.foundation.models import AuditEvent
from experiments.actions.roles import grant_role
from experiments.models import (
    Arm,
    Experiment,
    StudyRole,
)
from experiments.tests import factories
from experiments.tests.admin_pages.pages import client_of, form_of, page

pytestmark = pytest.mark.django_db


def test_a_study_is_created_with_its_maker_as_lead(layout_version: Any, stranger: Any, draft: Any) -> None:
    grant_role(user=stranger, experiment=draft, role="lead", by=None)
    client = client_of(stranger)
    data = {
        "name": "New study", "language": "en", "layout": layout_version.layout_id,
        "allocation_rule": "arm_per_participant", "case_order": "fixed", "block_multiples": "1, 3",
        "strata": "site, years", "withdrawal_policy": "keep", "description": "", "instructions": "", "_continue": "1",
    }  # fmt: skip
    response = client.post(page("experiment", "add"), data)
    made = Experiment.objects.get(name="New study")
    assert response.status_code == 302
    assert response.url == page("experiment", "change", made.pk)
    assert (made.block_multiples, made.strata, made.created_by) == ([1, 3], ["site", "years"], stranger)
    assert StudyRole.objects.filter(user=stranger, experiment=made, role="lead").exists()
    assert AuditEvent.objects.filter(action="experiment_created", target_id=str(made.pk)).exists()
    assert client.get(response.url).status_code == 200


def test_changing_a_study_and_its_arms_in_one_form(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    address = page("experiment", "change", draft.pk)
    data = form_of(client.get(address))
    data |= {
        "description": "A better one", "arms-TOTAL_FORMS": "4", "arms-0-name": "Plain",
        "arms-3-name": "Fourth", "arms-3-weight": "2", "arms-3-position": "9", "arms-2-DELETE": "on",
    }  # fmt: skip
    response = client.post(address, data)
    assert response.status_code == 302, response.context["errors"]
    draft.refresh_from_db()
    assert draft.description == "A better one"
    assert sorted(draft.arms.values_list("name", flat=True)) == ["Fourth", "Plain", "With advice"]
    assert draft.arms.get(name="Fourth").stages.count() == 1
    actions = set(AuditEvent.objects.filter(experiment_id=draft.pk).values_list("action", flat=True))
    assert {"experiment_changed", "arm_changed", "arm_added", "arm_removed"} <= actions


def test_inputs_in_tables_are_named_for_who_cannot_see_the_column(draft: Any, lead: Any) -> None:
    pages = {"arms": page("experiment", "change", draft.pk), "stages": page("arm", "change", draft.arms.first().pk)}
    for prefix, address in pages.items():
        inputs = re.findall(
            rf'<(?:input|select|textarea)[^>]*name="{prefix}-0-[^>]*>', client_of(lead).get(address).content.decode()
        )
        shown = [text for text in inputs if 'type="hidden"' not in text]
        assert len(shown) > 3
        assert not [text for text in shown if "aria-label=" not in text]


def test_a_refusal_stays_on_the_page_with_what_was_typed(study: Any, lead: Any) -> None:
    client = client_of(lead)
    address = page("experiment", "change", study.pk)
    data = form_of(client.get(address)) | {"allocation_rule": "arm_per_participant", "description": "typed"}
    response = client.post(address, data)
    assert response.status_code == 200
    text = response.content.decode()
    assert "The allocation rule of an activated study stays." in text
    assert "typed" in text
    study.refresh_from_db()
    assert study.description == ""


def test_stages_are_added_and_changed_on_the_page_of_their_arm(draft: Any, lead: Any) -> None:
    arm = draft.arms.get(name="With advice")
    address = page("arm", "change", arm.pk)
    data = form_of(client_of(lead).get(address))
    data |= {
        "stages-TOTAL_FORMS": "2",
        "stages-0-name": "Look",
        "stages-1-name": "Again",
        "stages-1-not_before_days": "7",
    }
    response = client_of(lead).post(address, data)
    assert response.status_code == 302, response.context["errors"]
    assert list(arm.stages.values_list("position", "name", "not_before_days")) == [(1, "Look", 0), (2, "Again", 7)]


def test_a_cost_of_asking_says_of_what(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    address = page("arm", "change", draft.arms.get(name="Without advice").pk)
    data = form_of(client.get(address)) | {"stages-0-hidden_until_asked": "on", "stages-0-reveal_cost": "5"}
    assert "Of what?" in client.post(address, data).content.decode()
    refused = client.post(address, data | {"stages-0-reveal_cost": "-5", "stages-0-reveal_cost_unit": "points"})
    assert refused.content.decode().count("A cost of asking is zero or more.") == 1
    assert client.post(address, data | {"stages-0-reveal_cost_unit": "points"}).status_code == 302


def test_an_arm_is_copied_from_the_list(draft: Any, lead: Any) -> None:
    arm = draft.arms.get(name="With advice")
    client_of(lead).post(page("arm"), {"action": "copy", "_selected_action": [arm.pk]})
    made = Arm.objects.get(name="With advice (copy)")
    assert made.stages.get().cells == arm.stages.get().cells


def test_a_new_stage_and_arm_begin_with_the_only_questionnaire(draft: Any, lead: Any) -> None:
    only = draft.questionnaires.get()
    arm = draft.arms.get(name="With advice")
    address = page("arm", "change", arm.pk)
    response = client_of(lead).get(address)
    [stages] = response.context["inline_admin_formsets"]
    added = stages.formset.empty_form
    row = {f"stages-1-{name}": added[name].value() for name in added.fields if added[name].value() is not None}
    assert row["stages-1-questionnaire"] == only.pk
    response = client_of(lead).post(address, form_of(response) | {"stages-TOTAL_FORMS": "2"} | row)
    assert response.status_code == 302, response.context["errors"]
    assert arm.stages.get(position=2).questionnaire == only

    address = page("experiment", "change", draft.pk)
    data = form_of(client_of(lead).get(address))
    data |= {"arms-TOTAL_FORMS": "4", "arms-3-name": "Fourth", "arms-3-weight": "1", "arms-3-position": "4"}
    response = client_of(lead).post(address, data)
    assert response.status_code == 302, response.context["errors"]
    assert draft.arms.get(name="Fourth").stages.get().questionnaire == only


def test_a_new_stage_chooses_where_there_are_two_questionnaires(draft: Any, lead: Any) -> None:
    factories.make_questionnaire(draft)
    response = client_of(lead).get(page("arm", "change", draft.arms.first().pk))
    [stages] = response.context["inline_admin_formsets"]
    assert stages.formset.empty_form["questionnaire"].value() is None
