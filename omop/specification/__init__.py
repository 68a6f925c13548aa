"""The specification of CDM 5.4 as OHDSI publishes it, read from the CSV files beside this module.

It is the one definition of which column refers to which table; the models are tested against it.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Reference:
    """What a column refers to."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type` is integer, float, date, datetime, varchar or text; `length` is for varchar only.

    `domain` is the domain that its concepts belong to, where the specification names one.
    """

    name: str
    type: str
    length: int | None
    required: bool
    primary_key: bool
    reference: Reference | None
    domain: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its columns in the order of the specification."""

    name: str
    schema: str
    columns: Mapping[str, Column]

    @property
    def primary_key(self) -> str | None:
        """Name of the key column; None for the eleven tables without one."""
        return next((column.name for column in self.columns.values() if column.primary_key), None)

    @property
    def references(self) -> dict[str, Reference]:
        """The references by column name."""
        return {c.name: c.reference for c in self.columns.values() if c.reference is not None}


@cache
def tables() -> Mapping[str, Table]:
    """All 39 tables by name."""
    columns: dict[str, dict[str, Column]] = {}
    for row in _rows("OMOP_CDMv5.4_Field_Level.csv"):
        column = _column(row)
        columns.setdefault(row["cdmTableName"], {})[column.name] = column
    return MappingProxyType(
        {
            row["cdmTableName"]: Table(
                row["cdmTableName"], row["schema"], MappingProxyType(columns[row["cdmTableName"]])
            )
            for row in _rows("OMOP_CDMv5.4_Table_Level.csv")
        }
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _column(row: Mapping[str, str]) -> Column:
    kind, _, rest = row["cdmDatatype"].lower().partition("(")
    length = rest.rstrip(")")
    if length == "max":
        kind, length = "text", ""
    reference = None
    if row["isForeignKey"] == "Yes":
        reference = Reference(row["fkTableName"].lower(), row["fkFieldName"].lower())
    return Column(
        name=row["cdmFieldName"].strip('"'),  # note_nlp."offset" is quoted in the published file
        type=kind,
        length=int(length) if length else None,
        required=row["isRequired"] == "Yes",
        primary_key=row["isPrimaryKey"] == "Yes",
        reference=reference,
        domain=None if row["fkDomain"] == "NA" else row["fkDomain"],
    )
