"""What was recorded, to look at. Arms are masked, answers and the seed left out, for those who may not see them."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from augmed.foundation.permissions import Verb
from experiments.actions.looks import record_answers_viewed
from experiments.admin.inlines import StudyInline
from experiments.admin.study_filter import StudyFilter
from experiments.admin_tools import StudyReadOnlyAdmin, may_in_study
from experiments.models import (
    AllocationRun,
    AllocationRunEvent,
    Answer,
    Assignment,
    AssignmentDisclosure,
    DisclosureSet,
    Enrolment,
    Experiment,
    ExperimentTransition,
    ProtocolStage,
    ProtocolVersion,
    Review,
    ReviewEvent,
    Stage,
    Submission,
)

MASKED = "masked"


@admin.register(ProtocolVersion)
class ProtocolVersionAdmin(StudyReadOnlyAdmin):
    view_verb = Verb.VIEW_ARM
    list_display = ("__str__", "number", "layout_version", "created_at", "created_by", "reason")
    list_select_related = ("experiment", "layout_version__layout", "created_by")
    fields = (
        "experiment", "number", "layout_version", "reason", "created_at", "created_by", "sha256", "frozen_content",
    )  # fmt: skip
    readonly_fields = ("frozen_content",)

    @admin.display(description="content")
    def frozen_content(self, obj: ProtocolVersion) -> str:
        return format_html('<pre class="frozen">{}</pre>', obj.content)

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return (ProtocolStageInline,)


class ProtocolStageInline(StudyInline):
    model = ProtocolStage
    fields = readonly_fields = (
        "arm", "position", "name", "questionnaire_version", "not_before_days", "disclosure_set",
    )  # fmt: skip
    view_verb = Verb.VIEW_ARM
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        related = ("arm", "questionnaire_version__questionnaire", "disclosure_set")
        return super().get_queryset(request).select_related(*related)


@admin.register(ExperimentTransition)
class ExperimentTransitionAdmin(StudyReadOnlyAdmin):
    view_verb = Verb.VIEW_EXPERIMENT
    list_display = ("experiment", "from_status", "to_status", "at", "by", "reason")
    list_select_related = ("experiment", "by")
    fields = ("experiment", "from_status", "to_status", "reason", "at", "by")


class AllocationRunEventInline(StudyInline):
    model = AllocationRunEvent
    fields = readonly_fields = ("at", "kind", "reason", "by")
    verbose_name_plural = "What happened to it since"
    view_verb = Verb.VIEW_ALLOCATION
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("by").order_by("at", "pk")


@admin.register(AllocationRun)
class AllocationRunAdmin(StudyReadOnlyAdmin):
    view_verb = Verb.VIEW_ALLOCATION
    list_display = ("__str__", "experiment", "rule", "assignment_count", "triggered_by", "created_at")
    list_select_related = ("experiment",)
    fields = (
        "experiment", "protocol", "rule", "rule_version", "seed", "inputs", "weights", "posterior",
        "assignment_count", "triggered_by", "created_at", "created_by",
    )  # fmt: skip
    inlines = (AllocationRunEventInline,)


class AssignmentDisclosureInline(StudyInline):
    """Whose assignment discloses what tells the arm of that person, so it is shown to those who see the arm."""

    model = AssignmentDisclosure
    fields = readonly_fields = ("stage_position", "disclosure_set", "policy", "paths", "created_at", "created_by")
    verbose_name_plural = "What it discloses, by display-config CSV (newest first)"
    view_verb = Verb.VIEW_ALLOCATION
    max_num = 0

    def study(self, obj: Any) -> Experiment | None:
        return obj.enrolment.experiment if obj is not None else None

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("disclosure_set", "created_by")


@admin.register(Assignment)
class AssignmentAdmin(StudyReadOnlyAdmin):
    """Who is to read what. The arm, the draw and its probabilities only with view_allocation."""

    experiment_path = "enrolment__experiment"
    view_verb = Verb.VIEW_PROGRESS
    list_filter = ("drawn_by", "enrolment__kind", ("enrolment__experiment", StudyFilter))
    list_select_related = ("enrolment__experiment", "case", "arm")
    search_fields = ("enrolment__pseudonym", "=case__number")
    inlines = (AssignmentDisclosureInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without previews, which are nobody's reading."""
        return super().get_queryset(request).exclude(enrolment__kind=Enrolment.Kind.PREVIEW)

    def get_list_display(self, request: HttpRequest) -> Any:
        @admin.display(description="arm")
        def arm(obj: Assignment) -> str:
            if not may_in_study(request, Verb.VIEW_ALLOCATION, obj.enrolment.experiment):
                return MASKED
            return obj.arm.name if obj.arm else "-"

        return ("enrolment", "study", "case", "position", arm, "drawn_by", "created_at")

    @admin.display(description="study")
    def study(self, obj: Assignment) -> str:
        return obj.enrolment.experiment.name

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields: tuple[str, ...] = ("study", "enrolment", "case", "position", "available_from", "drawn_by", "created_at")
        if obj is not None and may_in_study(request, Verb.VIEW_ALLOCATION, obj.enrolment.experiment):
            fields += (
                "arm", "period", "replicate", "run", "marginal_probability", "conditional_probability",
            )  # fmt: skip
        return fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)


