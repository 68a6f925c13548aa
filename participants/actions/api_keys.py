"""API keys: made by their owners for scripts, shown once, revoked by the owner or an administrator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, FieldErrors, Forbidden, Invalid
from augmed.foundation.permissions import Verb
from participants.models import KEY_VERBS, ApiKey, User

LONGEST_LIFE = timedelta(days=366)
_PREFIX_LENGTH = 12  # "augmed_" and five characters of the secret, of which 38 stay unknown


@dataclass(frozen=True)
class NewKey:
    """The one moment at which the secret is known."""

    key: ApiKey
    secret: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.prefix}…)"  # never the secret, wherever this is printed


@transaction.atomic
def create_api_key(*, owner: User, label: str, scopes: Iterable[Verb], expires_at: datetime, by: User) -> NewKey:
    """A key of one's own. A key cannot make keys, or one that leaked could outlive its revocation."""
    if by.pk != owner.pk or by.api_key_id is not None:
        raise Forbidden("A key is made by its owner, signed in with a password.")
    if not (owner.is_active and owner.is_staff):
        raise Conflict("Only those who may open the administration can have API keys.", code="not_staff")
    label, wanted = label.strip(), frozenset(scopes)
    if errors := _mistakes(label, wanted, expires_at):
        raise Invalid("The key was not made.", errors=errors)
    secret = f"augmed_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        owner=owner,
        label=label,
        prefix=secret[:_PREFIX_LENGTH],
        secret_hash=sha256_hex(secret),
        scopes=[verb.value for verb in KEY_VERBS if verb in wanted],
        expires_at=expires_at,
    )
    data = {"owner": owner.pk, "scopes": key.scopes, "expires_at": expires_at.isoformat()}
    audit.record(action="api_key_created", by=by, target=key, data=data)
    return NewKey(key, secret)


@transaction.atomic
def revoke_api_key(*, key: ApiKey, by: User | None) -> None:
    """End a key at once, and for good."""
    if by is not None and by.pk != key.owner_id and not by.may(Verb.MANAGE_ACCOUNTS):
        raise Forbidden("This is another person's key.")
    if not _revoke(key):
        raise Conflict("The key was revoked before.", code="revoked")
    audit.record(action="api_key_revoked", by=by, target=key, data={"owner": key.owner_id})


def revoke_all_api_keys(*, owner: User) -> list[int]:
    """End every key of an account, inside the action that ends its access; the ids, for that action's audit event."""
    return [key.pk for key in ApiKey.objects.unrevoked().filter(owner=owner).order_by("pk") if _revoke(key)]


def _revoke(key: ApiKey) -> bool:
    key.revoked_at = timezone.now()
    return bool(ApiKey.objects.unrevoked().filter(pk=key.pk).update(revoked_at=key.revoked_at))


def _mistakes(label: str, scopes: frozenset[Verb], expires_at: datetime) -> FieldErrors:
    errors: dict[str, list[str]] = {}
    if not 0 < len(label) <= 100:
        errors["label"] = ["Say in at most 100 characters what uses the key."]
    if not scopes or scopes - set(KEY_VERBS):
        errors["scopes"] = ["Choose what the key may do."]
    now = timezone.now()
    if not now < expires_at <= now + LONGEST_LIFE:
        errors["expires_at"] = [f"Choose a day within the next {LONGEST_LIFE.days} days."]
    return errors
