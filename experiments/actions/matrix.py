"""Save the disclosure matrix as a page holds it: only if nobody else saved it meanwhile."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import locked
from experiments.actions.disclosure_sets import set_cells
from experiments.design.disclosure_table import design_token
from experiments.design.matrix import study_layout_version
from experiments.models import Experiment, Stage

STALE = "matrix_changed_meanwhile"


def read_cells(text: str) -> dict[int, list[dict[str, Any]]]:
    """The page's one field: a JSON object of stage ids with their lists of cells. Invalid says what is wrong."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or not all(isinstance(cells, list) for cells in found.values()):
            raise ValueError("an object of lists is needed")
        return {int(stage): cells for stage, cells in found.items()}
    except ValueError as error:
        raise Invalid(f"The cells could not be read: {error}.", errors={"cells": [str(error)]}) from error


def save_matrix(*, experiment: Experiment, cells: dict[int, list[dict[str, Any]]], token: str, by: Any) -> None:
    """Store the cells of these stages. Conflict when `token` is not that of the design as it is now."""
    with transaction.atomic():
        study = locked(experiment)
        stages = list(
            Stage.objects.filter(arm__experiment=study)
            .select_related("arm")
            .order_by("arm__position", "arm_id", "position")
        )
        if token != design_token(stages, study_layout_version(study)):
            raise Conflict("Somebody else saved this matrix meanwhile.", code=STALE)
        if cells:
            set_cells(experiment=study, cells=cells, by=by)


def begin_amendment(*, experiment: Experiment, reason: str, by: Any) -> None:
    """Write down that the frozen design is being changed, and why. Nothing changes for participants until
    `lifecycle.amend` publishes it."""
    if not reason.strip():
        raise Invalid("Say why the design is amended.", errors={"reason": ["A reason is needed."]})
    if experiment.protocol_id is None or experiment.status not in {Experiment.Status.ACTIVE, Experiment.Status.PAUSED}:
        raise Conflict("Only an active or paused study with a protocol is amended.", code="not_running")
    with transaction.atomic():
        audit.record(
            action="amendment_begun",
            by=by,
            target=experiment,
            data={"reason": reason.strip()},
            experiment_id=experiment.pk,
        )