class _OutcomeAdmin(StudyReadOnlyAdmin):
    """Reviews and what came of them. One row a stage tells two-stage arms from others, and so do gaps in the keys and
    exact times: all of it needs view_outcome_by_arm. (With arms masked, outcomes are in the masked export.)"""

    view_verb = Verb.VIEW_OUTCOME_BY_ARM

    def get_queryset(self, request: HttpRequest) -> Any:
        """What counts alone: practice and previews are kept apart from the data."""
        kind = f"{self.experiment_path.removesuffix('experiment')}kind"
        return super().get_queryset(request).filter(**{kind: Enrolment.Kind.REAL})

    def assignment_of(self, obj: Any) -> Assignment:
        return obj.assignment

    @admin.display(description="arm and stage")
    def arm_and_stage(self, obj: Any) -> str:
        arm = self.assignment_of(obj).arm
        review = obj if isinstance(obj, Review) else obj.review
        return f"{arm.name if arm else '-'}, stage {review.stage_position}"

    @admin.display(description="study")
    def study(self, obj: Any) -> str:
        return self.assignment_of(obj).enrolment.experiment.name

    @admin.display(description="participant")
    def participant(self, obj: Any) -> str:
        return self.assignment_of(obj).enrolment.pseudonym

    @admin.display(description="case")
    def case(self, obj: Any) -> str:
        return str(self.assignment_of(obj).case)


@admin.register(Review)
class ReviewAdmin(_OutcomeAdmin):
    experiment_path = "assignment__enrolment__experiment"
    list_select_related = (
        "assignment__enrolment__experiment", "assignment__case", "assignment__arm", "opening", "submission",
    )  # fmt: skip
    search_fields = ("assignment__enrolment__pseudonym", "=assignment__case__number")
    list_filter = (("assignment__enrolment__experiment", StudyFilter),)
    list_display = ("__str__", "study", "participant", "case", "arm_and_stage", "opened", "answered")
    fields = readonly_fields = (
        "public_id", "study", "participant", "case", "opened", "answered", "stage_position", "arm", "disclosed",
    )  # fmt: skip

    @admin.display(description="opened")
    def opened(self, obj: Review) -> Any:
        return obj.opening.opened_at if hasattr(obj, "opening") else None

    @admin.display(description="answered")
    def answered(self, obj: Review) -> Any:
        return obj.submission.submitted_at if hasattr(obj, "submission") else None

    @admin.display(description="arm")
    def arm(self, obj: Review) -> str:
        return obj.assignment.arm.name if obj.assignment.arm else "-"

    @admin.display(description="what was disclosed (SHA-256, engine)")
    def disclosed(self, obj: Review) -> str:
        if not hasattr(obj, "opening"):
            return "-"
        if obj.opening.recorded_disclosure:
            return "in AugMed"
        return f"{obj.opening.disclosed_sha256}, engine {obj.opening.engine_version}"


