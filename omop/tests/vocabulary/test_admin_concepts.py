"""The list of concepts: search and filters together."""

import pytest
from django.urls import reverse

from omop.models import Concept, Domain, Vocabulary

pytestmark = pytest.mark.django_db
LIST = reverse("admin:omop_concept_changelist")


@pytest.fixture
def page(client, data_staff):
    Domain.objects.create(domain_id="Condition", domain_name="Condition", domain_concept_id=19)
    Vocabulary.objects.create(vocabulary_id="CPT4", vocabulary_name="CPT", vocabulary_concept_id=44819100)
    rows = [
        (1, "Heart failure", "Condition", "SNOMED", "S", "84114007"),
        (2, "Failure of heart", "Condition", "Read", None, "G58"),
        (3, "Heart structure", "Spec Anatomic Site", "SNOMED", "S", "80891009"),
        (4, "", "Procedure", "CPT4", "S", "99213"),
        (5, "Heart class", "Condition", "ATC", "C", "C01"),
    ]
    for concept_id, name, domain, vocabulary, standard, code in rows:
        Concept.objects.create(
            concept_id=concept_id,
            concept_name=name,
            domain_id=domain,
            vocabulary_id=vocabulary,
            concept_class_id="x",
            standard_concept=standard,
            concept_code=code,
            valid_start_date="1970-01-01",
            valid_end_date="2099-12-31",
        )
    client.force_login(data_staff, backend="django.contrib.auth.backends.ModelBackend")

    def found(**parameters):
        response = client.get(LIST, parameters)
        assert response.status_code == 200
        return [row.pk for row in response.context["cl"].result_list]

    return found


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"q": "heart"}, [1, 3, 5, 2]),
        ({"q": "fail heart"}, [1, 2]),
        ({"q": "fail heart", "vocabulary_id": "Read"}, [2]),
        ({"q": "heart", "domain_id": "Condition"}, [1, 5, 2]),
        ({"q": "heart", "standard": "none"}, [2]),
        ({"q": "heart", "standard": "C"}, [5]),
        ({"standard": "S"}, [1, 3, 4]),
        ({"standard": "none"}, [2]),
        ({"standard": "nonsense"}, [1, 2, 3, 4, 5]),
        ({"domain_id": "Condition", "standard": "S"}, [1]),
        ({"q": "99213"}, [4]),
        ({"q": "   "}, [1, 2, 3, 4, 5]),
        ({"q": "nothing"}, []),
    ],
)
def test_search_and_filters(page, parameters, found):
    assert page(**parameters) == found


def test_a_concept_without_a_name_is_listed_by_its_code(page, client):
    assert "CPT4 99213" in client.get(LIST, {"q": "99213"}).content.decode()


def test_counts_of_every_choice_are_never_asked_for(page, client):
    assert "_facets" not in client.get(LIST).content.decode()
