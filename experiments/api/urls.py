"""The addresses under /api/v2/ that are about studies, for participants, researchers and analysts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern, re_path
from rest_framework.viewsets import GenericViewSet

from augmed.foundation.routers import OptionalSlashRouter
from experiments.api.analyst.exports import ExportsViewSet, StudyExportsViewSet
from experiments.api.base import CODE_PATTERN, PUBLIC_ID_PATTERN
from experiments.api.participant.reviews import ReviewsViewSet
from experiments.api.participant.studies import OwnStudiesViewSet
from experiments.api.researcher.attention_check import AttentionCheckViewSet
from experiments.api.researcher.cases import CasesViewSet
from experiments.api.researcher.design import ArmsViewSet, StagesViewSet, StudyCasesViewSet
from experiments.api.researcher.enrolments import EnrolmentsViewSet
from experiments.api.researcher.experiments import ExperimentsViewSet, ExperimentViewSet
from experiments.api.researcher.layouts import LayoutsViewSet
from experiments.api.researcher.oversight import AllocationRunsViewSet, AllocationViewSet, ProgressViewSet
from experiments.api.researcher.protocols import ProtocolsViewSet
from experiments.api.researcher.questionnaires import QuestionnairesViewSet
from experiments.api.researcher.references import ReferencesViewSet
from experiments.api.researcher.roles import RolesViewSet

STUDY = rf"^experiments/(?P<code>{CODE_PATTERN})"
REVIEW = rf"^reviews/(?P<public_id>{PUBLIC_ID_PATTERN})"
ARM = rf"{STUDY}/arms/(?P<key>{ArmsViewSet.lookup_value_regex})"
STAGE = rf"{ARM}/stages/(?P<position>{StagesViewSet.lookup_value_regex})"
QUESTIONNAIRE = rf"{STUDY}/questionnaires/(?P<pk>{QuestionnairesViewSet.lookup_value_regex})"
ENROLMENT = rf"{STUDY}/participants/(?P<pk>{EnrolmentsViewSet.lookup_value_regex})"


def at(prefix: str, path: str, view: type[GenericViewSet[Any]], methods: Mapping[str, str], name: str) -> URLPattern:
    """One address: an optional slash at its end, and which action answers which method."""
    return re_path(rf"{prefix}{path}/?$", view.as_view(dict(methods)), name=name)


router = OptionalSlashRouter()
router.register("reviews", ReviewsViewSet, basename="review")
router.register("studies", OwnStudiesViewSet, basename="own-study")
router.register("experiments", ExperimentsViewSet, basename="experiments")
router.register("experiments", ExperimentViewSet, basename="experiment")
router.register("cases", CasesViewSet, basename="case")
router.register("layouts", LayoutsViewSet, basename="layout")

participant = [
    at("^reviews", "/next", ReviewsViewSet, {"get": "next"}, "review-next"),
    at(REVIEW, "/open", ReviewsViewSet, {"post": "open"}, "review-open"),
    at(REVIEW, "/case", ReviewsViewSet, {"get": "case"}, "review-case"),
    at(REVIEW, "/questionnaire", ReviewsViewSet, {"get": "questionnaire"}, "review-questionnaire"),
    at(REVIEW, "/events", ReviewsViewSet, {"post": "events"}, "review-events"),
    at(REVIEW, "/reveal", ReviewsViewSet, {"post": "reveal"}, "review-reveal"),
    at(REVIEW, "/answer", ReviewsViewSet, {"get": "answers", "post": "answer"}, "review-answer"),
]

ONE = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
MANY = {"get": "list", "post": "create"}

researcher = [
    at(STUDY, "/arms", ArmsViewSet, MANY, "arms"),
    at(ARM, "", ArmsViewSet, ONE, "arm"),
    at(ARM, "/stages", StagesViewSet, MANY, "stages"),
    at(STAGE, "", StagesViewSet, {"patch": "partial_update", "delete": "destroy"}, "stage"),
    at(STAGE, "/disclosure", StagesViewSet, {"get": "disclosure", "put": "set_disclosure"}, "stage-disclosure"),
    at(STUDY, "/cases", StudyCasesViewSet, {"get": "retrieve", "put": "update"}, "study-cases"),
    at(STUDY, "/questionnaires", QuestionnairesViewSet, MANY, "questionnaires"),
    at(QUESTIONNAIRE, "", QuestionnairesViewSet, {"get": "retrieve"}, "questionnaire"),
    at(QUESTIONNAIRE, "/versions", QuestionnairesViewSet, {"post": "new_version"}, "questionnaire-versions"),
    at(
        STUDY,
        rf"/questionnaire-versions/(?P<version>{PUBLIC_ID_PATTERN})",
        QuestionnairesViewSet,
        {"put": "set_questions"},
        "questionnaire-version",
    ),
    at(
        STUDY,
        "/attention-check",
        AttentionCheckViewSet,
        {"get": "retrieve", "patch": "partial_update"},
        "attention-check",
    ),
    at(STUDY, "/attention-check/results", AttentionCheckViewSet, {"get": "results"}, "attention-check-results"),
    at(STUDY, "/participants", EnrolmentsViewSet, MANY, "enrolments"),
    at(ENROLMENT, "", EnrolmentsViewSet, {"get": "retrieve"}, "enrolment"),
    at(ENROLMENT, "/consent", EnrolmentsViewSet, {"post": "consent"}, "enrolment-consent"),
    at(ENROLMENT, "/withdraw", EnrolmentsViewSet, {"post": "withdraw"}, "enrolment-withdraw"),
    at(STUDY, "/allocation", AllocationViewSet, {"get": "list"}, "allocation"),
    at(STUDY, "/allocation/runs", AllocationRunsViewSet, {"get": "list"}, "allocation-runs"),
    at(STUDY, "/progress", ProgressViewSet, {"get": "overview"}, "progress"),
    at(STUDY, "/progress/participants", ProgressViewSet, {"get": "by_participant"}, "progress-by-participant"),
    at(STUDY, "/progress/cases", ProgressViewSet, {"get": "by_case"}, "progress-by-case"),
    at(STUDY, "/roles", RolesViewSet, MANY, "roles"),
    at(STUDY, rf"/roles/(?P<pk>{RolesViewSet.lookup_value_regex})", RolesViewSet, {"delete": "destroy"}, "role"),
    at(STUDY, "/references", ReferencesViewSet, MANY, "references"),
    at(STUDY, "/protocols", ProtocolsViewSet, MANY, "protocols"),
    at(
        STUDY,
        rf"/protocols/(?P<number>{ProtocolsViewSet.lookup_value_regex})",
        ProtocolsViewSet,
        {"get": "content"},
        "protocol",
    ),
    at(
        "^layouts",
        rf"/(?P<pk>{LayoutsViewSet.lookup_value_regex})/versions/(?P<number>[1-9][0-9]{{0,8}})",
        LayoutsViewSet,
        {"get": "version"},
        "layout-version",
    ),
]

EXPORT = rf"^exports/(?P<pk>{PUBLIC_ID_PATTERN})"

analyst = [
    at(STUDY, "/exports", StudyExportsViewSet, MANY, "study-exports"),
    at(EXPORT, "", ExportsViewSet, {"get": "retrieve"}, "export"),
    at(EXPORT, "/download", ExportsViewSet, {"get": "download"}, "export-download"),
]

urlpatterns = [*participant, *researcher, *analyst, *router.urls]
