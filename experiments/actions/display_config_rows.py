"""The rows that an upload of display configs writes: enrolments, assignments, reviews, sets and disclosures, in bulk.

Part of `experiments.actions.display_configs.apply`, whose transaction and locks these run in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import uuid4

from django.db.models import Max

from augmed.foundation.bulk import insert_rows, reserve_keys
from experiments.actions.enrolment import arrive_together
from experiments.display_configs.plan import PlannedConfig, UploadPlan
from experiments.models import Assignment, AssignmentDisclosure, DisclosureSet, Review

_BATCH = 2000
_CHUNK = 10_000


def enrol_newcomers(plan: UploadPlan, by: Any) -> int:
    """Enrol whom the display configs name for the first time. (In other studies people are enrolled beforehand.)"""
    newcomers = plan.newcomers
    if not newcomers:
        return 0
    study = next(iter(newcomers.values())).experiment
    made = arrive_together(study, [config.user_id for config in newcomers.values()], by)
    plan.enrolments |= {(one.experiment_id, one.user_id): one for one in made}
    return len(made)


def give_cases(plan: UploadPlan) -> None:
    """One assignment and its reviews for every new configuration, in file order."""
    new = [config for config in plan.configs if config.outcome == "added"]
    places = _next_positions({config.experiment.pk for config in new})
    keys = reserve_keys(Assignment, len(new))
    assignments = []
    for key, config in zip(keys, new, strict=True):
        config.assignment_id = key
        enrolment = plan.enrolments[config.experiment.pk, config.user_id].pk
        position = places[enrolment] = places.get(enrolment, 0) + 1
        arm = config.arm.pk if config.arm else None
        assignments.append((key, enrolment, config.case.pk, arm, position, Assignment.DrawnBy.CSV.value))
    insert_rows(Assignment, ("id", "enrolment_id", "case_id", "arm_id", "position", "drawn_by"), assignments)
    reviews = (
        (uuid4(), config.assignment_id, position) for config in new for position in range(1, _stage_count(config) + 1)
    )
    insert_rows(Review, ("public_id", "assignment_id", "stage_position"), reviews)


def _stage_count(config: PlannedConfig) -> int:
    """A set of paths is one stage; without, the arm's stages in the protocol."""
    if config.made is not None or config.arm is None:
        return 1
    protocol = config.arm.experiment.protocol
    return sum(stage.arm_id == config.arm.pk for stage in protocol.stages.all()) if protocol else 1


def _next_positions(studies: set[int]) -> dict[int, int]:
    rows = Assignment.objects.filter(enrolment__experiment__in=studies).order_by().values("enrolment_id")
    return {row["enrolment_id"]: row["last"] for row in rows.annotate(last=Max("position"))}


def keep_what_was_opened_meanwhile(plan: UploadPlan) -> None:
    """Lock the reviews whose disclosure is about to be replaced, as an opening does before it binds one, and keep
    those that were opened since the plan was made."""
    replaced = {one.assignment_id: one for one in plan.configs if one.outcome == "replaced"}
    pks = sorted(pk for pk in replaced if pk is not None)
    for start in range(0, len(pks), _CHUNK):
        reviews = Review.objects.filter(assignment__in=pks[start : start + _CHUNK]).order_by("pk")
        list(reviews.select_for_update().values_list("pk", flat=True))
        # A statement of its own, so that it sees what the lock waited for.
        for pk in reviews.opened().order_by().values_list("assignment_id", flat=True):
            replaced[pk].outcome, replaced[pk].reason = "kept", "the participant has opened it"


def store_disclosures(plan: UploadPlan, by: Any) -> None:
    changed = [
        (config, config.made)
        for config in plan.configs
        if config.made is not None and config.outcome in ("added", "replaced")
    ]
    sets = {made.key: made for _, made in changed}
    ids = _set_ids(sets.keys())
    missing = [made for key, made in sets.items() if key not in ids]
    insert_rows(
        DisclosureSet,
        ("sha256", "case_id", "content"),
        ((made.sha256, made.case_id, made.content) for made in missing),
        ignore_conflicts=True,  # somebody else may be storing the same set
    )
    ids |= _set_ids(sets.keys() - ids.keys())
    insert_rows(
        AssignmentDisclosure,
        ("assignment_id", "disclosure_set_id", "policy", "paths", "created_by_id"),
        (
            (config.assignment_id, ids[made.key], config.policy, made.paths, by.pk if by is not None else None)
            for config, made in changed
        ),
    )


def _set_ids(keys: Collection[tuple[str, int | None]]) -> dict[tuple[str, int | None], int]:
    found: dict[tuple[str, int | None], int] = {}
    wanted = sorted({sha256 for sha256, _ in keys})
    for start in range(0, len(wanted), _CHUNK):
        rows = DisclosureSet.objects.filter(sha256__in=wanted[start : start + _CHUNK])
        found |= {(sha256, case): pk for sha256, case, pk in rows.values_list("sha256", "case_id", "pk")}
    return {key: found[key] for key in keys if key in found}
