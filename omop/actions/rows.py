"""Single rows that staff edit by hand."""

from collections.abc import Sequence
from typing import Any

from django.db import models, transaction

from augmed.foundation import audit


def save_row(*, row: models.Model, by: Any, columns: Sequence[str], created: bool) -> None:
    """Save one row that staff edited by hand. `columns` are those that changed; their values stay out of the trail."""
    with transaction.atomic():
        row.save(force_insert=created)
        audit.record(
            action="omop_row_created" if created else "omop_row_changed",
            by=by,
            target=row,
            data={"columns": sorted(columns)},
        )
