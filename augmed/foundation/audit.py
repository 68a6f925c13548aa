"""The audit trail: append a chained event, verify the chain.

`record` takes a lock on the chain until the transaction ends, so call it last in an action.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from augmed.foundation.append_only import PERMIT_TABLE
from augmed.foundation.canonical import canonical_json, sha256_hex
from augmed.foundation.models import AuditEvent, ErasurePermit

GENESIS = "0" * 64
_CHAIN_LOCK = 4_150_117  # any number, the same everywhere: the advisory lock of the chain on PostgreSQL


def record(
    *,
    action: str,
    by: Any,
    target: models.Model | tuple[str, object],
    data: dict[str, Any] | None = None,
    experiment_id: int | None = None,
) -> AuditEvent:
    """Append one event in the caller's transaction. `by` is a user or None for the system itself.

    `data` holds plain values (no float, no personal field by value, no answer); the API key that `by` came by joins."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An audit event belongs into the transaction of what it tells of.")
    _lock_chain()
    last = AuditEvent.objects.order_by("-sequence").values_list("sequence", "hash").first()
    sequence, previous_hash = (last[0] + 1, last[1]) if last else (1, GENESIS)
    target_type, target_id = target if isinstance(target, tuple) else (target._meta.label_lower, target.pk)
    event = AuditEvent(
        sequence=sequence,
        at=timezone.now(),
        actor="system" if by is None else str(by.pk),
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        experiment_id=experiment_id,
        data=canonical_json({**(data or {}), **_key_of(by)}),
        previous_hash=previous_hash,
    )
    event.hash = _hash(event)
    event.save(force_insert=True)
    return event


def _key_of(by: Any) -> dict[str, int]:
    key = getattr(by, "api_key_id", None)
    return {} if key is None else {"api_key": key}


@dataclass(frozen=True)
class BrokenLink:
    sequence: int
    reason: str


def verify(seen: Callable[[int], None] | None = None) -> Iterator[BrokenLink]:
    """Walk the whole chain and yield every place where it does not hold. Streams; one query.

    `seen` is told the sequence of every event walked over."""
    expected_sequence, expected_hash = 1, GENESIS
    for event in AuditEvent.objects.order_by("sequence").iterator(chunk_size=2000):
        if seen is not None:
            seen(event.sequence)
        if event.sequence != expected_sequence:
            yield BrokenLink(event.sequence, f"expected event {expected_sequence}: events are missing before this one")
        if event.previous_hash != expected_hash:
            yield BrokenLink(event.sequence, "does not carry the hash of the event before")
        if event.hash != _hash(event):
            yield BrokenLink(event.sequence, "its content does not match its hash")
        expected_sequence, expected_hash = event.sequence + 1, event.hash


def left_permits() -> str | None:
    """What to say where a permit to erase outlived its transaction, or None. With one, facts may have been changed that
    the chain knows nothing of."""
    count = ErasurePermit.objects.count()
    if not count:
        return None
    return f"{count} permits to erase were left behind (table {PERMIT_TABLE}): facts may have been changed unrecorded."


def _lock_chain() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])


def _hash(event: AuditEvent) -> str:
    return sha256_hex(
        canonical_json(
            [
                event.sequence,
                event.at.astimezone(UTC).isoformat(timespec="microseconds"),
                event.actor,
                event.action,
                event.target_type,
                event.target_id,
                event.experiment_id,
                event.data,
                event.previous_hash,
            ]
        )
    )
