"""A case as arms and stages disclose it, side by side. In a study: view_arm; the whole case: view_cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from augmed.foundation import audit
from augmed.foundation.permissions import Verb
from cases.disclosure import DisclosureContent, disclose
from cases.models import Case, CaseSnapshot
from cases.tree import from_json
from experiments.admin_tools import study_or_404
from experiments.design.case_comparison import compare_columns
from experiments.design.matrix import study_layout_version
from experiments.models import Experiment, ProtocolStage, Stage


@dataclass(frozen=True)
class ArmStage:
    """A column that can be chosen; `key` is stable between the working design and the protocol."""

    key: str
    label: str
    content: str
    hides_until_asked: bool


def preview(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """The first case of the study as its arms show it."""
    experiment = study_or_404(request, experiment_id, Verb.VIEW_ARM)
    first = experiment.study_cases.order_by("position").values_list("case_id", flat=True).first()
    if first is None:
        return TemplateResponse(
            request,
            "admin/experiments/no_cases.html",
            {**admin.site.each_context(request), "title": "Cases as the arms show them", "experiment": experiment},
        )
    return redirect(f"{reverse('admin:experiments_case_as_arms', args=[first])}?experiment={experiment.pk}")


def case_as_arms(request: HttpRequest, case_id: int) -> HttpResponse:
    user: Any = request.user
    case = Case.objects.filter(pk=case_id).first()
    if case is None or not user.is_staff:
        raise Http404
    studies = list(
        Experiment.objects.where_may(user, Verb.VIEW_ARM)
        .filter(study_cases__case=case_id)
        .select_related("layout", "protocol__layout_version")
    )
    may_see_whole = user.is_staff and user.may(Verb.VIEW_CASES)
    if not (studies or may_see_whole):
        raise Http404
    experiment = _chosen_study(request, studies)
    working = experiment is not None and (experiment.protocol is None or "working" in request.GET)
    snapshot = snapshot_of(case, experiment, working)
    stages = arm_stages(experiment, working) if experiment else []
    asked = request.GET.getlist("column")
    chosen = [stage for stage in stages if stage.key in asked] if asked else stages
    whole = may_see_whole and ("whole" in asked or not asked or not chosen)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{case} as the arms show it",
        "case": case,
        "studies": studies,
        "experiment": experiment,
        "working": working,
        "stages": stages,
        "chosen_keys": {stage.key for stage in chosen},
        "chosen": chosen,
        "whole": whole,
        "may_see_whole": may_see_whole,
        "only_differing": "differing" in request.GET,
        "snapshot": snapshot,
        **_neighbours(case, experiment),
    }
    if snapshot is not None and snapshot.redacted_at is None:
        tree = from_json(json.loads(snapshot.content))
        columns = [disclose(tree, DisclosureContent.from_json(json.loads(stage.content)).entries) for stage in chosen]
        context["comparison"] = compare_columns(tree, columns, whole=whole, only_differing=context["only_differing"])
        context["headers"] = list(zip(chosen, context["comparison"].pinned, strict=True))
    record_view(case, experiment, chosen, whole, user)
    return TemplateResponse(request, "admin/experiments/case_as_arms.html", context)


def record_view(case: Case, experiment: Experiment | None, chosen: list[ArmStage], whole: bool, by: Any) -> None:
    with transaction.atomic():
        audit.record(
            action="case_viewed",
            by=by,
            target=case,
            data={"columns": [stage.key for stage in chosen], "whole": whole},
            experiment_id=experiment.pk if experiment else None,
        )


def _chosen_study(request: HttpRequest, studies: list[Experiment]) -> Experiment | None:
    """The study asked for, else the first; a study that is not the person's is 404."""
    asked = request.GET.get("experiment")
    if not asked:
        return studies[0] if studies else None
    for study in studies:
        if str(study.pk) == asked:
            return study
    raise Http404


def snapshot_of(case: Case, experiment: Experiment | None, working: bool) -> CaseSnapshot | None:
    snapshots = CaseSnapshot.objects.current().filter(case=case)
    if experiment is None:
        return snapshots.order_by("-created_at", "-pk").first()
    frozen = None if working else experiment.protocol
    version = frozen.layout_version if frozen else study_layout_version(experiment)
    return snapshots.filter(layout_version=version).first()


def arm_stages(experiment: Experiment, working: bool) -> list[ArmStage]:
    found: Any
    if working:
        found = Stage.objects.filter(arm__experiment=experiment, disclosure_set__isnull=False)
    else:
        found = ProtocolStage.objects.filter(protocol=experiment.protocol)
    found = list(found.select_related("arm", "disclosure_set").order_by("arm__position", "arm_id", "position"))
    counts = [stage.arm_id for stage in found]
    return [
        ArmStage(
            f"{stage.arm.key}.{stage.position}",
            f"{stage.arm.name}, stage {stage.position}" if counts.count(stage.arm_id) > 1 else stage.arm.name,
            stage.disclosure_set.content,
            stage.hidden_until_asked,
        )
        for stage in found
    ]


def _neighbours(case: Case, experiment: Experiment | None) -> dict[str, Any]:
    """The case before and after it in the study's list."""
    if experiment is None:
        return {}
    listed = list(experiment.study_cases.order_by("position").values_list("case_id", "case__number"))
    at = next(index for index, (pk, _) in enumerate(listed) if pk == case.pk)
    return {
        "before": listed[at - 1] if at else None,
        "after": listed[at + 1] if at + 1 < len(listed) else None,
        "place": at + 1,
        "places": len(listed),
    }
