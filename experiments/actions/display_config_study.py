"""The study to which display configs and questionnaires belong that name none: found, or begun."""

from __future__ import annotations

from typing import Any

from augmed.foundation import audit
from augmed.foundation.errors import Invalid
from augmed.foundation.permissions import Verb
from cases.models import PageLayout
from experiments.actions.attention_checks import begin_with_default
from experiments.actions.roles import grant_role
from experiments.models import Experiment, ExperimentTransition, StudyRole

CONFIGS_NAME = "Display configs"


def display_configs_study(*, by: Any) -> Experiment | None:
    """The study, locked (so inside a transaction): begun where there is none yet, born active, with the default layout.
    None for who may neither change its design nor begin a study."""
    may = Experiment.objects.all() if by is None else Experiment.objects.where_may(by, Verb.CHANGE_DESIGN)
    found = locked_studies(may.filter(kind=Experiment.Kind.CONFIGS))
    return found[0] if found else _begun(by)


def locked_studies(studies: Any) -> list[Experiment]:
    """One lock a study while its cases or questions change, as for a draw; in one order for all."""
    related = studies.select_related("layout", "protocol__layout_version")
    return list(related.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _begun(by: Any) -> Experiment | None:
    there = Experiment.objects.filter(kind=Experiment.Kind.CONFIGS).exists()
    if there or (by is not None and not by.may(Verb.CREATE_EXPERIMENT)):
        return None
    layout = PageLayout.objects.default()
    if layout is None:
        raise Invalid("There is no page layout yet. Import one first: the first one becomes the default.")
    taken = Experiment.objects.filter(name=CONFIGS_NAME).exists()
    study = Experiment.objects.create(
        name=f"{CONFIGS_NAME} (files)" if taken else CONFIGS_NAME,
        kind=Experiment.Kind.CONFIGS,
        status=Experiment.Status.ACTIVE,
        layout=layout,
        created_by=by,
    )
    ExperimentTransition.objects.create(
        experiment=study, from_status="draft", to_status="active", reason="made for display configs", by=by
    )
    begin_with_default(study, by=by)
    audit.record(action="experiment_created", by=by, target=study, experiment_id=study.pk)
    if by is not None:
        grant_role(user=by, experiment=study, role=StudyRole.Role.LEAD, by=by)
    return study
