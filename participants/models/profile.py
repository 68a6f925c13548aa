from __future__ import annotations

from django.conf import settings
from django.db import models


class Profile(models.Model):
    """The personal fields of an account, and what the roster says of the person (frozen into an Enrolment's intake)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="profile")
    name = models.CharField(max_length=512, blank=True)
    position = models.CharField(max_length=512, blank=True)
    employer = models.CharField(max_length=512, blank=True)
    area_of_clinical_experience = models.CharField(max_length=512, blank=True)
    language = models.CharField(max_length=10, blank=True, help_text="of screens and mails; empty: the browser's")
    intake = models.JSONField(
        default=dict, blank=True, help_text="Attributes by name, for example profession or years in practice."
    )

    def __str__(self) -> str:
        return self.name or f"Profile {self.pk}"
