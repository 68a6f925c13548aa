"""The disclosure matrix of a study, as a page. To see it: view_arm; to save it: change_design."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from augmed.foundation.errors import Conflict, DomainError, Invalid
from augmed.foundation.permissions import Verb
from experiments.actions.matrix import STALE, begin_amendment, read_cells, save_matrix
from experiments.admin_tools import may_in_study, show_refusal, study_or_404
from experiments.design.disclosure_table import DisclosureTable, disclosure_table
from experiments.models import Experiment, Stage

_Cells = dict[int, list[dict[str, Any]]]


def amendment_key(experiment: Experiment) -> str:
    """Where the session keeps the reason of an amendment that was begun and not published."""
    return f"amendment-{experiment.pk}-{experiment.protocol_id}"


def matrix(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ARM)
    if request.method != "POST":
        return _page(request, experiment)
    study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    cells: _Cells = {}
    try:
        if not _editable(request, experiment):
            raise Conflict("The protocol is frozen. Begin an amendment, then save.")
        cells = read_cells(request.POST.get("cells") or "{}")
        save_matrix(experiment=experiment, cells=cells, token=request.POST.get("token", ""), by=request.user)
    except DomainError as error:
        return _refused(request, experiment, cells, error)
    said = "The matrix is saved."
    if experiment.protocol_id:
        said += " It rules the study once the amendment is published."
    messages.success(request, said)
    return redirect("admin:experiments_experiment_matrix", experiment.pk)


@require_POST
def begin(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    reason = request.POST.get("reason", "")
    try:
        begin_amendment(experiment=experiment, reason=reason, by=request.user)
    except DomainError as error:
        show_refusal(request, error)
    else:
        request.session[amendment_key(experiment)] = reason.strip()
        messages.info(request, "The design can be changed now. Nothing changes for participants until you publish it.")
    return redirect("admin:experiments_experiment_matrix", experiment.pk)


def changed_columns(table: DisclosureTable, experiment: Experiment) -> list[str]:
    """The columns whose disclosure is not that of the protocol in force. One query."""
    if experiment.protocol is None:
        return []
    frozen = {
        (arm, position): disclosure_set
        for arm, position, disclosure_set in experiment.protocol.stages.values_list("arm", "position", "disclosure_set")
    }
    return [
        column.label
        for column in table.columns
        if frozen.get((column.stage.arm_id, column.stage.position)) != column.stage.disclosure_set_id
    ]


def _editable(request: HttpRequest, experiment: Experiment) -> bool:
    if experiment.is_over or not may_in_study(request, Verb.CHANGE_DESIGN, experiment):
        return False
    return experiment.protocol_id is None or amendment_key(experiment) in request.session


def _refused(request: HttpRequest, experiment: Experiment, cells: _Cells, error: DomainError) -> HttpResponse:
    """The page again with what was sent still in it; 409 where somebody else was faster."""
    if error.code != STALE:
        return _page(request, experiment, cells=cells, status=error.status_code, problem=error.detail)
    stored = dict(Stage.objects.filter(pk__in=cells).values_list("pk", "cells"))
    theirs = {(stage, _words(cell)) for stage, listed in stored.items() for cell in listed}
    mine = {(stage, _words(cell)) for stage, listed in cells.items() if stage in stored for cell in listed}
    places = {(stage, words[:2]) for stage, words in theirs ^ mine}
    conflict = {"conflict": True, "conflict_count": len(places), "conflict_places": {place for _, place in places}}
    return _page(request, experiment, cells=cells, status=error.status_code, **conflict)


def _words(cell: Any) -> tuple[Any, ...]:
    names = ("node", "discriminator", "shown", "collapse", "highlight", "top")
    return tuple(cell.get(name) for name in names) if isinstance(cell, dict) else (str(cell), None)


def _page(
    request: HttpRequest, experiment: Experiment, *, cells: _Cells | None = None, status: int = 200, **context: Any
) -> HttpResponse:
    try:
        table = disclosure_table(experiment, cells)
    except Invalid as error:  # what was sent does not even make a table: show what is stored
        cells, context["problem"] = None, error.detail
        table = disclosure_table(experiment)
    places = context.pop("conflict_places", set())
    names = [row.label for row in table.rows if row.place in places]
    context |= {
        **admin.site.each_context(request),
        "title": "Disclosure matrix",
        "subtitle": experiment.name,
        "experiment": experiment,
        "table": table,
        "table_json": table.to_json(unsaved=cells or ()),
        "published": experiment.protocol_id is not None,
        "over": experiment.is_over,
        "may_change": may_in_study(request, Verb.CHANGE_DESIGN, experiment),
        "editable": _editable(request, experiment),
        "changed_columns": [] if cells else changed_columns(table, experiment),
        "conflict_names": names[:6] + (["…"] if len(names) > 6 else []),
    }
    return TemplateResponse(request, "admin/experiments/matrix.html", context, status=status)
