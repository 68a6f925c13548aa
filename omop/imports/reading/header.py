"""The names of a file's columns: as they are in CDM 5.4, or an older name for the same thing."""

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from omop.imports.options import ImportOptions, UnknownColumns
from omop.imports.report import FileReport, ImportReport, shown
from omop.imports.schema import TableSchema

_VISIT = {
    "admitting_source_concept_id": "admitted_from_concept_id",
    "admitting_source_value": "admitted_from_source_value",
    "discharge_to_concept_id": "discharged_to_concept_id",
    "discharge_to_source_value": "discharged_to_source_value",
}
# Columns of CDM 5.3 that 5.4 renamed; the last two tables' are older still (CDM 5.2, and the oncology extension).
# What lost its meaning (time_of_birth, effective_drug_dose) has no successor and stays unknown.
OLDER_NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "visit_occurrence": _VISIT,
        "visit_detail": {**_VISIT, "visit_detail_parent_id": "parent_visit_detail_id"},
        "procedure_occurrence": {"qualifier_source_value": "modifier_source_value"},
        "measurement": {
            "modifier_of_event_id": "measurement_event_id",
            "modifier_of_field_concept_id": "meas_event_field_concept_id",
        },
    }
)


def normalised(name: str) -> str:
    """A column's name without quotes and blanks around it, in lower case, as the report can hold it."""
    return shown(name.strip().strip('"').strip().lower()) or ""


def recognised(name: str, schema: TableSchema) -> str | None:
    """The column of CDM 5.4 that a normalised name means."""
    name = OLDER_NAMES.get(schema.name, {}).get(name, name)
    return name if name in schema.columns else None


def columns_of(
    names: Sequence[str], schema: TableSchema, options: ImportOptions, report: ImportReport, file: FileReport
) -> tuple[str | None, ...] | None:
    """For each normalised name its column, None for one that is not read. None as a whole if the names do not fit.

    Fills `file.renamed`, `ignored` and `missing`; reports `columns_known` and `columns_required`.
    """
    columns = [recognised(name, schema) for name in names]
    faults = [*_doubled(names, columns)]
    for position, (name, column) in enumerate(zip(names, columns, strict=True), 1):
        if column is None:
            called = name or f"column {position}"
            if options.unknown_columns is UnknownColumns.IGNORE:
                file.ignored.append(called)
            else:
                faults.append((called, _unknown(name, schema)))
        elif column != name:
            file.renamed[name] = column
    if not any(columns):
        file.ignored.clear()  # a row, not a header: the history of imports must not keep its cells as names
    missing = [column for column in schema.columns.values() if column.name not in columns]
    file.missing = [column.name for column in missing if not column.required]
    lacking = [column.name for column in missing if column.required]
    for column, reason in faults:
        report.found("columns_known", schema.name, reason, file=file.name, line=1, column=column, per_column=False)
    for column in lacking:
        reason = "the column is required, but not there"
        report.found("columns_required", schema.name, reason, file=file.name, line=1, column=column, per_column=False)
    report.check("columns_known", schema.name).checked += 1
    report.check("columns_required", schema.name).checked += 1
    return None if faults or lacking else tuple(columns)


def _doubled(names: Sequence[str], columns: Sequence[str | None]) -> list[tuple[str, str]]:
    faults = []
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        if column is None or column not in columns[:position]:
            continue
        other = names[columns.index(column)]
        if other == name:
            faults.append((name, "the column is there twice"))
        else:
            older, newer = (name, other) if name != column else (other, name)
            faults.append((older, f"is an older name of {newer}, which is there too"))
    return faults


def _unknown(name: str, schema: TableSchema) -> str:
    if not name:
        return "a column has no name"
    close = difflib.get_close_matches(name, schema.columns, n=1, cutoff=0.8)
    hint = f"; {close[0]} comes near" if close else ""
    return f"{schema.name} has no such column in CDM 5.4{hint}"
