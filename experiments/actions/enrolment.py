"""Who takes part: arrival, consent, withdrawal. Each change of status is a dated fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.allocation import draw_pending, runs_for_audit
from experiments.actions.allocation_requests import draw_or_ask
from experiments.actions.common import locked, refuse_when_over
from experiments.actions.consent_again import go_on
from experiments.actions.erasure import end_training, erase_enrolment, erase_payloads, forget_drafts
from experiments.design.protocol import FrozenProtocol
from experiments.design.strata import asked_in_intake, stratum_of
from experiments.models import ConsentRecord, Enrolment, EnrolmentEvent, Experiment
from participants.models import Profile

__all__ = ["arrive_together", "enrol", "enrol_together", "erase_enrolment", "record_consent", "withdraw"]

Status = Enrolment.Status
_BATCH = 1000


def enrol(*, experiment: Experiment, user: Any, by: Any, kind: str = Enrolment.Kind.REAL) -> Enrolment:
    """Take a person into a study: arrival number, stratum and intake are those of this moment and stay.

    A real enrolment whose consent is settled is drawn at once when the study is active. Who is in already stays as
    they are, however often this is called. Constant number of queries but for the inserts of the draw."""
    if kind not in Enrolment.Kind.values:
        raise Invalid(f"There is no enrolment of kind {kind!r}.", errors={"kind": ["real, training or preview"]})
    if not user.is_active:
        raise Conflict("The account is deactivated.", code="account_inactive")
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        if kind != Enrolment.Kind.PREVIEW:
            there = Enrolment.objects.filter(experiment=study, user=user, kind=kind).first()
            if there is not None:
                return _unless_left(there)
        enrolment = _arrive(study, user, kind)
        _event(enrolment, by, "")
        runs = draw_pending(study, by=by, triggered_by="joining", only=enrolment)
        _record("enrolled", enrolment, by, {"kind": kind, "status": enrolment.status} | runs_for_audit(runs))
    return enrolment


def enrol_together(*, experiment: Experiment, users: Sequence[Any], by: Any) -> list[Enrolment]:
    """As `enrol` of each, in this order, in a number of queries that does not depend on them; those who are in already
    are left out of the result. Whoever else has cases to be drawn is drawn too."""
    if inactive := [user.pk for user in users if not user.is_active]:
        raise Conflict(f"{len(inactive)} of the accounts are deactivated.", code="account_inactive")
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        there = Enrolment.objects.real().filter(experiment=study, user__in=users)
        inside = {_unless_left(enrolment).user_id for enrolment in there}
        newcomers = dict.fromkeys(user.pk for user in users if user.pk not in inside)
        made = arrive_together(study, list(newcomers), by)
        runs = draw_or_ask(study, by=by, triggered_by="joining")
        data = {"enrolments": [enrolment.pk for enrolment in made]} | runs_for_audit(runs)
        audit.record(action="enrolled_together", by=by, target=study, data=data, experiment_id=study.pk)
    return made


def record_consent(
    *,
    enrolment: Enrolment,
    kind: str,
    by: Any,
    at: datetime | None = None,
    document: str = "",
    given_elsewhere: bool = False,
) -> ConsentRecord:
    """Write down that consent was given, declined or withdrawn, and when (default: now).

    Given, it opens the study to whoever waited for it, and their cases are drawn; withdrawn, the person withdraws. Who
    was asked to sign a newer version goes on by a consent of its day or later."""
    if kind == ConsentRecord.Kind.WITHDRAWN:
        withdraw(enrolment=enrolment, by=by, reason="Consent was withdrawn.", at=at, document=document, consent=True)
        return enrolment.consents.latest("recorded_at", "pk")
    with transaction.atomic():
        study = locked(enrolment.experiment)
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        record = note_consent(enrolment, kind, by=by, at=at, document=document, given_elsewhere=given_elsewhere)
        runs = draw_pending(study, by=by, triggered_by="consent", only=enrolment)
        _record("consent_recorded", enrolment, by, {"kind": kind} | runs_for_audit(runs))
    return record


def note_consent(
    enrolment: Enrolment, kind: str, *, by: Any, at: datetime | None, document: str, given_elsewhere: bool
) -> ConsentRecord:
    """As `record_consent`, for actions that hold the study's lock, then draw, and record their own audit event."""
    refuse_consent(enrolment, kind, at)
    record = ConsentRecord.objects.create(
        enrolment=enrolment,
        kind=kind,
        document=document,
        given_elsewhere=given_elsewhere,
        at=at or timezone.now(),
        recorded_by=by,
    )
    if kind == ConsentRecord.Kind.DECLINED:
        _set_status(enrolment, Status.DECLINED, by, "Consent was declined.")
    elif enrolment.status in (Status.AWAITING_CONSENT, Status.DECLINED) and not _is_too_old(record, enrolment):
        was_asked_again = enrolment.asked_again_id is not None
        _set_status(enrolment, Status.ACTIVE, by, "Consent was given.")
        if was_asked_again:
            go_on(enrolment, by=by)
    return record


def refuse_consent(enrolment: Enrolment, kind: str, at: datetime | None) -> None:
    """Raise what stands against recording this consent, if anything."""
    if kind not in (ConsentRecord.Kind.GIVEN, ConsentRecord.Kind.DECLINED):
        raise Invalid(f"Consent is given or declined, not {kind!r}.", errors={"kind": ["given or declined"]})
    if enrolment.status == Status.WITHDRAWN:
        raise Conflict("The person has withdrawn.", code="withdrawn")
    takes_part = enrolment.asked_again_id or enrolment.status not in (Status.AWAITING_CONSENT, Status.DECLINED)
    if kind == ConsentRecord.Kind.DECLINED and takes_part:
        raise Conflict("The person takes part already: consent is withdrawn, not declined.", code="takes_part")
    if at is not None and at > timezone.now():
        raise Invalid("Consent cannot lie in the future.", errors={"at": ["This time has not come yet."]})


