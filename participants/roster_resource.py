"""The roster behind django-import-export: its pages preview and confirm, the action writes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from import_export import fields, resources
from import_export.forms import ConfirmImportForm, ImportForm
from import_export.results import Error, Result, RowResult
from tablib import Dataset

from augmed.foundation.errors import DomainError
from participants.models import User
from participants.roster import INTAKE_PREFIX, RosterRow, check_roster, column_errors, import_roster


class RosterImportForm(ImportForm):
    send_invitations = forms.BooleanField(
        required=False, label="Invite at once", help_text="Mails every new account a link to set a password."
    )


class RosterConfirmForm(ConfirmImportForm):
    send_invitations = forms.BooleanField(required=False, widget=forms.HiddenInput)


class RosterResource(resources.ModelResource):
    name = fields.Field(attribute="profile__name")
    position = fields.Field(attribute="profile__position")
    employer = fields.Field(attribute="profile__employer")
    area_of_clinical_experience = fields.Field(attribute="profile__area_of_clinical_experience")

    class Meta:
        model = User
        name = "Roster"
        fields = ("email", "name", "position", "employer", "area_of_clinical_experience")
        export_order = fields

    def import_data(self, dataset: Dataset, dry_run: bool = False, **kwargs: Any) -> Result:
        """Check all rows; without errors and not `dry_run`, create them by the action."""
        result = Result()
        result.total_rows = len(dataset)
        for problem in _table_errors(dataset):
            result.append_base_error(Error(ValueError(problem)))
        if result.has_errors():
            return result
        rows = dataset.dict
        checked = check_roster(rows)
        intake = sorted({name for row in checked for name in row.intake})
        result.attributes = intake  # the preview names them
        result.diff_headers = [*self.Meta.fields, *(f"{INTAKE_PREFIX}{name}" for name in intake)]
        for row in checked:
            _append(result, row, intake)
        if dry_run or result.has_validation_errors():
            return result
        try:
            import_roster(rows=rows, by=kwargs["user"], send_invitations=kwargs.get("send_invitations", False))
        except DomainError as error:  # the world has changed since the check a moment ago
            result.append_base_error(Error(ValueError(error.detail)))
        return result

    def after_export(self, queryset: QuerySet[User], dataset: Dataset, **kwargs: Any) -> None:
        """Attributes of intake follow as columns of their own, so that the file can be imported elsewhere."""
        found = dict(queryset.values_list("email", "profile__intake"))
        intakes = [found[email] or {} for email in dataset["email"]]
        for name in sorted({name for intake in intakes for name in intake}):
            dataset.append_col([intake.get(name, "") for intake in intakes], header=f"{INTAKE_PREFIX}{name}")


def _table_errors(dataset: Dataset) -> list[str]:
    if len(dataset) > settings.ADMIN_IMPORT_MAX_ROWS:
        limit = settings.ADMIN_IMPORT_MAX_ROWS
        return [f"The file has {len(dataset)} rows; at most {limit} can be imported at once. Split the file."]
    return column_errors(dataset.headers or [])


def _append(result: Result, row: RosterRow, intake: list[str]) -> None:
    values = {
        "email": row.email,
        **row.profile,
        **{f"{INTAKE_PREFIX}{name}": row.intake.get(name, "") for name in intake},
    }
    row_result = RowResult()
    if row.errors:
        row_result.import_type = RowResult.IMPORT_TYPE_INVALID
        result.append_invalid_row(row.number, values, ValidationError(row.errors))
    else:
        row_result.import_type = RowResult.IMPORT_TYPE_SKIP if row.exists else RowResult.IMPORT_TYPE_NEW
    row_result.diff = [values.get(header, "") for header in result.diff_headers]
    if row.exists:
        row_result.diff[0] = f"{row.email} (has an account, which is kept as it is)"
    result.append_row_result(row_result)
    result.increment_row_result_total(row_result)
