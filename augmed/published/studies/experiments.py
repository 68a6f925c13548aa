"""Rows 10 to 12 of the contract, and making a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import SignedIn, Verb
from augmed.published.base import answer
from augmed.published.envelope import body_of
from augmed.published.studies.base import StaffView, StudyView, refusals_as_400
from augmed.published.studies.reading import (
    Unreadable,
    bad_request,
    confirmed_of,
    text_of,
    written_study,
)
from augmed.published.studies.shapes import experiment_shown, experiments_shown, runs_shown
from experiments.actions import lifecycle
from experiments.actions.begin import begin_study
from experiments.models import Experiment

Status = Experiment.Status
SETTABLE = (Status.ACTIVE, Status.ARCHIVED, Status.COMPLETED, Status.PAUSED)
LONGEST_REASON = 2_000


class MayBegin(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        return request.method != "POST" or user.may(Verb.CREATE_EXPERIMENT)


class ExperimentsView(StaffView):
    """/api/v1/experiments"""

    permission_classes = [SignedIn, MayBegin]

    def get(self, request: Request) -> Response:
        studies = Experiment.objects.visible_to(request.user)
        status = request.query_params.get("status")
        if status:
            studies = studies.filter(status=status) if status in Status.values else studies.none()
        return answer({"experiments": experiments_shown(studies, request.user)})

    def post(self, request: Request) -> Response:
        """Active at once where nothing is missing, else a draft that says what is."""
        with refusals_as_400():
            begun = begin_study(written=written_study(request.data), by=request.user)
        missing = [
            {"code": problem.code, "message": problem.message, "confirmable": problem.confirmable}
            for problem in begun.missing
        ]
        return answer(experiment_shown(begun.experiment, request.user) | {"missing": missing}, status=201)


class ExperimentView(StudyView):
    """/api/v1/experiments/{id}"""

    verbs = {"GET": Verb.VIEW_EXPERIMENT}

    def get(self, request: Request, experiment_id: str) -> Response:
        return answer(
            experiment_shown(self.experiment, request.user) | {"runs": runs_shown(self.experiment, request.user)}
        )


class ExperimentStatusView(StudyView):
    """/api/v1/experiments/{id}/status"""

    verbs = {"PATCH": Verb.CHANGE_STATUS}

    def check_permissions(self, request: Request) -> None:
        """The contract judges the status before it looks for the study."""
        if request.method == "PATCH" and request.user.is_authenticated:
            _status_in(body_of(request.data))
        super().check_permissions(request)

    def patch(self, request: Request, experiment_id: str) -> Response:
        """Repeated, as after a lost response, it changes nothing."""
        body = body_of(request.data)
        status = _status_in(body)
        try:
            reason = text_of(body.get("reason"), "reason", longest=LONGEST_REASON)
            confirmed = confirmed_of(body)
        except Unreadable as error:
            raise bad_request(str(error)) from error
        if status != self.experiment.status:
            reason = reason or f"set to {status} by the published contract, without a reason"
            # What the study refuses is said in its words, as the client can show them: not a 400.
            lifecycle.set_status(
                experiment=self.experiment, to=status, by=request.user, reason=reason, confirmed=confirmed
            )
        return answer(experiment_shown(self.experiment, request.user))


def _status_in(body: Mapping[str, Any]) -> str:
    status = body.get("status")
    if not status:
        raise bad_request("'status' is required")
    if status not in SETTABLE:
        raise bad_request(f"Invalid status. Must be one of: {', '.join(SETTABLE)}")
    return str(status)
