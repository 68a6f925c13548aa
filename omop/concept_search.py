"""Search of concepts by id, code or parts of their names, quick among millions.

Best first: the exact id, code or name, then standard concepts, then shorter names. Where very many concepts match, the
best of some of them are given: ordering all would mean reading all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection
from django.db.models import Case, Q, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Length

from omop import concept_search_index
from omop.models import Concept

LISTED = 500  # a longer answer is no help: another word narrows it
_SHORTEST = 3  # characters of a word that trigrams can find
_LONGEST = 255  # characters of a name; more of a text is not looked at
_WORDS = 8
_EXACT = 50
_BEGINNINGS = 60  # for each spelling
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class ConceptFilter:
    """What the concepts found have to be; None leaves it open. `standard`: S, C (classification) or none."""

    domain_id: str | None = None
    vocabulary_id: str | None = None
    standard: Literal["S", "C", "none"] | None = None

    def conditions(self) -> tuple[str, list[Any]]:
        """As SQL that follows another condition, about the table `c`, with its parameters."""
        sql, values = "", []
        for column in ("domain_id", "vocabulary_id"):
            if (value := getattr(self, column)) is not None:
                sql += f" AND c.{column} = %s"
                values.append(value)
        if self.standard == "none":
            sql += " AND c.standard_concept IS NULL"
        elif self.standard is not None:
            sql += " AND c.standard_concept = %s"
            values.append(self.standard)
        return sql, values


def search_concepts(text: str, only: ConceptFilter | None = None, limit: int = LISTED) -> list[int]:
    """Ids of at most `limit` concepts, best first; four statements, however many concepts there are.

    Found are the concept with this id, those with this code, those whose name begins with the text, and those whose
    name has all its words anywhere, in any order, without regard to case. Words of one or two characters only narrow
    what longer ones find; a text of nothing else finds names by their beginning.
    """
    text = plain(text)
    found = candidates(text, only or ConceptFilter(), limit)
    return list(Concept.objects.filter(pk__in=found).order_by(*ranking(text)).values_list("pk", flat=True)[:limit])


def plain(text: str) -> str:
    """What is searched for: blanks are one blank, and no longer than a name."""
    return " ".join(text[:_LONGEST].replace("\x00", " ").split())


def candidates(text: str, only: ConceptFilter, limit: int = LISTED) -> set[int]:
    """Ids of concepts that match, unordered, at most 1,350; three statements at most. `text` is `plain`."""
    if not text:
        return set()
    return {*_exact_or_beginning(text, only), *_with_words(text, only, min(limit, LISTED))}


def ranking(text: str) -> list[OrderBy | Case | str]:
    """The order of what was found, best first; for few rows, as no index gives it. `text` is `plain`."""
    exact = Q(concept_code__in=_codes(text))
    if (number := _number(text)) is not None:
        exact |= Q(pk=number)
    return [
        Case(When(exact, then=Value(0)), When(concept_name__iexact=text, then=Value(1)), default=Value(2)),
        Case(When(standard_concept="S", then=Value(0)), default=Value(1)),
        Length("concept_name").asc(),
        "pk",
    ]


def _codes(text: str) -> list[str]:
    """As it stands and in capitals, for who writes e11.9."""
    return [text, text.upper()]


def _number(text: str) -> int | None:
    """The id that the text may be."""
    if re.fullmatch(r"-?[0-9]{1,19}", text, re.ASCII) is None:
        return None
    return number if -_INT64 <= (number := int(text)) < _INT64 else None


def _exact_or_beginning(text: str, only: ConceptFilter) -> list[int]:
    exact, exact_values = _exact(text)
    parts = [_part(exact, only, "", _EXACT)]
    more_values = only.conditions()[1]
    values = [*exact_values, *more_values]
    at_least, before, using = ("~>=~", "~<~", "USING ~<~") if connection.vendor == "postgresql" else (">=", "<", "")
    between = f"c.concept_name {at_least} %s AND c.concept_name {before} %s"
    # As it stands and in the usual spellings: the index of names knows case. In its order the shortest come first.
    for spelling in dict.fromkeys([text, text.lower(), text.upper(), text.capitalize(), text.title()]):
        parts.append(_part(between, only, f"ORDER BY c.concept_name {using}", _BEGINNINGS))
        values += [spelling, spelling + "\U0010ffff", *more_values]
    return _fetched(" UNION ALL ".join(f"SELECT * FROM ({part}) p" for part in parts), values)


def _exact(text: str) -> tuple[str, list[Any]]:
    condition, values = "c.concept_code IN (%s, %s)", list[Any](_codes(text))
    if (number := _number(text)) is not None:
        return f"({condition} OR c.concept_id = %s)", [*values, number]
    return condition, values


def _part(condition: str, only: ConceptFilter, order: str, limit: int) -> str:
    return f"SELECT c.concept_id FROM concept c WHERE {condition}{only.conditions()[0]} {order} LIMIT {limit:d}"


def _with_words(text: str, only: ConceptFilter, limit: int) -> list[int]:
    words = list(dict.fromkeys(text.split()))[:_WORDS]
    long = [word for word in words if len(word) >= _SHORTEST]
    if not long or not concept_search_index.exists():
        return []
    if connection.vendor == "postgresql":
        return _with_words_postgresql(words, only, limit)
    index = concept_search_index.INDEX
    short = [word for word in words if len(word) < _SHORTEST]
    condition = f"{index} MATCH %s" + " AND c.concept_name LIKE %s ESCAPE '\\'" * len(short)
    match = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
    # CROSS JOIN is SQLite's word for this order: the index first, then each concept by its id, until there are enough.
    tables = f"{index} CROSS JOIN concept c ON c.concept_id = {index}.rowid"
    return _ids(tables, condition, [match, *(_anywhere(word) for word in short)], only, limit)


# `probe` looks at a fair part of the table: words that very many names have are answered by it, as finding all those
# names in the index takes long. `found` asks the index, unless the probe was enough. It is materialized because a LIMIT
# at the condition itself lets PostgreSQL read the table from its start: a word of which it has no statistics it takes
# for one in a hundred. A materialized subquery is planned for all its rows, yet read only as far as the LIMIT asks.
_POSTGRESQL = """
    WITH probe AS MATERIALIZED (
        SELECT c.concept_id FROM concept c TABLESAMPLE SYSTEM (
            (SELECT 100 * %s / greatest(reltuples, %s) FROM pg_class WHERE oid = 'concept'::regclass)
        ) REPEATABLE (1) WHERE {condition} LIMIT %s
    ), found AS MATERIALIZED (SELECT c.concept_id FROM concept c WHERE {condition})
    SELECT concept_id FROM probe
    UNION ALL
    SELECT concept_id FROM (
        SELECT concept_id FROM found WHERE (SELECT count(*) FROM probe) < %s LIMIT %s
    ) f
"""
_PROBED = 20_000  # concepts
_ENOUGH = 200


def _with_words_postgresql(words: Sequence[str], only: ConceptFilter, limit: int) -> list[int]:
    more, more_values = only.conditions()
    condition = " AND ".join(["lower(c.concept_name) LIKE lower(%s)"] * len(words)) + more
    values = [*map(_anywhere, words), *more_values]
    enough = min(limit, _ENOUGH)
    parameters = [_PROBED, _PROBED, *values, limit, *values, enough, limit]
    return _fetched(_POSTGRESQL.format(condition=condition), parameters)


def _anywhere(word: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"


def _ids(tables: str, condition: str, values: Sequence[Any], only: ConceptFilter, limit: int) -> list[int]:
    more, more_values = only.conditions()
    sql = f"SELECT c.concept_id FROM {tables} WHERE {condition}{more} LIMIT {limit:d}"
    return _fetched(sql, [*values, *more_values])


def _fetched(sql: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [concept_id for (concept_id,) in cursor.fetchall()]
