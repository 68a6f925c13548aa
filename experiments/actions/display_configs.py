"""Upload AugMed's display-config CSV: a preview that writes nothing, and an upsert in one transaction.

Nothing is wiped: what is not in the file stays, and what a participant has opened stays and is reported as kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.permissions import Verb
from cases.actions import build_snapshots, put_forward
from cases.models import Case, CaseSnapshot, PageLayout
from experiments.actions.display_config_rows import (
    enrol_newcomers,
    give_cases,
    keep_what_was_opened_meanwhile,
    store_disclosures,
)
from experiments.actions.roles import grant_role
from experiments.display_configs.parsing import ParsedFile, RowError, parse
from experiments.display_configs.plan import UploadPlan, make_plan
from experiments.display_configs.sets import study_version
from experiments.models import Experiment, ExperimentTransition, StudyRole

CONFIGS_NAME = "Display configs"
MOST_REPORTED = 1000
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class SuppliedValue:
    """A value that the file itself gives, for somebody to confirm. `count`: how many participants get it."""

    case_number: int
    label: str
    value: str
    row: int
    count: int


@dataclass
class UploadResult:
    """What an upload did. `kept` lists (row, participant, case number, reason), the first 1,000 of `kept_count`."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept_count: int = 0
    kept: list[tuple[int, str, int, str]] = field(default_factory=list)
    put_forward: list[int] = field(default_factory=list)
    enrolled: int = 0


@dataclass
class Preview(UploadResult):
    """What an upload would do. With errors it would do nothing."""

    sha256: str = ""
    rows: int = 0
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    supplies: list[SuppliedValue] = field(default_factory=list)
    also_discloses: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    ignored_columns: tuple[str, ...] = ()
    ignored_rows: list[int] = field(default_factory=list)
    duplicate_rows: list[int] = field(default_factory=list)


def preview(*, file: bytes, by: Any) -> Preview:
    """Work everything out, visits to be put forward included, and take all of it back."""
    parsed = parse(file)
    with transaction.atomic():
        plan = _plan(parsed, by)
        transaction.set_rollback(True)
    made = Preview(
        sha256=sha256_hex(file),
        rows=parsed.row_count,
        errors=plan.errors[:MOST_REPORTED],
        error_count=len(plan.errors),
        supplies=_supplies(plan),
        also_discloses=_also_discloses(plan),
        ignored_columns=parsed.ignored_columns,
        ignored_rows=parsed.ignored_rows,
        duplicate_rows=parsed.duplicate_rows,
    )
    _report(plan, made)
    return made


def apply(*, file: bytes, by: Any) -> UploadResult:
    """Do what the file says, or nothing: Invalid names every row that cannot be done."""
    parsed = parse(file)
    result = UploadResult()
    with transaction.atomic():
        plan = _plan(parsed, by)
        if plan.errors:
            raise _invalid(plan.errors)
        result.enrolled = enrol_newcomers(plan, by)
        give_cases(plan)
        keep_what_was_opened_meanwhile(plan)
        store_disclosures(plan, by)
        _report(plan, result)
        _record(plan, result, sha256_hex(file), by)
    return result


# --- finding what the file names


def _plan(parsed: ParsedFile, by: Any) -> UploadPlan:
    names = {row.experiment for row in parsed.rows}
    studies = _studies(names, by)
    refused: dict[int, str] = {}
    made: list[int] = []
    wanted = {row.case_number for row in parsed.rows}
    cases = _cases(wanted)
    visits = sorted({row.case_number for row in parsed.rows if not row.experiment} - cases.keys())
    configs = studies.get("")
    if visits and configs is not None and configs.layout is not None:
        made, refused = _put_forward(visits, configs.layout, by)
        cases = _cases(wanted) if made else cases
    _complete_snapshots(parsed, studies, cases, by)
    plan = make_plan(parsed, studies, cases, refused)
    plan.put_forward = made
    return plan


def _studies(names: set[str], by: Any) -> dict[str, Experiment]:
    """The studies that the file names and whose design the person may change, locked in one order."""
    may = Experiment.objects.all() if by is None else Experiment.objects.where_may(by, Verb.CHANGE_DESIGN)
    found = {}
    if named := names - {""}:
        rows = may.filter(Q(name__in=named) | Q(code__in=named))
        for study in _locked(rows):
            found[study.code] = found[study.name] = study
    if "" in names:
        configs = next(iter(_locked(may.filter(kind=Experiment.Kind.CONFIGS))), None) or _create_configs(by)
        if configs is not None:
            found[""] = configs
    return {name: found[name] for name in names if name in found}


