from __future__ import annotations

from django.db import models
from django.utils import timezone

from experiments.models.enrolment import Enrolment
from experiments.models.questionnaire import Question, QuestionnaireVersion


class IntakeSubmission(models.Model):
    """That a reader answered the study's questions about themselves. Append-only; the first answer is final."""

    enrolment = models.OneToOneField(Enrolment, on_delete=models.PROTECT, primary_key=True, related_name="intake_given")
    questionnaire_version = models.ForeignKey(QuestionnaireVersion, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(default=timezone.now)
    answers_sha256 = models.CharField(max_length=64, help_text="of the canonical answers")
    language = models.CharField(max_length=10, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Intake of enrolment {self.enrolment_id}"


class IntakeAnswer(models.Model):
    """The answer to one question about the reader. Append-only. `value` is canonical JSON, blank once erased."""

    submission = models.ForeignKey(IntakeSubmission, on_delete=models.PROTECT, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="+")
    question_key = models.CharField(max_length=80)
    value = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "question_key"], name="intake_answer_once_per_question"),
        ]

    def __str__(self) -> str:
        return self.question_key
