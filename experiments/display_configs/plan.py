"""What an upload of display configs would do, worked out with a number of queries that does not grow with its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db.models import Exists, Max, OuterRef

from cases.models import Case, CaseSnapshot
from experiments.display_configs.sets import ConfigSet, SetMaker, layout_paths, study_version
from experiments.display_configs.written import ParsedFile, RowError, WrittenConfig
from experiments.models import Arm, Assignment, AssignmentDisclosure, Enrolment, Experiment, ReviewOpening
from participants.models import User

Outcome = Literal["added", "replaced", "unchanged", "kept"]
_CLOSED = {Enrolment.Status.WITHDRAWN, Enrolment.Status.DECLINED}


@dataclass(slots=True)
class PlannedConfig:
    """One (study, participant, case) and what becomes of it; `made` None discloses what the arm does."""

    written: WrittenConfig
    user_id: int
    case: Case
    experiment: Experiment
    arm: Arm | None
    made: ConfigSet | None
    outcome: Outcome = "added"
    reason: str = ""
    assignment_id: int | None = None

    @property
    def row(self) -> int:
        return self.written.row

    @property
    def email(self) -> str:
        return self.written.user

    @property
    def policy(self) -> str:
        return self.written.policy

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
    users = _users({written.user for written in parsed.configs.values()})
    arms = _arms(studies.values())
    makers = _makers(studies.values(), cases.values())
    seen: dict[tuple[int, int, int], int] = {}
    wrong = {error.row for error in parsed.errors}
    for written in parsed.configs.values():
        if wrong and not wrong.isdisjoint([written.row, *(path.row for path in written.paths)]):
            continue
        found = _look_up(written, studies, users, cases, refused, arms, plan.errors)
        if found is None:
            continue
        experiment, user_id, case, arm = found
        made = _made(written, case, arm, makers.get(experiment.pk), plan.errors)
        if made is False:
            continue
        config = PlannedConfig(written, user_id, case, experiment, arm, made)
        first = seen.setdefault(config.place, config.row)
        if first != config.row:
            text = f"{written.case_number} is the same case as in row {first}, under another number"
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
        contents = dict(snapshots.order_by("number").values_list("case_id", "content"))
        makers[study.pk] = SetMaker(layout_paths(version), contents)
    return makers


def _no_study(code: str) -> str:
    if code:
        return f"no study {code!r} whose design you may change"
    return "names no study, and you may not change the one for display configs without a name"


def _look_up(
    row: WrittenConfig,
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
        errors.append(RowError(row.row, "Experiment", _no_study(row.experiment)))
    elif problem := _not_open(experiment):
        errors.append(RowError(row.row, "Experiment", problem))
    if user is None or not user[1]:
        said = "is not on the roster" if user is None else "is deactivated"
        errors.append(RowError(row.row, "User", f"{row.user!r} {said}"))
    if case is None and experiment is not None:  # visits are put forward under a study's layout
        reason = refused.get(row.case_number, "there is no case and no visit of this number")
        errors.append(RowError(row.row, "Case No.", f"{row.case_number}: {reason}"))
    arm, stages = arms.get((experiment.pk, row.arm), (None, 0)) if experiment and row.arm else (None, 0)
    if experiment and row.arm and (arm is None or not stages):
        errors.append(RowError(row.row, "Arm", f"the study has no arm {row.arm!r} in its protocol"))
    if len(errors) > count or experiment is None or user is None or case is None:
        return None
    if arm is not None and row.paths and stages > 1:
        text = f"{arm.name!r} has {stages} stages, a file can say only one: leave Path empty for what the arm discloses"
        errors.append(RowError(row.row, "Path", text))
        return None
    return experiment, user[0], case, arm


def _not_open(experiment: Experiment) -> str:
    if experiment.status in {Experiment.Status.ACTIVE, Experiment.Status.PAUSED}:
        return ""
    return f"the study is {experiment.get_status_display()}; cases can be given out only while it runs"


def _made(
    written: WrittenConfig, case: Case, arm: Arm | None, maker: SetMaker | None, errors: list[RowError]
) -> ConfigSet | Literal[False] | None:
    """The set of the paths; None where the arm decides; False where there are errors."""
    if not written.paths and arm is not None:
        return None
    if maker is None or case.pk not in maker.contents:
        errors.append(
            RowError(
                written.row,
                "Case No.",
                f"{case.number}: no snapshot under the study's layout (`manage.py make_cases` makes it)",
            )
        )
        return False
    made = maker.make(case.pk, written.paths)
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
    enrolled = [config for config in plan.configs if _may_be_given(config, plan)]
    plan.configs = enrolled
    given: list[tuple[PlannedConfig, _There]] = []
    for config in enrolled:
        enrolment = plan.enrolments.get((config.experiment.pk, config.user_id))
        assignment = there.get(config.place)
        if assignment is None:
            if enrolment is not None and enrolment.status in _CLOSED:
                config.outcome, config.reason = "kept", f"the participant has {enrolment.get_status_display()}"
        else:
            config.assignment_id = assignment.pk
            given.append((config, assignment))
    same = _said_before(enrolments, {assignment.pk: config for config, assignment in given})
    for config, assignment in given:
        config.outcome, config.reason = _outcome(config, assignment, same.get(assignment.pk))


def _may_be_given(config: PlannedConfig, plan: UploadPlan) -> bool:
    """Only the display configs enrol people by themselves."""
    if config.experiment.kind == Experiment.Kind.CONFIGS or (config.experiment.pk, config.user_id) in plan.enrolments:
        return True
    plan.errors.append(RowError(config.row, "User", f"{config.email!r} is not enrolled in the study"))
    return False


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


def _said_before(enrolments: Any, configs: dict[int, PlannedConfig]) -> dict[int, bool]:
    """Whether the last disclosure of each of these assignments is what its config says now; nothing where there is
    none. Read in pieces: the files' own words are long."""
    said = AssignmentDisclosure.objects.filter(assignment__enrolment__in=enrolments, stage_position=1).order_by()
    last = said.values("assignment").annotate(last=Max("pk")).values("last")
    columns = ("assignment_id", "disclosure_set__sha256", "disclosure_set__case_id", "policy", "paths")
    found: dict[int, bool] = {}
    for pk, *before in AssignmentDisclosure.objects.filter(pk__in=last).order_by().values_list(*columns).iterator():
        config = configs.get(pk)
        if config is not None:
            made = config.made
            found[pk] = made is not None and before == [*made.key, config.policy, made.paths]
    return found


def _outcome(config: PlannedConfig, there: _There, same: bool | None) -> tuple[Outcome, str]:
    """`same` None: nothing is disclosed but what the arm does."""
    if there.drawn_by != Assignment.DrawnBy.CSV:
        return "kept", "it was not given by a file"
    unchanged = same is None if config.made is None else same is True
    if unchanged and there.arm_id == (config.arm.pk if config.arm else None):
        return "unchanged", ""
    if there.opened:
        return "kept", "the participant has opened it"
    if there.arm_id != (config.arm.pk if config.arm else None):
        return "kept", "it was given in another arm"
    if config.made is None:
        return "kept", "it was given with paths; without, the arm would have to be given anew"
    return "replaced", ""
