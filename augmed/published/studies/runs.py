"""Rows 13 and 14 of the contract: draws that somebody asks for."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import Verb
from augmed.published.base import answer
from augmed.published.envelope import body_of
from augmed.published.studies.base import StudyView, refusals_as_400
from augmed.published.studies.reading import Unreadable, bad_request, text_of
from augmed.published.studies.shapes import run_shown, runs_shown
from experiments.actions.allocation_requests import LONGEST_TRIGGER, request_allocation
from experiments.models import AllocationRequest


class RunsView(StudyView):
    """/api/v1/experiments/{id}/runs"""

    verbs = {"GET": Verb.VIEW_EXPERIMENT, "POST": Verb.CHANGE_STATUS}

    def get(self, request: Request, experiment_id: str) -> Response:
        return answer({"runs": runs_shown(self.experiment, request.user)})

    def post(self, request: Request, experiment_id: str) -> Response:
        body = body_of(request.data)
        try:
            trigger = text_of(body.get("triggered_by"), "triggered_by", longest=LONGEST_TRIGGER)
        except Unreadable as error:
            raise bad_request(str(error)) from error
        with refusals_as_400():
            made = request_allocation(
                experiment=self.experiment,
                by=request.user,
                triggered_by=trigger,
                parameters=body.get("run_params"),
            )
        # The job may be over already, where work runs within the request.
        made = AllocationRequest.objects.select_related("job", "experiment").get(pk=made.pk)
        return answer(run_shown(made, parameters=True), status=201)
