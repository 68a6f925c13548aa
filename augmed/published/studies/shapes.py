"""The contract's Experiment and RlRun, made of what is stored. What a person may not see is left empty, never absent:
the client counts arms and cases without asking whether they are there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Max, QuerySet
from django.db.models.functions import Coalesce, Greatest

from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from cases.disclosure import Style, said_style
from cases.layouts.reading import layout_nodes
from cases.tree import Identity
from experiments.actions.disclosure_sets import cell_from_json
from experiments.design.arm_paths import paths_of_cells
from experiments.design.matrix import counted_features, study_layout_version
from experiments.models import AllocationRequest, Arm, Assignment, Enrolment, Experiment, Stage, StudyCase
from experiments.roles import may

MOST_PAIRS = 100_000
MOST_RUNS = 500
RUN_STATUS = {
    Job.Status.QUEUED: "pending",
    Job.Status.RUNNING: "running",
    Job.Status.SUCCEEDED: "completed",
    Job.Status.FAILED: "failed",
    Job.Status.CANCELLED: "failed",
}
Shape = dict[str, Any]


def experiments_shown(studies: QuerySet[Experiment], user: Any) -> list[Shape]:
    """These studies, newest first. A number of queries that does not depend on them.

    Pools fill the answer up to MOST_PAIRS pairs; those that find no room are null here, and in their study's own
    answer."""
    dated = studies.annotate(
        updated_at=Greatest(
            F("created_at"),
            Coalesce(Max("transitions__at"), F("created_at")),
            Coalesce(F("protocol__created_at"), F("created_at")),
        )
    )
    listed = list(dated.order_by("-created_at", "-pk"))
    seen = _Seen.by(user, listed)
    arms = _arm_names(seen)
    pools = _pools(listed, seen)
    return [_experiment(study, arms.get(study.pk, []), pools.get(study.pk)) for study in listed]


def experiment_shown(study: Experiment, user: Any) -> Shape:
    """One study, its arms with what their first stage discloses."""
    [shape] = experiments_shown(Experiment.objects.filter(pk=study.pk), user)
    if shape["arms"]:
        shape["arms"] = _arms_with_paths(study)
    return shape


def run_shown(request: AllocationRequest, *, parameters: bool) -> Shape:
    """A request for a draw, as far as its job is. `error` is ours: why a failed one failed. `parameters`: with what the
    asker sent along, which may tell the allocation."""
    job = request.job
    result = job.result if job.status == Job.Status.SUCCEEDED else {}
    rule = result.get("rule")
    return {
        "id": request.pk,
        "experiment_id": request.experiment.code,
        "model_version": f"{rule} v{result['rule_version']}" if rule else None,
        "status": RUN_STATUS[Job.Status(job.status)],
        "triggered_by": request.triggered_by,
        "configs_generated": result.get("configs_generated"),
        "answers_consumed": result.get("answers_consumed"),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "completed_at": job.finished_at.isoformat() if job.finished_at else None,
        "run_params": json.loads(request.parameters) if parameters and request.parameters else None,
        "error": "The run was cancelled." if job.status == Job.Status.CANCELLED else job.error or None,
    }


def runs_shown(study: Experiment, user: Any) -> list[Shape]:
    """The newest first, at most MOST_RUNS. Two queries."""
    requests = study.allocation_requests.select_related("job", "experiment").order_by("-pk")
    sees_all = may(user, Verb.VIEW_ALLOCATION, study)
    return [run_shown(one, parameters=sees_all or one.created_by_id == user.pk) for one in requests[:MOST_RUNS]]


@dataclass
class _Seen:
    """Of which studies the person may see the arms, who takes part, and their addresses."""

    arms: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    addresses: set[int] = field(default_factory=set)

    @classmethod
    def by(cls, user: Any, studies: Iterable[Experiment]) -> _Seen:
        """Three queries."""
        listed = Experiment.objects.filter(pk__in=[study.pk for study in studies])

        def where(verb: Verb) -> set[int]:
            return set(listed.where_may(user, verb).values_list("pk", flat=True))

        return cls(where(Verb.VIEW_ARM), where(Verb.VIEW_PROGRESS), where(Verb.EXPORT_IDENTIFIED))


def _experiment(study: Any, arms: list[Shape], pool: list[Shape] | None) -> Shape:
    return {
        "id": study.pk,
        "experiment_id": study.code,
        "name": study.name,
        "description": study.description or None,
        "status": study.status,
        "arms": arms,
        "case_pool": pool,
        "created_at": study.created_at.isoformat(),
        "updated_at": study.updated_at.isoformat(),
    }


def _arm_names(seen: _Seen) -> dict[int, list[Shape]]:
    found: dict[int, list[Shape]] = defaultdict(list)
    arms = Arm.objects.filter(experiment__in=seen.arms).order_by("experiment", "position", "pk")
    for experiment, name in arms.values_list("experiment_id", "name"):
        found[experiment].append({"name": name})
    return found


def _arms_with_paths(study: Experiment) -> list[Shape]:
    """Six queries, whatever the arms and features."""
    version = study_layout_version(study)
    nodes = layout_nodes(version) if version else []
    counted = counted_features(study, version) if version else []
    labels = {Identity(one.found.node_key, one.found.discriminator): one.label for one in counted}
    stages = Stage.objects.filter(arm__experiment=study, position=1).select_related("arm")
    shapes = []
    for stage in stages.order_by("arm__position", "arm_id"):
        cells = [cell_from_json(cell, str(stage)) for cell in stage.cells]
        paths = paths_of_cells(cells, nodes, labels)
        shapes.append({"name": stage.arm.name, "path_config": [_entry(path, style) for path, style in paths]})
    return shapes


def _entry(path: str, style: Style) -> Shape:
    said = said_style(style)
    return {"path": path, "style": said} if said else {"path": path}


def _pools(studies: Sequence[Experiment], seen: _Seen) -> dict[int, list[Shape]]:
    """Who reads what. By protocol everybody reads all cases, drawn already or not; elsewhere, what was given to them.

    Four queries. People are pseudonyms, but for those who may have addresses."""
    by_protocol = [study.pk for study in studies if study.kind == Experiment.Kind.PROTOCOL and study.pk in seen.people]
    given = [study.pk for study in studies if study.kind == Experiment.Kind.CONFIGS and study.pk in seen.people]
    cases: dict[int, list[int]] = defaultdict(list)
    listed = StudyCase.objects.filter(experiment__in=by_protocol).order_by("experiment", "position")
    for experiment, number in listed.values_list("experiment_id", "case__number"):
        cases[experiment].append(number)
    people: dict[int, list[str]] = defaultdict(list)
    for experiment, *names in _takes_part(by_protocol).values_list("experiment_id", "pseudonym", "user__email"):
        people[experiment].append(names[experiment in seen.addresses])
    pools: dict[int, list[Shape]] = {}
    room = MOST_PAIRS
    for experiment in by_protocol:
        # Nobody takes part yet: the cases alone, so that their number is seen.
        everybody = people[experiment] or [""]
        size = len(everybody) * len(cases[experiment])
        if size <= room:
            room -= size
            pools[experiment] = [_pair(person, case) for person in everybody for case in cases[experiment]]
    for experiment in given:
        if (pool := _given(experiment, experiment in seen.addresses, room)) is not None:
            pools[experiment] = pool
    return pools


def _given(experiment: int, addresses: bool, room: int) -> list[Shape] | None:
    """One query; there is one such study."""
    assignments = Assignment.objects.filter(enrolment__in=_takes_part([experiment])).order_by("enrolment", "position")
    person = "enrolment__user__email" if addresses else "enrolment__pseudonym"
    pairs = list(assignments.values_list(person, "case__number")[: room + 1])
    return None if len(pairs) > room else [_pair(*pair) for pair in pairs]


def _takes_part(studies: list[int]) -> QuerySet[Enrolment]:
    real = Enrolment.objects.real().filter(experiment__in=studies)
    return real.exclude(status__in=[Enrolment.Status.WITHDRAWN, Enrolment.Status.DECLINED]).order_by("arrival")


def _pair(person: str, case: int) -> Shape:
    return {"user_email": person, "case_id": case}
