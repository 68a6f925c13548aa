from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from augmed.foundation.permissions import Verb

# What a key may be given: the work of scripts in studies and on the roster. Nothing that gives rights, erases, reads
# the audit trail or opens the clinical data.
KEY_VERBS: tuple[Verb, ...] = (
    Verb.VIEW_EXPERIMENT,
    Verb.VIEW_PROGRESS,
    Verb.EXPORT,
    Verb.EXPORT_IDENTIFIED,
    Verb.VIEW_OUTCOME,
    Verb.VIEW_OUTCOME_BY_ARM,
    Verb.VIEW_ARM,
    Verb.VIEW_ALLOCATION,
    Verb.VIEW_REFERENCE,
    Verb.CREATE_EXPERIMENT,
    Verb.CHANGE_DESIGN,
    Verb.CHANGE_STATUS,
    Verb.MANAGE_ENROLMENT,
    Verb.MANAGE_ACCOUNTS,
)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def visible_to(self, user: Any) -> ApiKeyQuerySet:
        """All keys for those who manage accounts, everybody else's own."""
        return self if user.may(Verb.MANAGE_ACCOUNTS) else self.filter(owner=user)

    def unrevoked(self) -> ApiKeyQuerySet:
        return self.filter(revoked_at=None)

    def usable(self) -> ApiKeyQuerySet:
        """Neither revoked nor too old, and its owner is active."""
        return self.unrevoked().filter(expires_at__gt=timezone.now(), owner__is_active=True)


class ApiKey(models.Model):
    """Lets a script act for its owner without a log-in: never more than the owner may, and no more than `scopes`.

    Only a hash of the secret is stored. The secret holds 256 random bits, so a fast hash is enough."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys")
    label = models.CharField(max_length=100, help_text="What uses the key, for example: nightly analysis.")
    prefix = models.CharField(max_length=16, editable=False, help_text="how the secret begins, to tell keys apart")
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(help_text="verbs")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the hour")

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="api_key_expires_after_it_was_made"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.label})"

    @property
    def verbs(self) -> frozenset[Verb]:
        """The scopes as verbs; one that keys may no longer have gives nothing."""
        return frozenset(verb for verb in KEY_VERBS if verb.value in self.scopes)
