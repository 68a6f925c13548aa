"""Following a study: progress for those who run it, the allocation for those who may see it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import Verb
from experiments.api.base import StudyViewSet
from experiments.models import AllocationRun, Assignment, Enrolment, StudyCase
from experiments.reviewing import progress

PROGRESS_TAG = ["researcher: progress"]
ALLOCATION_TAG = ["researcher: allocation"]


class CountsSerializer(serializers.Serializer[Any]):
    """Of assigned cases. `answered`: with every stage answered (of those that all arms have in common, for who may not
    see the allocation)."""

    assigned = serializers.IntegerField()
    opened = serializers.IntegerField()
    answered = serializers.IntegerField()


class StudyProgressSerializer(serializers.Serializer[Any]):
    participants = serializers.DictField(child=serializers.IntegerField(), help_text="number by status")
    cases = CountsSerializer()


class ParticipantProgressSerializer(serializers.Serializer[Any]):
    pseudonym = serializers.CharField()
    status = serializers.ChoiceField(choices=Enrolment.Status.choices)
    counts = CountsSerializer()


class CaseProgressSerializer(serializers.Serializer[Any]):
    case = serializers.IntegerField()
    counts = CountsSerializer()


class ProgressViewSet(StudyViewSet):
    """Counts without arms and without outcomes. Who may not see the allocation reads "active" for "completed"."""

    serializer_class = StudyProgressSerializer
    verbs = {
        "overview": Verb.VIEW_PROGRESS,
        "by_participant": Verb.VIEW_PROGRESS,
        "by_case": Verb.VIEW_PROGRESS,
    }
    queryset = Enrolment.objects.none()

    @cached_property
    def stages(self) -> int | None:
        return progress.seen_stages(self.experiment, self.request.user)

    @extend_schema(tags=PROGRESS_TAG, operation_id="progress_overview", responses={200: StudyProgressSerializer})
    def overview(self, request: Request, code: str) -> Response:
        """How many people and cases are how far."""
        found = {
            "participants": progress.enrolments_by_status(self.experiment, request.user),
            "cases": progress.totals(self.experiment, stages=self.stages),
        }
        return Response(StudyProgressSerializer(found).data)

    @extend_schema(
        tags=PROGRESS_TAG,
        operation_id="progress_by_participant",
        responses=ParticipantProgressSerializer(many=True),
    )
    def by_participant(self, request: Request, code: str) -> Response:
        """Participants under their pseudonyms."""
        page: list[Enrolment] = self.paginate_queryset(  # type: ignore[assignment]
            Enrolment.objects.real().filter(experiment=self.experiment).with_status_for(request.user)
        )
        mine = Assignment.objects.filter(enrolment__in=page)
        counts = progress.counts_by(mine, "enrolment_id", stages=self.stages)
        rows = [
            {
                "pseudonym": enrolment.pseudonym,
                "status": enrolment.status_seen,  # type: ignore[attr-defined]  # annotated
                "counts": counts.get(enrolment.pk, progress.NONE_YET),
            }
            for enrolment in page
        ]
        return self.get_paginated_response(ParticipantProgressSerializer(rows, many=True).data)

    @extend_schema(tags=PROGRESS_TAG, operation_id="progress_by_case", responses=CaseProgressSerializer(many=True))
    def by_case(self, request: Request, code: str) -> Response:
        """How far each case of the list is."""
        page: list[StudyCase] = self.paginate_queryset(  # type: ignore[assignment]
            self.experiment.study_cases.select_related("case")
        )
        assignments = progress.real_assignments(self.experiment).filter(case__in=[row.case_id for row in page])
        counts = progress.counts_by(assignments, "case_id", stages=self.stages)
        rows = [{"case": row.case.number, "counts": counts.get(row.case_id, progress.NONE_YET)} for row in page]
        return self.get_paginated_response(CaseProgressSerializer(rows, many=True).data)


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    pseudonym = serializers.CharField(source="enrolment.pseudonym")
    case = serializers.IntegerField(source="case.number")
    arm = serializers.CharField(source="arm.key", allow_null=True, default=None)
    run = serializers.IntegerField(source="run_id", allow_null=True)

    class Meta:
        model = Assignment
        fields = [
            "id",
            "pseudonym",
            "case",
            "arm",
            "period",
            "replicate",
            "position",
            "available_from",
            "drawn_by",
            "run",
            "marginal_probability",
            "conditional_probability",
            "created_at",
        ]
        read_only_fields = fields


class AllocationRunSerializer(serializers.ModelSerializer[AllocationRun]):
    """A draw with all that is needed to draw it again; `inputs` and `weights` are canonical JSON texts."""

    protocol = serializers.IntegerField(source="protocol.number")
    created_by = serializers.IntegerField(source="created_by_id", allow_null=True)

    class Meta:
        model = AllocationRun
        fields = [
            "id",
            "protocol",
            "rule",
            "rule_version",
            "seed",
            "inputs",
            "weights",
            "posterior",
            "assignment_count",
            "triggered_by",
            "created_at",
            "created_by",
        ]
        read_only_fields = fields


class AllocationViewSet(mixins.ListModelMixin, StudyViewSet):
    """Who is to read what in which arm, and how it was drawn."""

    serializer_class = AssignmentSerializer
    verbs = {"list": Verb.VIEW_ALLOCATION}

    def get_queryset(self) -> QuerySet[Assignment]:
        return progress.real_assignments(self.experiment).select_related("enrolment", "case", "arm")

    @extend_schema(tags=ALLOCATION_TAG, operation_id="allocation_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every assignment, with the probability of its draw."""
        return super().list(request, *args, **kwargs)


class AllocationRunsViewSet(mixins.ListModelMixin, StudyViewSet):
    serializer_class = AllocationRunSerializer
    verbs = {"list": Verb.VIEW_ALLOCATION}

    def get_queryset(self) -> QuerySet[AllocationRun]:
        return self.experiment.allocation_runs.select_related("protocol")

    @extend_schema(tags=ALLOCATION_TAG, operation_id="allocation_runs_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every draw, with its seed and inputs."""
        return super().list(request, *args, **kwargs)
