"""Small imports and exports of the tables that staff edit by hand, with a preview (django-import-export)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import tablib
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader

from omop.imports.gate.definitions import definitions, visit_of
from omop.imports.schema import TableSchema, is_vocabulary, schemas
from omop.widgets import CellWidget, widget_for

_CHUNK = 900


def too_many(rows: int | None) -> str:
    """What to say to who wants to import more than the admin takes."""
    count = "This file has" if rows is None else f"This file has {rows:,} rows,"
    return (
        f"{count} more than the {settings.ADMIN_IMPORT_MAX_ROWS:,} rows this page takes."
        " Use the bulk import: the “Bulk import” button of any OMOP table, or manage.py import_omop."
    )


class RowsByKey(BaseInstanceLoader):
    """The rows that are there already, fetched in a few queries. Keys that cannot be read are left to their row."""

    def __init__(self, resource: "CdmResource", dataset: tablib.Dataset) -> None:
        super().__init__(resource, dataset)
        keys = resource.keys_of(dataset)
        self._rows: dict[Any, models.Model] = {}
        for chunk in _chunks(keys):
            self._rows.update(resource.get_queryset().in_bulk(chunk))

    def get_instance(self, row: Mapping[str, Any]) -> models.Model | None:
        field = self.resource.fields[self.resource.schema.key[0]]
        return self._rows.get(field.clean(row))


class CdmResource(resources.ModelResource):
    """A CDM table. Rows of a new key are added, rows of a known key are changed, as the preview shows.

    Refuses: more rows than the cap, unknown columns, a key twice, rows that refer to a person or visit that is not
    there or to another person's visit, rows that would become another person's. Values follow the rules of the bulk
    import (omop.imports.cells).
    """

    schema: TableSchema

    class Meta:
        clean_model_instances = True
        instance_loader_class = RowsByKey
        skip_unchanged = True
        report_skipped = True
        use_transactions = True

    @classmethod
    def field_from_django_field(cls, field_name: str, django_field: models.Field, readonly: bool) -> Field:
        return Field(attribute=field_name, column_name=field_name, widget=widget_for(django_field)(), readonly=readonly)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._missing: dict[str, set[int]] = {}
        self._visits: dict[str, dict[int, int]] = {}
        self._owners: dict[Any, int] = {}

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Raises ValueError for what concerns the file as a whole."""
        if len(dataset) > settings.ADMIN_IMPORT_MAX_ROWS:
            raise ValueError(too_many(len(dataset)))
        headers = dataset.headers or []
        unknown = [name or "(no name)" for name in headers if name not in self.fields]
        if unknown:
            raise ValueError(f"{self.schema.name} has no column {', '.join(unknown)}.")
        twice = [name for name, count in Counter(headers).items() if count > 1]
        if twice:
            raise ValueError(f"The file has two columns {', '.join(twice)}.")
        self._refuse_double_keys(dataset)
        self._missing = {
            column: self._missing_ids(column, dataset) for column in self._references() if column in headers
        }
        visits = definitions()[self.schema.name].visits
        self._visits = {column: self._persons_by(column, dataset) for column in visits}

    def before_import_row(self, row: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError where the row refers to nothing."""
        errors = {}
        for column, missing in self._missing.items():
            if _read(self.fields[column].widget, row[column]) in missing:
                errors[column] = f"There is no {self.schema.columns[column].reference.table} {row[column]}."  # type: ignore[union-attr]
        if errors:
            raise ValidationError(errors)

    def after_init_instance(self, instance: Any, new: bool, row: Mapping[str, Any], **kwargs: Any) -> None:
        """Remember whose row it was, before the file's cells are put into it."""
        if not new and has_owner(self.schema):
            self._owners[instance.pk] = instance.person_id

    def validate_instance(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError where the row is, or would become, another person's than its visit or it was."""
        super().validate_instance(instance, *args, **kwargs)
        errors = {}
        if self._owners.get(instance.pk, getattr(instance, "person_id", None)) != getattr(instance, "person_id", None):
            errors["person_id"] = "A row never moves to another person."
        for column, persons in self._visits.items():
            if persons.get(getattr(instance, column), instance.person_id) != instance.person_id:
                errors[column] = f"This {visit_of(column)} is another person's."
        if errors:
            raise ValidationError(errors)

    def keys_of(self, dataset: tablib.Dataset) -> set[Any]:
        """Every key of the file that can be read."""
        return self._values(self.schema.key[0], dataset)

    def _refuse_double_keys(self, dataset: tablib.Dataset) -> None:
        key = self.schema.key[0]
        if key not in (dataset.headers or []):
            return  # said by import-export itself
        seen: dict[Any, int] = {}
        for number, cell in enumerate(dataset[key], start=1):
            value = _read(self.fields[key].widget, cell)
            if value is not None and seen.setdefault(value, number) != number:
                raise ValueError(f"Rows {seen[value]} and {number} have the same {key} {value}.")

    def _references(self) -> list[str]:
        return [
            column.name
            for column in self.schema.columns.values()
            if column.reference is not None and not is_vocabulary(column.reference.table)
        ]

    def _missing_ids(self, column: str, dataset: tablib.Dataset) -> set[int]:
        reference = self.schema.columns[column].reference
        assert reference is not None
        wanted = self._values(column, dataset)
        if reference.table == self.schema.name:
            wanted -= self.keys_of(dataset)
        return wanted - existing_keys(reference.table, wanted)

    def _persons_by(self, column: str, dataset: tablib.Dataset) -> dict[Any, int]:
        """Whose rows those are that a column refers to; of its own table also rows that the file adds."""
        found = persons_of(self.schema, column, self._values(column, dataset))
        reference, names = self.schema.columns[column].reference, (self.schema.key[0], "person_id")
        if reference is None or reference.table != self.schema.name or not {*names, column} <= {*dataset.headers}:
            return found
        cells = ([_read(self.fields[name].widget, cell) for cell in dataset[name]] for name in names)
        added = {key: person for key, person in zip(*cells, strict=True) if None not in (key, person)}
        return added | found  # no row moves to another person, so what is there already has the say

    def _values(self, column: str, dataset: tablib.Dataset) -> set[Any]:
        if column not in (dataset.headers or []) or not len(dataset):
            return set()
        return {_read(self.fields[column].widget, cell) for cell in dataset[column]} - {None}


def existing_keys(table: str, keys: Iterable[Any]) -> set[Any]:
    """Those of `keys` that `table` has; one query for each 900."""
    found: set[Any] = set()
    for chunk in _chunks(set(keys)):
        found.update(schemas()[table].model._default_manager.filter(pk__in=chunk).values_list("pk", flat=True))
    return found


def has_owner(table: TableSchema) -> bool:
    """Whether rows of the table are somebody's, other than the person itself."""
    return "person_id" in table.columns and "person_id" not in table.key


def persons_of(table: TableSchema, column: str, keys: Iterable[Any]) -> dict[Any, int]:
    """Whose rows those are that a column refers to, of those that are there; one query for each 900."""
    reference = table.columns[column].reference
    assert reference is not None
    found: dict[Any, int] = {}
    for chunk in _chunks(set(keys)):
        rows = schemas()[reference.table].model._default_manager.filter(pk__in=chunk)
        found.update(rows.values_list("pk", "person_id"))
    return found


def resource_for(model: type[models.Model]) -> type[CdmResource]:
    """The resource of a table."""
    table = schemas()[model._meta.db_table]
    key, columns = table.key[0], tuple(table.columns)
    meta = type("Meta", (CdmResource.Meta,), {"model": model, "import_id_fields": (key,), "fields": columns})
    metaclass: Any = type(CdmResource)  # import-export's own; it reads Meta when the class is made
    return metaclass(f"{model.__name__}Resource", (CdmResource,), {"Meta": meta, "schema": table})


def _read(widget: CellWidget, cell: Any) -> Any:
    try:
        return widget.clean(cell)
    except ValueError:
        return None


def _chunks(keys: set[Any]) -> Iterable[list[Any]]:
    ordered = list(keys)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
