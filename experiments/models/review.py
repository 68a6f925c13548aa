from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from cases.models import CaseSnapshot
from experiments.models.allocation import Assignment
from experiments.models.attention import AttentionCheck
from experiments.models.design import DisclosureSet, ProtocolVersion
from experiments.models.querysets import ReviewEventQuerySet, ReviewQuerySet
from experiments.models.questionnaire import Question, QuestionnaireVersion


class Review(models.Model):
    """One reading: an assignment at one stage. `public_id` is the only id in participants' addresses. Append-only."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="reviews")
    stage_position = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["assignment", "stage_position"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "stage_position"], name="review_once_per_stage"),
        ]

    def __str__(self) -> str:
        return self.public_id.hex


class ReviewOpening(models.Model):
    """What a review bound at its first opening, once and for ever. Append-only.

    What came over from AugMed was disclosed there: it has neither snapshot nor set nor hash, only AugMed's own record
    of its paths, and so nothing that verification could compute again."""

    review = models.OneToOneField(Review, on_delete=models.PROTECT, primary_key=True, related_name="opening")
    opened_at = models.DateTimeField(default=timezone.now)
    snapshot = models.ForeignKey(CaseSnapshot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    disclosure_set = models.ForeignKey(DisclosureSet, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    questionnaire_version = models.ForeignKey(QuestionnaireVersion, on_delete=models.PROTECT, related_name="+")
    attention_check = models.ForeignKey(
        AttentionCheck, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, null=True, related_name="+")
    disclosed_sha256 = models.CharField(max_length=64, blank=True)
    engine_version = models.CharField(max_length=16, blank=True)
    language = models.CharField(max_length=10, blank=True, help_text="in which the study's texts were shown first")
    recorded_disclosure = models.TextField(
        blank=True, help_text="AugMed's record of what it disclosed, as JSON; only where the review came from there"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    snapshot__isnull=False,
                    disclosure_set__isnull=False,
                    recorded_disclosure="",
                )
                & ~models.Q(disclosed_sha256="")
                & ~models.Q(engine_version="")
                | models.Q(snapshot=None, disclosure_set=None, protocol=None, disclosed_sha256="", engine_version="")
                & ~models.Q(recorded_disclosure=""),
                name="an_opening_is_ours_or_recorded_by_augmed",
            ),
        ]

    def __str__(self) -> str:
        return f"Opening of {self.review_id}"


class Submission(models.Model):
    """That a review was answered. Append-only; the first answer is final."""

    review = models.OneToOneField(Review, on_delete=models.PROTECT, primary_key=True, related_name="submission")
    submitted_at = models.DateTimeField(default=timezone.now)
    answers_sha256 = models.CharField(max_length=64, help_text="of the canonical answers")
    client_data = models.TextField(blank=True, help_text="canonical JSON of what the client says; never decides")
    erased_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Submission of review {self.review_id}"


class Answer(models.Model):
    """The answer to one question. Append-only. `value` is canonical JSON."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")
    question_key = models.CharField(max_length=80)
    value = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "question_key"], name="answer_once_per_question"),
        ]

    def __str__(self) -> str:
        return self.question_key


class ReviewDraft(models.Model):
    """Answers as they are being typed, to go on with on any device. No fact: overwritten, and gone once answered."""

    review = models.OneToOneField(Review, on_delete=models.CASCADE, primary_key=True, related_name="draft")
    answers = models.TextField(default="{}", help_text="JSON: what stands in the form, by question key")
    revision = models.PositiveIntegerField(default=0, help_text="raised by every save, so that a stale page is noticed")
    page_session = models.UUIDField(null=True, blank=True, help_text="the page that saved last")
    saved_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Draft of review {self.review_id}"


class ReviewEvent(models.Model):
    """What the participant did, or the server on their behalf (then without page session). Append-only."""

    class Kind(models.TextChoices):
        OPENED = "opened", "opened"  # the server's
        SUBMITTED = "submitted", "submitted"  # the server's
        SUBMIT_REPEATED = "submit_repeated", "the same answer again"  # the server's
        SUBMIT_REFUSED = "submit_refused", "a different second answer"  # the server's
        FEATURE_REVEALED = "feature_revealed", "hidden feature asked for"  # the server's
        CASE_OPENED = "case_opened", "case opened"
        ANSWER_OPENED = "answer_opened", "answer form opened"
        ANSWER_SUBMITTED = "answer_submitted", "answer sent"
        FEATURE_SHOWN = "feature_shown", "feature shown"
        FEATURE_OPENED = "feature_opened", "feature opened"
        FEATURE_CLOSED = "feature_closed", "feature closed"
        FEATURE_VISIBLE = "feature_visible", "feature visible"
        QUESTION_CHANGED = "question_changed", "question changed"
        FOCUS = "focus", "window focused"
        BLUR = "blur", "window left"
        IDLE = "idle", "nothing done for a while"
        RESUMED = "resumed", "something done again"
        OFFLINE = "offline", "connection lost"
        ONLINE = "online", "connection back"
        SEARCHED = "searched", "case searched"
        PAGE_CLOSED = "page_closed", "page closed"

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="events")
    page_session = models.UUIDField(null=True, blank=True)
    sequence = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    feature = models.CharField(max_length=400, blank=True, help_text="node key, then '|' and the discriminator if any")
    question_key = models.CharField(max_length=80, blank=True)
    client_at = models.DateTimeField(null=True, blank=True)
    client_offset_minutes = models.SmallIntegerField(null=True, blank=True)
    server_at = models.DateTimeField(default=timezone.now)
    data = models.TextField(blank=True, help_text="canonical JSON")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ReviewEventQuerySet.as_manager()

    class Meta:
        ordering = ["review", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["review", "page_session", "sequence"], name="review_event_once"),
            models.CheckConstraint(
                condition=models.Q(page_session=None, sequence=None)
                | models.Q(page_session__isnull=False, sequence__isnull=False),
                name="client_events_are_numbered",
            ),
            models.UniqueConstraint(
                fields=["review", "feature"],
                condition=models.Q(kind="feature_revealed"),
                name="feature_revealed_once",  # also serves "what of this review was asked for"
            ),
        ]

    def __str__(self) -> str:
        return self.kind
