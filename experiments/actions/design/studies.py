"""A study's own fields, and its cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from cases.models import Case, PageLayout
from experiments.actions.attention_checks import begin_with_default
from experiments.actions.common import apply_fields, clean, locked, refuse_unknown_languages, refuse_when_over
from experiments.actions.disclosure_sets import resolve_and_store
from experiments.actions.roles import grant_role
from experiments.models import Experiment, StudyCase, StudyRole

EXPERIMENT_FIELDS = frozenset(
    {
        "name",
        "description",
        "instructions",
        "layout",
        "allocation_rule",
        "case_order",
        "block_multiples",
        "strata",
        "person_once",
        "consent_required",
        "consent_elsewhere",
        "intake_questionnaire",
        "training_arm",
        "withdrawal_policy",
    }
)


def create_experiment(*, name: str, by: Any, language: str = "en", **fields: Any) -> Experiment:
    """A new study in draft, with AugMed's attention check; whoever makes it is its lead. Without a layout it has the
    default one. `language`: in which its texts are written."""
    refuse_unknown_languages([language])
    with transaction.atomic():
        fields.setdefault("layout", PageLayout.objects.default())
        experiment = Experiment(created_by=by, languages=[language])
        apply_fields(experiment, {"name": name, **fields}, EXPERIMENT_FIELDS)
        _clean_experiment(experiment)
        experiment.save()
        begin_with_default(experiment, by=by)
        if by is not None:
            grant_role(user=by, experiment=experiment, role=StudyRole.Role.LEAD, by=by)
        audit.record(action="experiment_created", by=by, target=experiment, experiment_id=experiment.pk)
    return experiment


def update_experiment(*, experiment: Experiment, by: Any, **fields: Any) -> Experiment:
    """Change the study's own fields. A new layout resolves every stage anew."""
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        changed = apply_fields(study, fields, EXPERIMENT_FIELDS)
        if not changed:
            return study
        if study.kind == Experiment.Kind.PROTOCOL and study.protocol_id and "allocation_rule" in changed:
            raise Conflict("The allocation rule of an activated study stays.", code="rule_is_frozen")
        if "strata" in changed and study.next_arrival > 1:
            raise Conflict("People have been enrolled: their strata stay.", code="strata_are_frozen")
        if "intake_questionnaire" in changed and study.next_arrival > 1 and study.strata:
            raise Conflict(
                "People have been enrolled into strata: what is asked of them stays.", code="strata_are_frozen"
            )
        _clean_experiment(study)
        study.save(update_fields=changed)
        if "layout" in changed:
            resolve_and_store(study)
        audit.record(action="experiment_changed", by=by, target=study, data={"fields": changed}, experiment_id=study.pk)
    return study


def set_case_list(*, experiment: Experiment, cases: Iterable[Case], by: Any) -> list[StudyCase]:
    """The study's cases, in this order, in place of the list before. Resolves every stage anew, as the features found
    change with the cases."""
    listed = list(cases)
    seen: set[int] = set()
    twice = sorted({case.number for case in listed if case.pk in seen or seen.add(case.pk)})  # type: ignore[func-returns-value]
    if twice:
        raise Invalid(f"Named twice in the case list: {', '.join(map(str, twice))}.")
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        study.study_cases.all().delete()
        made = StudyCase.objects.bulk_create(
            [StudyCase(experiment=study, case=case, position=at) for at, case in enumerate(listed, start=1)],
            batch_size=500,
        )
        resolve_and_store(study)
        audit.record(
            action="case_list_changed",
            by=by,
            target=study,
            data={"cases": [case.number for case in listed]},
            experiment_id=study.pk,
        )
    return made


def _clean_experiment(experiment: Experiment) -> None:
    """The model's own rules, and what its JSON fields must look like."""
    multiples, strata = experiment.block_multiples, experiment.strata
    if not _is_list_of(multiples, int) or not multiples or any(not 1 <= number <= 20 for number in multiples):
        message = "A list of whole numbers from 1 to 20 is needed, for example [1, 2]."
        raise Invalid(message, errors={"block_multiples": [message]})
    if not _is_list_of(strata, str) or len(set(strata)) != len(strata) or not all(name.strip() for name in strata):
        message = "A list of names of intake attributes is needed, each once."
        raise Invalid(message, errors={"strata": [message]})
    _refuse_foreign(experiment)
    clean(experiment, exclude=("created_by",))


def _refuse_foreign(experiment: Experiment) -> None:
    """What a study names of its own has to be its own."""
    for name in ("intake_questionnaire", "training_arm"):
        chosen = getattr(experiment, name)
        if chosen is not None and chosen.experiment_id != experiment.pk:
            message = "This belongs to another study."
            raise Invalid(message, errors={name: [message]})
    if experiment.intake_questionnaire is not None and experiment.kind == Experiment.Kind.CONFIGS:
        message = "This study asks its newest questionnaire with every case: nothing else can be asked about readers."
        raise Invalid(message, errors={"intake_questionnaire": [message]})


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) and not isinstance(item, bool) for item in value)
