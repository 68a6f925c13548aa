"""What an upload of display configs would do, worked out with a number of queries that does not grow with its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db.models import Exists, OuterRef

from cases.models import Case, CaseSnapshot
from experiments.display_configs.parsing import ConfigRow, ParsedFile, RowError, grouped
from experiments.display_configs.sets import ConfigSet, SetMaker, study_version
from experiments.models import Arm, Assignment, AssignmentDisclosure, Enrolment, Experiment, ReviewOpening
from participants.models import User

Outcome = Literal["added", "replaced", "unchanged", "kept"]
_CLOSED = {Enrolment.Status.WITHDRAWN, Enrolment.Status.DECLINED}


@dataclass(slots=True)
class PlannedConfig:
    """One (study, participant, case) and what becomes of it; `made` None discloses what the arm does."""

    rows: list[ConfigRow]
    user_id: int
    email: str
    case: Case
    experiment: Experiment
    arm: Arm | None
    policy: str
    made: ConfigSet | None
    outcome: Outcome = "added"
    reason: str = ""
    assignment_id: int | None = None

    @property
    def row(self) -> int:
        return self.rows[0].row

    def row_of(self, text: str) -> int:
        """The row whose path ends so, else the first."""
        return next((row.row for row in self.rows if row.path.endswith(text)), self.row)

    @property
    def place(self) -> tuple[int, int, int]:
        return self.experiment.pk, self.user_id, self.case.pk


@dataclass(slots=True)
class UploadPlan:
    configs: list[PlannedConfig] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    put_forward: list[int] = field(default_factory=list)
    enrolments: dict[tuple[int, int], Enrolment] = field(default_factory=dict)

    @property
    def newcomers(self) -> dict[tuple[int, int], PlannedConfig]:
        """The first configuration of everybody who is not enrolled in its study yet."""
        missing: dict[tuple[int, int], PlannedConfig] = {}
        for config in self.configs:
            place = (config.experiment.pk, config.user_id)
            if config.outcome == "added" and place not in self.enrolments:
                missing.setdefault(place, config)
        return missing

    def counts(self) -> Counter[str]:
        return Counter(config.outcome for config in self.configs)


def make_plan(
    parsed: ParsedFile, studies: dict[str, Experiment], cases: dict[int, Case], refused: dict[int, str]
) -> UploadPlan:
    """`studies` by the name that the file uses ("" for none), `cases` by the number it uses; `refused` says why a
    number has no case. Errors name their rows; the plan is complete only without them."""
    plan = UploadPlan(errors=list(parsed.errors))
    groups = grouped(parsed.rows)
    users = _users({email for _, email, _ in groups})
    arms = _arms(studies.values())
    makers = _makers(studies.values(), cases.values())
    seen: dict[tuple[int, int, int], int] = {}
    for (_, email, number), rows in groups.items():
        found = _look_up(rows[0], studies, users, cases, refused, arms, plan.errors)
        if found is None:
            continue
        experiment, user_id, case, arm = found
        made = _made(rows, case, arm, makers.get(experiment.pk), plan.errors)
        if made is False:
            continue
        config = PlannedConfig(rows, user_id, email, case, experiment, arm, rows[0].policy, made or None)
        first = seen.setdefault(config.place, config.row)
        if first != config.row:
            text = f"{number} is the same case as in row {first}, under another number"
            plan.errors.append(RowError(config.row, "Case No.", text))
            continue
        plan.configs.append(config)
    _decide(plan, studies.values())
    plan.errors.sort()
    return plan


def _users(emails: set[str]) -> dict[str, tuple[int, bool]]:
    rows = User.objects.get_queryset().filter(email__in=emails).values_list("email", "pk", "is_active")
    return {email: (pk, active) for email, pk, active in rows}


def _arms(studies: Iterable[Experiment]) -> dict[tuple[int, str], tuple[Arm, int]]:
    """Arms by study and by name or key, each with its number of stages in the protocol."""
    found: dict[tuple[int, str], tuple[Arm, int]] = {}
    protocols = [study.protocol_id for study in studies if study.protocol_id]
    for arm in Arm.objects.filter(experiment__protocol__in=protocols).prefetch_related("experiment__protocol__stages"):
        protocol = arm.experiment.protocol
        stages = sum(stage.arm_id == arm.pk for stage in protocol.stages.all()) if protocol else 0
        for name in (arm.key, arm.name):
            found[arm.experiment_id, name] = (arm, stages)
    return found


def _makers(studies: Iterable[Experiment], cases: Iterable[Case]) -> dict[int, SetMaker]:
    """One maker a study, with the newest snapshots of the cases. Four queries a study named."""
    makers: dict[int, SetMaker] = {}
    ids = [case.pk for case in cases]
    for study in {study.pk: study for study in studies}.values():
        version = study_version(study)
        if version is None:
            continue
        snapshots = CaseSnapshot.objects.filter(layout_version=version, case__in=ids, redacted_at=None)
        makers[study.pk] = SetMaker(version, {one.case_id: one for one in snapshots.order_by("number")})
    return makers


def _look_up(
    row: ConfigRow,
    studies: dict[str, Experiment],
    users: dict[str, tuple[int, bool]],
    cases: dict[int, Case],
    refused: dict[int, str],
    arms: dict[tuple[int, str], tuple[Arm, int]],
    errors: list[RowError],
) -> tuple[Experiment, int, Case, Arm | None] | None:
    """What the row names, or None and errors that say what it names in vain."""
    experiment = studies.get(row.experiment)
    user = users.get(row.user)
    case = cases.get(row.case_number)
    count = len(errors)
    if experiment is None:
        errors.append(RowError(row.row, "Experiment", f"no study {row.experiment!r} whose design you may change"))
    elif problem := _not_open(experiment):
        errors.append(RowError(row.row, "Experiment", problem))
    if user is None or not user[1]:
        said = "is not on the roster" if user is None else "is deactivated"
        errors.append(RowError(row.row, "User", f"{row.user!r} {said}"))
    if case is None:
        reason = refused.get(row.case_number, "there is no case and no visit of this number")
        errors.append(RowError(row.row, "Case No.", f"{row.case_number}: {reason}"))
    arm, stages = arms.get((experiment.pk, row.arm), (None, 0)) if experiment and row.arm else (None, 0)
    if experiment and row.arm and (arm is None or not stages):
        errors.append(RowError(row.row, "Arm", f"the study has no arm {row.arm!r} in its protocol"))
    if len(errors) > count or experiment is None or user is None or case is None:
        return None
    if arm is not None and row.path and stages > 1:
        text = f"{arm.name!r} has {stages} stages, a file can say only one: leave Path empty for what the arm discloses"
        errors.append(RowError(row.row, "Path", text))
        return None
    return experiment, user[0], case, arm


def _not_open(experiment: Experiment) -> str:
    if experiment.status in {Experiment.Status.ACTIVE, Experiment.Status.PAUSED}:
        return ""
    return f"the study is {experiment.get_status_display()}; cases can be given out only while it runs"


def _made(
    rows: list[ConfigRow], case: Case, arm: Arm | None, maker: SetMaker | None, errors: list[RowError]
) -> ConfigSet | Literal[False] | None:
    """The set of the rows' paths; None where the arm decides; False where there are errors."""
    with_path = [row for row in rows if row.path]
    if not with_path and arm is not None:
        return None
    if maker is None or case.pk not in maker.snapshots:
        errors.append(RowError(rows[0].row, "Case No.", f"{case.number}: no snapshot under the study's layout"))
        return False
    made = maker.make(case.pk, with_path)
    if isinstance(made, ConfigSet):
        return made
    errors += made
    return False


