"""Files and texts that cannot be read are refused on the page; none is taken for a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

TOO_DEEP = "[" * 100_000


@pytest.fixture
def pages(lead: Any) -> Client:
    client = Client()
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    return client


def file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("file", text.encode())


HALF = '{"schema_version": 1, "sections": [{"level": "section", "key": "a", "label": "\\ud800", "children": []}]}'


@pytest.mark.parametrize("tree", [TOO_DEEP, HALF])
def test_the_tree_of_a_training_case(study: Any, pages: Client, tree: str) -> None:
    data = {"label": "Training", "layout_version": study.layout.versions.get().pk, "tree": file(tree)}
    assert pages.post(reverse("admin:cases_case_training"), data).status_code == 422


def test_a_layout(study: Any, pages: Client) -> None:
    assert pages.post(reverse("admin:cases_pagelayout_import"), {"file": file(TOO_DEEP)}).status_code == 422


def test_a_reference_value(study: Any, pages: Client) -> None:
    case = study.study_cases.first().case.number
    data = {"experiment": study.pk, "case_number": case, "question_key": "diagnosis", "value": TOO_DEEP, "rule": "x"}
    answer = pages.post(reverse("admin:experiments_referencestandard_add"), data)
    assert "Not valid JSON" in answer.content.decode() or "not valid JSON" in answer.content.decode()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_consent_at_the_ends_of_the_calendar(study: Any, enrolled: Any, pages: Client, at: str) -> None:
    data = {"experiment": study.pk, "file": file(f"email,at\nclinician@example.org,{at}\n")}
    assert pages.post(reverse("admin:experiments_enrolment_consents"), data).status_code == 422


def test_a_case_of_a_number_that_no_database_holds(study: Any, pages: Client) -> None:
    assert pages.get(reverse("admin:experiments_case_as_arms", args=[10**20])).status_code == 404
