"""What is plausible for single concepts: units of measurements, the sex of who has a condition or a procedure.

The source is in NOTICE beside this module.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

MALE, FEMALE = 8507, 8532
_FOLDER = Path(__file__).parent


@cache
def units() -> Mapping[int, frozenset[int]]:
    """By measurement concept the concepts of its plausible units; none where it has no unit."""
    return MappingProxyType(
        {
            int(row["measurement_concept_id"]): frozenset(map(int, row["unit_concept_ids"].split()))
            for row in _rows("units.csv")
        }
    )


@cache
def sexes(table: str) -> Mapping[int, frozenset[int]]:
    """By sex (MALE, FEMALE) the concepts of a table that only persons of this sex have; empty for most tables."""
    found: dict[int, set[int]] = {}
    for row in _rows("sexes.csv"):
        if row["table"] == table:
            found.setdefault(int(row["gender_concept_id"]), set()).add(int(row["concept_id"]))
    return MappingProxyType({sex: frozenset(concepts) for sex, concepts in found.items()})


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
