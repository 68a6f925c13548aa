"""Reads of the vocabulary: names of concepts, and what lies below them."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import Case, F, Value, When
from django.db.models.functions import Concat

from omop.models import Concept, ConceptAncestor

# SQLite takes at most 32,766 parameters in a statement (and far fewer where it was built so).
_CHUNK = 900


# In SQL what Concept.shown_name is: the vocabulary and code of a concept of CPT4 that came without its name.
SHOWN_NAME = Case(
    When(concept_name="", then=Concat("vocabulary_id", Value(" "), "concept_code")), default=F("concept_name")
)


def concept_names(ids: Iterable[int]) -> dict[int, str]:
    """The name of every concept of `ids` that is in the database, or its code; one query for each 900 ids.

    A concept that is not there is not in the answer: unknown concepts are allowed in OMOP data.
    """
    names: dict[int, str] = {}
    for chunk in _chunks(set(ids)):
        names.update(Concept.objects.filter(pk__in=chunk).values_list("concept_id", SHOWN_NAME))
    return names


def descendants(ids: Iterable[int]) -> set[int]:
    """`ids` and every concept below one of them in concept_ancestor; one query for each 900 ids."""
    wanted = set(ids)
    found = set(wanted)
    for chunk in _chunks(wanted):
        found.update(
            ConceptAncestor.objects.filter(ancestor_concept_id__in=chunk).values_list(
                "descendant_concept_id", flat=True
            )
        )
    return found


def _chunks(ids: set[int]) -> Iterator[list[int]]:
    iterator = iter(sorted(ids))
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
