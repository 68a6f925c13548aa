"""Links that show a study's screens with made-up cases to whoever holds them: made, and revoked, by staff."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from experiments.actions.common import clean
from experiments.models import Experiment, PreviewLink, ProtocolVersion

MOST_DAYS = 90
MOST_LINKS = 50


@dataclass(frozen=True, slots=True)
class MadeLink:
    """`secret` is known now and never again: only its hash is stored."""

    link: PreviewLink
    secret: str


def make_preview_link(
    *, experiment: Experiment, label: str, days: int, by: Any, protocol: ProtocolVersion | None = None
) -> MadeLink:
    """A link that is good for so many days, at most 90. It shows a protocol version as it was frozen; without one the
    working design as it is when it is looked at."""
    if protocol is not None and protocol.experiment_id != experiment.pk:
        message = "This protocol version belongs to another study."
        raise Invalid(message, errors={"protocol": [message]})
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"A link is good for 1 to {MOST_DAYS} days.", errors={"days": [f"From 1 to {MOST_DAYS} days."]})
    secret, now = secrets.token_urlsafe(32), timezone.now()
    link = PreviewLink(
        experiment=experiment,
        protocol=protocol,
        secret_hash=sha256_hex(secret),
        label=label.strip(),
        created_at=now,
        created_by=by,
        expires_at=now + timedelta(days=days),
    )
    with transaction.atomic():
        if PreviewLink.objects.usable().filter(experiment=experiment).count() >= MOST_LINKS:
            raise Conflict(f"The study has {MOST_LINKS} links already. Revoke some first.", code="too_many_links")
        clean(link, exclude=("created_by", "experiment", "protocol"))
        link.save(force_insert=True)
        shown = None if protocol is None else protocol.number
        _record("preview_link_made", link, by, expires_at=link.expires_at.isoformat(), protocol=shown)
    return MadeLink(link, secret)


def revoke_preview_link(*, link: PreviewLink, by: Any) -> None:
    """From now on the link shows nothing. Revoking twice changes nothing."""
    with transaction.atomic():
        if PreviewLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _record("preview_link_revoked", link, by)


def _record(action: str, link: PreviewLink, by: Any, **data: Any) -> None:
    data = {"label": link.label, **data}
    audit.record(action=action, by=by, target=link, data=data, experiment_id=link.experiment_id)