def _decide(plan: UploadPlan, studies: Iterable[Experiment]) -> None:
    """Compare with what is there. Three queries."""
    pks = {study.pk for study in studies}
    people = {config.user_id for config in plan.configs}
    enrolments = Enrolment.objects.real().filter(experiment__in=pks, user__in=people)
    plan.enrolments = {(one.experiment_id, one.user_id): one for one in enrolments}
    there = _there(enrolments)
    newest = _newest(enrolments)
    for config in plan.configs:
        enrolment = plan.enrolments.get((config.experiment.pk, config.user_id))
        assignment = there.get(config.place)
        if enrolment is None and config.experiment.kind != Experiment.Kind.CONFIGS:
            plan.errors.append(RowError(config.row, "User", f"{config.email!r} is not enrolled in the study"))
        elif assignment is None:
            if enrolment is not None and enrolment.status in _CLOSED:
                config.outcome, config.reason = "kept", f"the participant has {enrolment.get_status_display()}"
        else:
            config.assignment_id = assignment.pk
            config.outcome, config.reason = _outcome(config, assignment, newest.get(assignment.pk))


@dataclass(frozen=True, slots=True)
class _There:
    pk: int
    arm_id: int | None
    drawn_by: str
    opened: bool


def _there(enrolments: Any) -> dict[tuple[int, int, int], _There]:
    opened = Exists(ReviewOpening.objects.filter(review__assignment=OuterRef("pk")))
    rows = Assignment.objects.filter(enrolment__in=enrolments, period=1, replicate=1).order_by().annotate(opened=opened)
    columns = ("enrolment__experiment_id", "enrolment__user_id", "case_id", "pk", "arm_id", "drawn_by", "opened")
    return {
        (experiment, user, case): _There(pk, arm, drawn_by, is_opened)
        for experiment, user, case, pk, arm, drawn_by, is_opened in rows.values_list(*columns)
    }


_Newest = tuple[str, int | None, str, str]


def _newest(enrolments: Any) -> dict[int, _Newest]:
    """The last disclosure of each assignment: its set's key, policy and paths."""
    rows = AssignmentDisclosure.objects.filter(assignment__enrolment__in=enrolments, stage_position=1).order_by("pk")
    columns = ("assignment_id", "disclosure_set__sha256", "disclosure_set__case_id", "policy", "paths")
    return {pk: (sha256, case, policy, paths) for pk, sha256, case, policy, paths in rows.values_list(*columns)}


def _outcome(config: PlannedConfig, there: _There, newest: _Newest | None) -> tuple[Outcome, str]:
    if there.drawn_by != Assignment.DrawnBy.CSV:
        return "kept", "it was not given by a file"
    now = (*config.made.key, config.policy, config.made.paths) if config.made else None
    if now == newest and there.arm_id == (config.arm.pk if config.arm else None):
        return "unchanged", ""
    if there.opened:
        return "kept", "the participant has opened it"
    if there.arm_id != (config.arm.pk if config.arm else None):
        return "kept", "it was given in another arm"
    if config.made is None:
        return "kept", "it was given with paths; without, the arm would have to be given anew"
    return "replaced", ""
