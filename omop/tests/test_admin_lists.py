"""The lists: who may see them, what the search finds, how many statements they take."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from omop.actions import import_files
from omop.admin.base import BROWSABLE
from omop.models import Concept, Person, VisitOccurrence
from omop.models.base import cdm_models
from omop.tests.test_import_sample import SAMPLE

MODELS = cdm_models()
pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    User = get_user_model()
    return {
        "administrator": User.objects.create_superuser("admin@example.org", "pass"),
        "data staff": User.objects.create_user("data@example.org", "pass", is_staff=True, is_data_staff=True),
        "other staff": User.objects.create_user("staff@example.org", "pass", is_staff=True),
        "participant": User.objects.create_user("reader@example.org", "pass"),
    }


def page(model, name="changelist", *arguments):
    return reverse(f"admin:omop_{model._meta.model_name}_{name}", args=arguments)


def test_every_table_has_a_page():
    assert {model for model in MODELS if admin.site.is_registered(model)} == set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
def test_who_may_open_a_list(client, people, model):
    for who, status in {"administrator": 200, "data staff": 200, "other staff": 403, "participant": 302}.items():
        client.force_login(people[who], backend="django.contrib.auth.backends.ModelBackend")
        assert client.get(page(model)).status_code == status, who
    client.logout()
    assert client.get(page(model)).status_code == 302


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
def test_a_list_takes_few_statements_and_a_search_no_more(client, people, model, django_assert_max_num_queries):
    import_files(paths=[SAMPLE], by=None)
    client.force_login(people["data staff"], backend="django.contrib.auth.backends.ModelBackend")
    for search in ["", "27", "text", "9" * 30]:
        with django_assert_max_num_queries(9):
            assert client.get(page(model), {"q": search}).status_code == 200


def test_every_row_of_the_sample_opens(client, people):
    import_files(paths=[SAMPLE], by=None)
    client.force_login(people["data staff"], backend="django.contrib.auth.backends.ModelBackend")
    opened = 0
    for model in MODELS:
        row = model.objects.first()
        if row is not None:
            assert client.get(page(model, "change", row.pk)).status_code == 200, model
            opened += 1
    assert opened == 15


def test_the_search_finds_ids_codes_and_beginnings_of_names(client, people, write_table):
    import_files(
        paths=[write_table("concept", {}, {"concept_id": 1, "concept_name": "Maleate", "concept_code": "27"})], by=None
    )
    client.force_login(people["data staff"], backend="django.contrib.auth.backends.ModelBackend")

    def found(term):
        return sorted(client.get(page(Concept), {"q": term}).context["cl"].queryset.values_list("pk", flat=True))

    assert found("8507") == [8507]
    assert found("27") == [1]
    # SQLite compares beginnings without regard to case.
    assert 1 in found("Mal")
    assert 1 in found("mal")
    assert found("Male") in ([1], [1, 8507])
    assert found("Malea") == [1]
    assert 8507 in found("MALE")
    assert found("nothing") == []


def test_the_search_by_person_finds_the_visits(client, people):
    import_files(paths=[SAMPLE], by=None)
    client.force_login(people["data staff"], backend="django.contrib.auth.backends.ModelBackend")
    queryset = client.get(page(VisitOccurrence), {"q": "27"}).context["cl"].queryset
    assert set(queryset.values_list("person_id", flat=True)) == {27}


def test_a_list_counts_only_as_far_as_anybody_pages(client, people, write_table):
    rows = [{"person_id": number} for number in range(BROWSABLE + 5)]
    import_files(paths=[write_table("person", *rows)], by=None)
    client.force_login(people["data staff"], backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(page(Person)).context["cl"].paginator.count == BROWSABLE


def test_nobody_deletes_and_tables_to_look_at_have_no_form(client, people):
    import_files(paths=[SAMPLE], by=None)
    client.force_login(people["administrator"], backend="django.contrib.auth.backends.ModelBackend")
    provider = apps.get_model("omop", "Provider")
    row = provider.objects.first()
    assert client.get(page(provider, "add")).status_code == 403
    assert client.post(page(provider, "change", row.pk), {"provider_name": "x"}).status_code == 403
    assert client.post(page(provider, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert client.post(page(Person, "delete", 27), {"post": "yes"}).status_code == 403


def test_rows_are_visible_to_those_who_may_see_omop_data(people, write_table):
    import_files(paths=[write_table("person")], by=None)
    counts = {who: Person.objects.visible_to(user).count() for who, user in people.items()}
    assert counts == {"administrator": 1, "data staff": 1, "other staff": 0, "participant": 0}
