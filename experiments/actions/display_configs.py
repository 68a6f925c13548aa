"""Upload AugMed's display-config CSV: a preview that writes nothing, and an upsert in one transaction.

Nothing is wiped: what is not in the file stays, and what a participant has opened stays and is reported as kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Invalid
from augmed.foundation.garbage import nothing_to_collect
from augmed.foundation.permissions import Verb
from cases.actions import build_snapshots, put_forward
from cases.models import Case, CaseSnapshot, PageLayout
from experiments.actions.display_config_rows import (
    enrol_newcomers,
    give_cases,
    keep_what_was_opened_meanwhile,
    store_disclosures,
)
from experiments.actions.display_config_study import display_configs_study, locked_studies
from experiments.display_configs.parsing import parse
from experiments.display_configs.plan import Outcome, PlannedConfig, UploadPlan, make_plan
from experiments.display_configs.sets import study_version
from experiments.display_configs.written import ParsedFile, RowError, WrittenConfig
from experiments.models import Experiment, Review
from omop.models import VisitOccurrence

__all__ = [
    "ConfigOutcome",
    "InvalidRows",
    "Preview",
    "SuppliedValue",
    "UploadResult",
    "apply",
    "apply_parsed",
    "cases_numbered",
    "display_configs_study",
    "preview",
    "preview_parsed",
    "review_ids",
]

MOST_REPORTED = 1000
MOST_MADE = 200  # cases, and snapshots: making one takes some milliseconds, and whoever uploads is waiting
_CHUNK = 10_000


class InvalidRows(Invalid):
    """Rows that cannot be done: `rows` names the first 1,000 of `count`."""

    def __init__(self, errors: list[RowError]) -> None:
        self.rows, self.count = errors[:MOST_REPORTED], len(errors)
        listed: dict[str, list[str]] = {}
        for error in self.rows:
            text = f"{error.column}: {error.message}" if error.column else error.message
            listed.setdefault(f"row {error.row}", []).append(text)
        plural = "" if self.count == 1 else "s"
        detail = f"Nothing was uploaded: {self.count:,} error{plural}. {errors[0]}"
        super().__init__(detail, code="invalid_rows", errors=listed)


@dataclass(frozen=True, slots=True)
class SuppliedValue:
    """A value that the file itself gives, for somebody to confirm. `count`: how many participants get it."""

    case_number: int
    label: str
    value: str
    row: int
    count: int


@dataclass(frozen=True, slots=True)
class ConfigOutcome:
    """What became, or would become, of one (study, participant, case). `assignment_id` is None where there is none."""

    written: WrittenConfig
    experiment: Experiment
    case_number: int
    outcome: Outcome
    reason: str
    assignment_id: int | None

    @property
    def row(self) -> int:
        return self.written.row

    @property
    def email(self) -> str:
        return self.written.user


@dataclass
class UploadResult:
    """What an upload did, config by config in file order and in numbers. `kept` lists (row, participant, case number,
    reason), the first 1,000 of `kept_count`. `errors` are there only where wrong rows were to be left out."""

    outcomes: list[ConfigOutcome] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
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
    error_count: int = 0
    supplies: list[SuppliedValue] = field(default_factory=list)
    also_discloses: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    ignored_columns: tuple[str, ...] = ()
    ignored_rows: list[int] = field(default_factory=list)
    duplicate_rows: list[int] = field(default_factory=list)


def preview(*, file: bytes, by: Any) -> Preview:
    """What `apply` would do with this file."""
    return preview_parsed(parsed=parse(file), by=by, sha256=sha256_hex(file))


@nothing_to_collect()
def preview_parsed(*, parsed: ParsedFile, by: Any, sha256: str) -> Preview:
    """Work everything out, visits to be put forward included, and take all of it back."""
    with transaction.atomic():
        plan = _plan(parsed, by)
        transaction.set_rollback(True)
    made = Preview(
        sha256=sha256,
        rows=parsed.row_count,
        errors=plan.errors[:MOST_REPORTED],
        error_count=len(plan.errors),
        supplies=_supplies(plan),
        also_discloses=_also_discloses(plan, texts_told=by is None or by.may(Verb.VIEW_CASES)),
        ignored_columns=parsed.ignored_columns,
        ignored_rows=parsed.ignored_rows,
        duplicate_rows=parsed.duplicate_rows,
    )
    _report(plan, made)
    return made


def apply(*, file: bytes, by: Any) -> UploadResult:
    """Do what the file says, or nothing: Invalid names every row that cannot be done."""
    return apply_parsed(parsed=parse(file), by=by, sha256=sha256_hex(file))


@nothing_to_collect()
def apply_parsed(*, parsed: ParsedFile, by: Any, sha256: str, leave_out_wrong: bool = False) -> UploadResult:
    """Do what the rows say, in one transaction. `sha256`, for the audit trail, is of what they were read from.

    A row that cannot be done refuses them all (Invalid), or, with `leave_out_wrong`, only the configuration that it
    belongs to; `errors` of the result then names it."""
    result = UploadResult()
    with transaction.atomic():
        plan = _plan(parsed, by)
        if plan.errors and not leave_out_wrong:
            raise InvalidRows(plan.errors)
        result.errors = plan.errors
        result.enrolled = enrol_newcomers(plan, by)
        give_cases(plan)
        keep_what_was_opened_meanwhile(plan)
        store_disclosures(plan, by)
        _report(plan, result)
        _record(plan, result, sha256, by)
    return result


# --- finding what the file names


def _plan(parsed: ParsedFile, by: Any) -> UploadPlan:
    written = parsed.configs.values()
    names = {one.experiment for one in written}
    studies = _studies(names, by)
    refused: dict[int, str] = {}
    made: list[int] = []
    wanted = {one.case_number for one in written}
    cases = cases_numbered(wanted)
    visits = sorted({one.case_number for one in written if not one.experiment} - cases.keys())
    configs = studies.get("")
    if visits and configs is not None and configs.layout is not None:
        made, refused = _put_forward(visits, configs.layout, by)
        cases = cases_numbered(wanted) if made else cases
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
        for study in locked_studies(rows):
            found[study.code] = found[study.name] = study
    if "" in names:
        configs = display_configs_study(by=by)
        if configs is not None:
            found[""] = configs
    return {name: found[name] for name in names if name in found}


def cases_numbered(numbers: set[int]) -> dict[int, Case]:
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
    there = _visits_among(visits)
    if len(there) > MOST_MADE:
        reason = (
            f"one of {len(there):,} visits that are not cases yet, of which an upload makes at most {MOST_MADE}; "
            "make them first, by `manage.py make_cases` or in the admin"
        )
        return [], dict.fromkeys(there, reason)
    if not there:
        return [], {}
    done = put_forward(visit_ids=there, by=by, layout=layout)
    return sorted(set(there) - dict(done.refused).keys()), dict(done.refused)


def _visits_among(numbers: list[int]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(numbers), _CHUNK):
        visits = VisitOccurrence.objects.filter(pk__in=numbers[start : start + _CHUNK])
        found += visits.values_list("pk", flat=True)
    return found


def _complete_snapshots(parsed: ParsedFile, studies: dict[str, Experiment], cases: dict[int, Case], by: Any) -> None:
    """Build the snapshots that the named cases lack under their study's layout, where they are few."""
    for name, study in studies.items():
        version = study_version(study)
        if version is None:
            continue
        named = {one.case_number for one in parsed.configs.values() if one.experiment == name}
        listed = {cases[number].pk: cases[number] for number in named if number in cases}
        have = set(
            CaseSnapshot.objects.filter(layout_version=version, case__in=listed).values_list("case_id", flat=True)
        )
        lacking = [case for pk, case in listed.items() if pk not in have and case.person_id is not None]
        if 0 < len(lacking) <= MOST_MADE:  # the plan names those that are left without
            build_snapshots(cases=lacking, layout_version=version, by=by)