def _locked(studies: Any) -> list[Experiment]:
    """One lock a study while cases are given out in it, as for a draw."""
    related = studies.select_related("layout", "protocol__layout_version")
    return list(related.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _create_configs(by: Any) -> Experiment | None:
    """The study of rows that name none: born active, with the default layout. None for who may not make it."""
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
    audit.record(action="experiment_created", by=by, target=study, experiment_id=study.pk)
    if by is not None:
        grant_role(user=by, experiment=study, role=StudyRole.Role.LEAD, by=by)
    return study


def _cases(numbers: set[int]) -> dict[int, Case]:
    """Cases by number, else by visit."""
    found: dict[int, Case] = {}
    listed = sorted(numbers)
    for start in range(0, len(listed), _CHUNK):
        part = listed[start : start + _CHUNK]
        cases = list(Case.objects.filter(Q(number__in=part) | Q(visit_occurrence_id__in=part)))
        found |= {case.visit_occurrence_id: case for case in cases if case.visit_occurrence_id in numbers}
        found |= {case.number: case for case in cases if case.number in numbers}
    return found


def _put_forward(visits: list[int], layout: PageLayout, by: Any) -> tuple[list[int], dict[int, str]]:
    if by is not None and not by.may(Verb.CHANGE_CASES):
        return [], dict.fromkeys(visits, "no such case, and you may not put visits forward")
    done = put_forward(visit_ids=visits, by=by, layout=layout)
    return visits if done.created else [], dict(done.refused)


def _complete_snapshots(parsed: ParsedFile, studies: dict[str, Experiment], cases: dict[int, Case], by: Any) -> None:
    """Build the snapshots that the named cases lack under their study's layout."""
    for name, study in studies.items():
        version = study_version(study)
        if version is None:
            continue
        named = {row.case_number for row in parsed.rows if row.experiment == name}
        listed = {cases[number].pk: cases[number] for number in named if number in cases}
        have = set(
            CaseSnapshot.objects.filter(layout_version=version, case__in=listed).values_list("case_id", flat=True)
        )
        if lacking := [case for pk, case in listed.items() if pk not in have and case.person_id is not None]:
            build_snapshots(cases=lacking, layout_version=version, by=by)


# --- telling


def _report(plan: UploadPlan, result: UploadResult) -> None:
    counts = plan.counts()
    result.added, result.replaced = counts["added"], counts["replaced"]
    result.unchanged, result.kept_count = counts["unchanged"], counts["kept"]
    kept = [config for config in plan.configs if config.outcome == "kept"]
    result.kept = [(one.row, one.email, one.case.number, one.reason) for one in kept[:MOST_REPORTED]]
    result.put_forward = plan.put_forward
    if isinstance(result, Preview):
        result.enrolled = len(plan.newcomers)


def _supplies(plan: UploadPlan) -> list[SuppliedValue]:
    found: dict[tuple[int, str, str], SuppliedValue] = {}
    for config in plan.configs:
        for supply in config.made.supplies if config.made else ():
            key = (config.case.number, supply.label, supply.value)
            before = found.get(key)
            row, count = (before.row, before.count) if before else (config.row_of(supply.value), 0)
            found[key] = SuppliedValue(*key, row=row, count=count + 1)
    return list(found.values())


def _also_discloses(plan: UploadPlan) -> list[tuple[int, str, tuple[str, ...]]]:
    """(row, path, texts): values shown beside the one that a path spells out, since a feature is shown as a whole."""
    found: dict[tuple[int, str], tuple[int, str, tuple[str, ...]]] = {}
    for config in plan.configs:
        for path, texts in config.made.also_discloses if config.made else ():
            found.setdefault((config.case.pk, path), (config.row_of(path), path, texts))
    return list(found.values())[:MOST_REPORTED]


def _record(plan: UploadPlan, result: UploadResult, sha256: str, by: Any) -> None:
    """One audit event a study, with the counts of the whole file and the hash of its bytes."""
    data = {
        "sha256": sha256,
        "added": result.added,
        "replaced": result.replaced,
        "unchanged": result.unchanged,
        "kept": result.kept_count,
        "enrolled": result.enrolled,
        "put_forward": len(result.put_forward),
    }
    for study in {config.experiment.pk: config.experiment for config in plan.configs}.values():
        audit.record(action="display_configs_uploaded", by=by, target=study, data=data, experiment_id=study.pk)


def _invalid(errors: list[RowError]) -> DomainError:
    listed: dict[str, list[str]] = {}
    for error in errors[:MOST_REPORTED]:
        listed.setdefault(f"row {error.row}", []).append(
            f"{error.column}: {error.message}" if error.column else error.message
        )
    count = len(errors)
    return Invalid(
        f"Nothing was uploaded: {count} error{'' if count == 1 else 's'}. {errors[0]}",
        code="invalid_rows",
        errors=listed,
    )