def withdraw(
    *,
    enrolment: Enrolment,
    by: Any,
    reason: str,
    at: datetime | None = None,
    document: str = "",
    consent: bool = False,
    words: str = "",
) -> Enrolment:
    """The person leaves: a fact. With `consent`, or where consent was recorded, that it was taken back is written down
    too. What becomes of the data is the study's setting: exports act on it, but where it says
    erase, the answers are blanked here and now. `words`: the participant's own, which stay out of the audit trail."""
    if not reason.strip():
        raise Invalid("Say why.", errors={"reason": ["A reason is needed."]})
    with transaction.atomic():
        study = locked(enrolment.experiment)
        enrolment.refresh_from_db(from_queryset=Enrolment.objects.select_for_update())
        if enrolment.status == Status.WITHDRAWN:
            raise Conflict("The person has withdrawn already.", code="withdrawn")
        if consent or document or enrolment.consents.filter(kind=ConsentRecord.Kind.GIVEN).exists():
            ConsentRecord.objects.create(
                enrolment=enrolment,
                kind=ConsentRecord.Kind.WITHDRAWN,
                document=document,
                at=at or timezone.now(),
                recorded_by=by,
            )
        _set_status(enrolment, Status.WITHDRAWN, by, f"{reason} {words}".strip())
        end_training(enrolment, by)
        forget_drafts(enrolment)
        policy = withdrawal_policy(study)
        erased = erase_payloads(enrolment) if policy == Experiment.WithdrawalPolicy.ERASE else {}
        _record("withdrawn", enrolment, by, {"reason": reason, "policy": policy, **erased})
    return enrolment


def _is_too_old(record: ConsentRecord, enrolment: Enrolment) -> bool:
    """A consent from before the version that is to be signed is none to it: it is written down and opens nothing."""
    asked = enrolment.asked_again
    return asked is not None and timezone.localdate(record.at) < timezone.localdate(asked.created_at)


def withdrawal_policy(experiment: Experiment) -> str:
    """The setting in force: the protocol's, or the working design's before activation."""
    return (
        FrozenProtocol.of(experiment.protocol).withdrawal_policy
        if experiment.protocol
        else experiment.withdrawal_policy
    )


def _arrive(study: Experiment, user: Any, kind: str) -> Enrolment:
    """Store the enrolment with what is known of the person now. The study is locked, so numbers have no gap."""
    real = kind == Enrolment.Kind.REAL
    intake = Profile.objects.filter(user=user).values_list("intake", flat=True).first() or {}
    enrolment = _arrivals(study).enrolment(user.pk, intake, kind, study.next_arrival if real else None)
    enrolment.save(force_insert=True)
    if real:
        study.next_arrival += 1
        study.save(update_fields=["next_arrival"])
    return enrolment


def arrive_together(study: Experiment, people: Sequence[int], by: Any) -> list[Enrolment]:
    """Store real enrolments of these accounts, in this order, for actions that hold the study's lock, then draw, and
    record their own audit event. Four statements a thousand people."""
    intake = dict(Profile.objects.filter(user__in=people).values_list("user_id", "intake"))
    arrivals = _arrivals(study)
    made = Enrolment.objects.bulk_create(
        [
            arrivals.enrolment(person, intake.get(person) or {}, Enrolment.Kind.REAL, number)
            for number, person in enumerate(people, start=study.next_arrival)
        ],
        batch_size=_BATCH,
    )
    events = [EnrolmentEvent(enrolment=one, status=one.status, by=by) for one in made]
    EnrolmentEvent.objects.bulk_create(events, batch_size=_BATCH)
    study.next_arrival += len(made)
    study.save(update_fields=["next_arrival"])
    return made


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """What a study asks of those who arrive: the protocol in force, or the working design before activation."""

    study: Experiment
    strata: list[str]
    asked: frozenset[str]
    consent_required: bool

    def enrolment(self, person: int, intake: dict[str, Any], kind: str, arrival: int | None) -> Enrolment:
        real = kind == Enrolment.Kind.REAL
        return Enrolment(
            experiment=self.study,
            user_id=person,
            kind=kind,
            status=Status.AWAITING_CONSENT if self.consent_required and real else Status.ACTIVE,
            arrival=arrival,
            stratum=stratum_of(self.strata, intake, self.asked) if real else "",
            intake=intake,
        )


def _arrivals(study: Experiment) -> _Arrivals:
    if study.protocol is None:
        strata, consent_required = study.strata, study.consent_required
    else:
        protocol = FrozenProtocol.of(study.protocol)
        strata, consent_required = list(protocol.strata), protocol.consent_required
    return _Arrivals(study, strata, asked_in_intake(study) if strata else frozenset(), consent_required)


def _unless_left(enrolment: Enrolment) -> Enrolment:
    if enrolment.status in (Status.WITHDRAWN, Status.DECLINED):
        raise Conflict(f"The person has {enrolment.get_status_display()} already.", code=enrolment.status)
    return enrolment


def _set_status(enrolment: Enrolment, status: str, by: Any, reason: str) -> None:
    if enrolment.status == status:
        return
    enrolment.move_to(status)
    _event(enrolment, by, reason)


def _event(enrolment: Enrolment, by: Any, reason: str) -> None:
    EnrolmentEvent.objects.create(enrolment=enrolment, status=enrolment.status, reason=reason, by=by)


def _record(action: str, enrolment: Enrolment, by: Any, data: dict[str, Any]) -> None:
    audit.record(action=action, by=by, target=enrolment, data=data, experiment_id=enrolment.experiment_id)