# --- telling


def _report(plan: UploadPlan, result: UploadResult) -> None:
    counts = plan.counts()
    result.added, result.replaced = counts["added"], counts["replaced"]
    result.unchanged, result.kept_count = counts["unchanged"], counts["kept"]
    result.outcomes = [_outcome(config) for config in plan.configs]
    kept = [config for config in plan.configs if config.outcome == "kept"]
    result.kept = [(one.row, one.email, one.case.number, one.reason) for one in kept[:MOST_REPORTED]]
    result.put_forward = plan.put_forward
    if isinstance(result, Preview):
        result.enrolled = len(plan.newcomers)


def _outcome(config: PlannedConfig) -> ConfigOutcome:
    return ConfigOutcome(
        written=config.written,
        experiment=config.experiment,
        case_number=config.case.number,
        outcome=config.outcome,
        reason=config.reason,
        assignment_id=config.assignment_id,
    )


def review_ids(outcomes: Iterable[ConfigOutcome]) -> dict[int, list[UUID]]:
    """The public ids of the reviews of these assignments, in the order of their stages. A statement per 10,000."""
    found: dict[int, list[UUID]] = {}
    pks = [one.assignment_id for one in outcomes if one.assignment_id is not None]
    for start in range(0, len(pks), _CHUNK):
        reviews = Review.objects.filter(assignment__in=pks[start : start + _CHUNK]).order_by("stage_position")
        for pk, public_id in reviews.values_list("assignment_id", "public_id"):
            found.setdefault(pk, []).append(public_id)
    return found


def _supplies(plan: UploadPlan) -> list[SuppliedValue]:
    found: dict[tuple[int, str, str], SuppliedValue] = {}
    for config in plan.configs:
        for supply in config.made.supplies if config.made else ():
            key = (config.case.number, supply.label, supply.value)
            before = found.get(key)
            row, count = (before.row, before.count) if before else (config.written.row_of(supply.value), 0)
            found[key] = SuppliedValue(*key, row=row, count=count + 1)
    return list(found.values())


def _also_discloses(plan: UploadPlan, *, texts_told: bool) -> list[tuple[int, str, tuple[str, ...]]]:
    """(row, path, texts): values shown beside the one that a path spells out, since a feature is shown as a whole. The
    texts are the case's, so only for who may see whole cases: an API key does not open them."""
    found: dict[tuple[int, str], tuple[int, str, tuple[str, ...]]] = {}
    for config in plan.configs:
        for path, texts in config.made.also_discloses if config.made else ():
            key = (config.case.pk, path)
            if key not in found:
                found[key] = (config.written.row_of(path), path, texts if texts_told else ())
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