class AnswerInline(StudyInline):
    model = Answer
    fields = readonly_fields = ("question_key", "value")
    view_verb = Verb.VIEW_OUTCOME_BY_ARM
    max_num = 0

    def study(self, obj: Any) -> Experiment | None:
        return obj.review.assignment.enrolment.experiment if obj is not None else None


@admin.register(Submission)
class SubmissionAdmin(_OutcomeAdmin):
    experiment_path = "review__assignment__enrolment__experiment"
    list_select_related = (
        "review__assignment__enrolment__experiment", "review__assignment__case", "review__assignment__arm",
    )  # fmt: skip
    search_fields = ("review__assignment__enrolment__pseudonym", "=review__assignment__case__number")
    list_filter = (("review__assignment__enrolment__experiment", StudyFilter),)
    fields = readonly_fields = (
        "study", "participant", "case", "submitted_at", "attention_check", "answers_sha256", "client_data", "erased_at",
    )  # fmt: skip
    inlines = (AnswerInline,)
    list_display = ("review", "study", "participant", "case", "arm_and_stage", "submitted_at")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answers beside the arm: every look is written down, as on the page of outcomes by arm."""
        response: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
        shown = self.get_object(request, object_id) if response.status_code == HTTPStatus.OK else None
        if shown is not None:
            record_answers_viewed(submission=shown, by=request.user)
        return response

    def assignment_of(self, obj: Any) -> Assignment:
        return obj.review.assignment

    @admin.display(description="attention check")
    def attention_check(self, obj: Submission) -> str:
        answer = getattr(obj, "attention_answer", None)
        if answer is None:
            return "none was asked"
        if answer.passed is None:
            return f"version {answer.check_version.number}, erased"
        outcome = "passed" if answer.passed else "failed"
        return f"version {answer.check_version.number}, {outcome}: {json.loads(answer.value)}"


@admin.register(ReviewEvent)
class ReviewEventAdmin(_OutcomeAdmin):
    """What readers did."""

    experiment_path = "review__assignment__enrolment__experiment"
    list_display = ("review", "study", "participant", "case", "kind", "feature", "question_key", "server_at")
    list_select_related = ("review__assignment__enrolment__experiment", "review__assignment__case")
    list_filter = ("kind",)
    show_full_result_count = False
    fields = (
        "review", "kind", "feature", "question_key", "page_session", "sequence", "client_at", "server_at", "data",
    )  # fmt: skip

    def assignment_of(self, obj: Any) -> Assignment:
        return obj.review.assignment


@admin.register(DisclosureSet)
class DisclosureSetAdmin(StudyReadOnlyAdmin):
    """Sets belong to no one study: those that a stage or protocol of the person's studies uses are seen."""

    view_verb = Verb.VIEW_ARM
    list_display = ("sha256", "case", "created_at")
    fields = ("sha256", "case", "content", "created_at")

    def experiment_of(self, obj: Any) -> Experiment | None:
        return None  # the queryset has chosen already

    def get_queryset(self, request: HttpRequest) -> Any:
        studies = Experiment.objects.where_may(request.user, Verb.VIEW_ARM)
        used = [
            Stage.objects.filter(arm__experiment__in=studies),
            ProtocolStage.objects.filter(protocol__experiment__in=studies),
            AssignmentDisclosure.objects.filter(assignment__enrolment__experiment__in=studies),
        ]
        queryset = admin.ModelAdmin.get_queryset(self, request)
        found = queryset.none()
        for rows in used:
            found = found | queryset.filter(pk__in=rows.values("disclosure_set"))
        return found

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
