from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from augmed.foundation.permissions import Verb
from experiments.models.experiment import Experiment


def new_pseudonym() -> str:
    """Random, drawn once; says nothing of the person or of the order of arrival."""
    return f"P-{secrets.token_hex(5).upper()}"


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def visible_to(self, user: Any) -> EnrolmentQuerySet:
        return self.filter(experiment__in=Experiment.objects.where_may(user, Verb.VIEW_PROGRESS))

    def real(self) -> EnrolmentQuerySet:
        """The only door to allocation, counts and exports: no training, no preview."""
        return self.filter(kind=Enrolment.Kind.REAL)

    def active(self) -> EnrolmentQuerySet:
        return self.filter(status=Enrolment.Status.ACTIVE)

    def with_status_for(self, user: Any) -> EnrolmentQuerySet:
        """Annotated with `status_seen`: who may not see the allocation reads "active" for "completed", which comes
        later to those whose arm goes on after what all arms have in common (a masked export says the same)."""
        unmasked = Experiment.objects.where_may(user, Verb.VIEW_ALLOCATION).order_by().values("pk")
        completed = Q(status=Enrolment.Status.COMPLETED)
        seen = Case(When(completed & ~Q(experiment__in=unmasked), then=Value("active")), default=F("status"))
        return self.annotate(status_seen=seen)


class Enrolment(models.Model):
    """One person in one study. `status` is the last of its dated EnrolmentEvents."""

    class Kind(models.TextChoices):
        REAL = "real", "real"
        TRAINING = "training", "training"
        PREVIEW = "preview", "preview"

    class Status(models.TextChoices):
        AWAITING_CONSENT = "awaiting_consent", "awaiting consent"
        ACTIVE = "active", "active"
        COMPLETED = "completed", "completed"
        DECLINED = "declined", "declined"
        WITHDRAWN = "withdrawn", "withdrawn"

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="enrolments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="enrolments")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.REAL)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.AWAITING_CONSENT)
    arrival = models.PositiveIntegerField(null=True, blank=True, help_text="1, 2, 3 … in order of arrival")
    stratum = models.CharField(max_length=500, blank=True, help_text="canonical JSON of the stratifying attributes")
    intake = models.JSONField(default=dict, blank=True, help_text="attributes as they were at enrolment")
    pseudonym = models.CharField(max_length=32, unique=True, default=new_pseudonym, editable=False)
    joined_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    instructions_read_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="when the participant said so"
    )
    reminders_off_at = models.DateTimeField(null=True, blank=True, help_text="since when no reminders are wanted")
    asked_again = models.ForeignKey(
        "experiments.ConsentDocument",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        help_text="took part already, and goes on once this version of the consent form, or a newer one, is signed",
    )
    preview_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        help_text="whose cases and arms a preview shows",
    )

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        ordering = ["experiment", "arrival", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "user", "kind"], condition=~Q(kind="preview"), name="enrolment_once"
            ),
            models.UniqueConstraint(fields=["experiment", "arrival"], name="enrolment_arrival_once"),
            models.CheckConstraint(
                condition=Q(kind="real", arrival__isnull=False) | (~Q(kind="real") & Q(arrival=None)),
                name="only_real_enrolments_arrive",
            ),
            models.CheckConstraint(
                condition=Q(asked_again=None) | Q(status="awaiting_consent"), name="asked_again_awaits_consent"
            ),
            models.CheckConstraint(
                condition=Q(preview_of=None) | Q(kind="preview"), name="only_previews_are_of_another_enrolment"
            ),
        ]
        indexes = [models.Index(fields=["user", "status"], name="enrolment_by_user")]

    def __str__(self) -> str:
        return self.pseudonym

    def move_to(self, status: str) -> None:
        """Store another status. Whoever was asked to sign again is no longer. The caller records the event."""
        self.status, self.asked_again = status, None
        self.save(update_fields=["status", "asked_again"])


class EnrolmentEvent(models.Model):
    """A dated change of an enrolment's status. Append-only."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="events")
    status = models.CharField(max_length=20, choices=Enrolment.Status.choices)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["enrolment", "at", "pk"]

    def __str__(self) -> str:
        return self.get_status_display()


class ConsentRecord(models.Model):
    """Consent given, declined or withdrawn; here or elsewhere (then recorded by import). Append-only."""

    class Kind(models.TextChoices):
        GIVEN = "given", "given"
        DECLINED = "declined", "declined"
        WITHDRAWN = "withdrawn", "withdrawn"

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    document = models.CharField(max_length=200, blank=True, help_text="which version of which text")
    given_elsewhere = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now, help_text="when it was given, declined or withdrawn")
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["enrolment", "recorded_at", "pk"]

    def __str__(self) -> str:
        return self.get_kind_display()


class ConsentDocument(models.Model):
    """One version of what participants of a study sign. Append-only; the newest counts for who has not signed yet.

    `text` is plain text: a blank line begins a paragraph, a line that begins with "- " is an item of a list.
    `asks_again`: whether those who took part when it was published have to sign it; None: nobody did. `what_changed` is
    for them."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="consent_documents")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField()
    asks_again = models.BooleanField(null=True, blank=True)
    what_changed = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["experiment", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "number"], name="consent_document_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.title} (version {self.number})"


class ConsentWording(models.Model):
    """The words of a consent document as they were on the page when somebody signed, once for each language and each
    wording: a translation may change, what was signed must be found again. Append-only."""

    document = models.ForeignKey(ConsentDocument, on_delete=models.PROTECT, related_name="wordings")
    language = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64, help_text="of title and text")
    title = models.TextField()
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "language", "sha256"], name="consent_wording_once"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"


class ConsentSignature(models.Model):
    """How a consent was signed on the screens. Append-only. The name is personal: it is in no export, and an erasure
    blanks it. `text_sha256` is of the text as it was shown, in the language in which it was shown: the words are those
    of the document's ConsentWording with this hash."""

    record = models.OneToOneField(ConsentRecord, on_delete=models.PROTECT, primary_key=True, related_name="signature")
    document = models.ForeignKey(ConsentDocument, on_delete=models.PROTECT, related_name="signatures")
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=10)
    text_sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"Signature of consent {self.record_id}"


class Reminder(models.Model):
    """That a participant was reminded by e-mail. Append-only."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="reminders")
    sent_at = models.DateTimeField(default=timezone.now)
    cases_left = models.PositiveIntegerField()

    class Meta:
        ordering = ["enrolment", "sent_at", "pk"]
        indexes = [models.Index(fields=["enrolment", "-sent_at"], name="newest_reminder")]

    def __str__(self) -> str:
        return f"Reminder of enrolment {self.enrolment_id}"
