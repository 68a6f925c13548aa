"""What the steps of one move share: the staged tables, who moves, what came over before, and the report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from augmed.foundation import audit
from augmed.foundation.canonical import canonical_json
from augmed.published.models import CameOver
from augmed.published.moving.cells import CellError
from augmed.published.moving.report import Report
from augmed.published.moving.staging import Staging

Kind = CameOver.Kind
BATCH = 2000


@dataclass
class Move:
    """One run."""

    staging: Staging
    report: Report
    origin: str
    by: Any

    def known(self, kind: Kind, keys: Collection[str]) -> dict[str, int | None]:
        return CameOver.objects.targets(self.origin, kind, keys)

    def record(self, kind: Kind, key: str, target: models.Model | None, **details: Any) -> CameOver:
        """An unsaved record of one row; `details` that are None are left out. CellError where they cannot be kept."""
        said = {name: value for name, value in details.items() if value is not None}
        try:
            kept = canonical_json(said) if said else ""
        except (TypeError, ValueError):
            raise CellError("it holds a value that cannot be kept, such as a number of over 400 digits") from None
        return CameOver(
            origin=self.origin,
            kind=kind,
            key=key,
            target_type=target._meta.label_lower if target is not None else "",
            target_pk=target.pk if target is not None else None,
            details=kept,
        )

    def store(self, records: Iterable[CameOver]) -> None:
        CameOver.objects.bulk_create(records, batch_size=BATCH)

    def audit(self, kind: Kind, data: Mapping[str, Any], experiment_id: int | None = None) -> None:
        """One event a step, the last thing in its transaction."""
        audit.record(
            action="moved_from_augmed",
            by=self.by,
            target=(CameOver._meta.label_lower, kind.value),
            data={"origin": self.origin, **data},
            experiment_id=experiment_id,
        )


def address(text: str | None) -> str:
    """An address as accounts here have it. AugMed told upper from lower case, and two accounts by it."""
    return (text or "").strip().lower()
