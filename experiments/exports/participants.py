"""The tables of enrolments and of assignments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Min, OuterRef, Subquery

from augmed.foundation.canonical import canonical_json
from experiments.actions.submissions import plain
from experiments.exports.cells import Column
from experiments.exports.study import Study
from experiments.exports.tables import Table, at, instant, table
from experiments.models import Assignment, ConsentRecord, Enrolment, EnrolmentEvent

Status = Enrolment.Status


def enrolments_table(study: Study) -> Table:
    by_arm, identified = study.visible.by_arm, study.scope.rights.identified
    status = "Of the enrolment." if by_arm else "Of the enrolment; completed is given as active: arms are masked."
    listed = [
        Column("pseudonym", "text", "Random, drawn once."),
        Column("email", "text", "Of the participant.") if identified else None,
        Column("kind", "text", "Previews and training are never exported.", allowed=(Enrolment.Kind.REAL.value,)),
        Column("status", "text", status, allowed=tuple(Status.values)),
        Column("arrival", "integer", "1, 2, 3 ... in order of arrival.") if by_arm else None,
        Column("stratum", "json", "Stratifying attributes as frozen at enrolment; empty: not stratified."),
        Column("intake", "json", "Attributes of the person as frozen at enrolment."),
        Column("joined_at", study.time_type, f"Enrolled, {study.time_words}."),
        Column("consent_given_at", study.time_type, "Consent given, the latest."),
        Column("consent_document", "text", "Which version of which text was agreed to, the latest; empty: not said."),
        Column("withdrawn_at", study.time_type, "Withdrew: as the consent says, or as recorded, whichever is earlier."),
        Column("completed_at", study.time_type, "Answered the last review.") if by_arm else None,
        Column("erased_at", study.time_type, "The answers were blanked."),
    ]
    columns = [column for column in listed if column is not None]
    about = "One row per real enrolment."
    return table("enrolments", about, columns, lambda: _enrolment_rows(study))


_ENROLMENT = (
    *("pk", "kind", "status", "arrival", "stratum", "intake", "joined_at"),
    *("given", "agreed_to", "consent_withdrawn", "left", "completed", "erased_at"),
)


def _enrolment_rows(study: Study) -> Iterator[list[Any]]:
    by_arm, time = study.visible.by_arm, study.time
    given = ConsentRecord.objects.filter(enrolment=OuterRef("pk"), kind=ConsentRecord.Kind.GIVEN).order_by("-at")
    withdrawn = ConsentRecord.objects.filter(enrolment=OuterRef("pk"), kind=ConsentRecord.Kind.WITHDRAWN)
    rows = (
        study.scope.enrolments.order_by("arrival", "pk")
        .annotate(
            given=Subquery(given.values("at")[:1]),
            agreed_to=Subquery(given.values("document")[:1]),
            consent_withdrawn=_first(withdrawn),
            left=_first(_event(Status.WITHDRAWN)),
            completed=_first(_event(Status.COMPLETED)),
        )
        .values_list(*_ENROLMENT)
    )
    for (
        pk, kind, status, arrival, stratum, intake, joined, consent, agreed_to, consent_withdrawn, left, completed,
        erased,
    ) in rows.iterator(chunk_size=2000):  # fmt: skip
        person = study.scope.people[pk]
        values: list[Any] = [person.pseudonym]
        if study.scope.rights.identified:
            values.append(person.email)
        if not by_arm and status == Status.COMPLETED:
            status = Status.ACTIVE.value
        values += (kind, status)
        if by_arm:
            values.append(arrival)
        values += (stratum or None, None if person.withheld else canonical_json(plain(intake)))
        gone = min((when for when in (consent_withdrawn, left) if when is not None), default=None)
        values += (time(joined), time(consent), agreed_to or None, time(gone))
        if by_arm:
            values.append(time(completed))
        yield [*values, time(erased)]


def _event(status: str) -> Any:
    return EnrolmentEvent.objects.filter(enrolment=OuterRef("pk"), status=status)


def _first(rows: Any) -> Subquery:
    return Subquery(rows.order_by().values("enrolment").annotate(first=Min(F("at"))).values("first"))


def assignments_table(study: Study) -> Table:
    by_arm = study.visible.by_arm
    listed = [
        Column("pseudonym", "text", "Of the participant."),
        Column("position", "integer", "Place in the participant's order; with pseudonym the key of a row."),
        Column("case_number", "integer", "The case."),
        Column("arm", "text", "Key of the arm; empty where a CSV named none.", allowed=tuple(study.arm_keys.values()))
        if by_arm
        else None,
        Column("period", "integer", "Period."),
        Column("replicate", "integer", "Replicate."),
        Column("drawn_by", "text", "What made the assignment.", allowed=tuple(Assignment.DrawnBy.values)),
        Column("rule", "text", "Allocation rule of the draw.") if by_arm else None,
        Column("rule_version", "integer", "Version of the rule.") if by_arm else None,
        Column("run", "integer", "The draw, as verify_allocation names it.") if by_arm else None,
        Column("marginal_probability", "number", "Of this arm, before any draw.") if by_arm else None,
        Column("conditional_probability", "number", "Of this arm, given the block's earlier draws.")
        if by_arm
        else None,
        Column("available_from", study.time_type, "Before this nobody could open it; empty: from the start."),
        Column("assigned_at", study.time_type, f"When it was made, {study.time_words}."),
    ]
    columns = [column for column in listed if column is not None]
    about = "One row per assignment: that a participant is to read a case."
    return table("assignments", about, columns, lambda: _assignment_rows(study))


_TIMES = {"available": at("available_from"), "made": at("created_at")}
_ASSIGNMENT = (
    *("enrolment_id", "position", "case_id", "arm_id", "period", "replicate", "drawn_by"),
    *("run__rule", "run__rule_version", "run_id", "marginal_probability", "conditional_probability"),
    *_TIMES,
)


def _assignment_rows(study: Study) -> Iterator[list[Any]]:
    time = study.time
    rows = Assignment.objects.filter(enrolment__in=study.scope.enrolments.order_by().values("pk")).order_by("pk")
    for row in rows.annotate(**_TIMES).values_list(*_ASSIGNMENT).iterator(chunk_size=2000):
        enrolment, position, case, arm, period, replicate, drawn_by, *draw, available, made = row
        values: list[Any] = [study.scope.people[enrolment].pseudonym, position, study.case_numbers[case]]
        if study.visible.by_arm:
            values.append(study.arm_keys.get(arm))
        values += (period, replicate, drawn_by)
        if study.visible.by_arm:
            values += draw
        yield [*values, time(instant(available)), time(instant(made))]
