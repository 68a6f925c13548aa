"""The committed schema is what the code says, and tools can read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


def test_the_committed_schema_is_current_and_made_without_a_warning(tmp_path):
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(made))
    assert made.read_text() == COMMITTED.read_text(), "The API has changed: run `make schema` and commit the result."


def operations():
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_described_and_documents_its_refusals():
    for name, operation in operations():
        assert operation["tags"], name
        assert operation["operationId"], name
        assert operation.get("description"), f"{name} has no docstring"
        codes = set(operation["responses"])
        assert codes & {"200", "201", "202", "204"}, name
        if operation.get("security") and {} not in operation["security"]:
            assert {"401", "403"} <= codes, name
        if "{" in name:
            assert "404" in codes, name
        if operation.get("requestBody"):
            assert "422" in codes, name
        for code in codes - {"200", "201", "202", "204"}:
            assert list(operation["responses"][code]["content"]) == ["application/problem+json"], (name, code)


def test_operation_ids_and_paths_are_written_once_and_without_slash():
    listed = list(operations())
    ids = [operation["operationId"] for _, operation in listed]
    assert len(set(ids)) == len(ids)
    assert [name for name, _ in listed if name.endswith("/")] == []


@pytest.mark.django_db
def test_the_schema_and_its_page_are_served_without_a_content_network(client):
    schema = client.get("/api/v2/schema")
    assert schema.status_code == 200
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "swagger-ui" in page.content.decode()
    assert "//cdn" not in page.content.decode()
    assert "https://" not in page.content.decode()
