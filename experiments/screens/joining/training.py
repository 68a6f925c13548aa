"""Practice: the cases one by one on the pages of the real ones, then each answer beside what is held to be right."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, NotFound
from experiments.actions.training import begin_training
from experiments.languages.texts import texts_of_study
from experiments.models import Enrolment
from experiments.screens.joining.base import StudyScreen, go_on
from experiments.screens.joining.feedback import WITH_FEEDBACK, feedback, training_reviews
from experiments.screens.joining.steps import StepKind


class Training(StudyScreen):
    template = "screens/joining/training.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment: Any = self.found(code)  # annotated
        reviews = list(training_reviews(enrolment).select_related(*WITH_FEEDBACK))
        is_next = self.step(enrolment).kind == StepKind.TRAINING
        if not (is_next or reviews):
            if enrolment.has_practice:  # not yet, or no longer: to what is next
                return go_on(enrolment)
            raise NotFound(_("There is nothing to practise in this study."))
        texts = texts_of_study(enrolment.experiment)
        done = feedback(enrolment.experiment, reviews, texts)
        total = len({review.assignment_id for review in reviews}) or enrolment.experiment.training_cases.count()
        return self.page(
            request,
            enrolment,
            texts=texts,
            title=_("Practice"),
            is_next=is_next,
            resumes=bool(reviews),
            done=done,
            total=total,
        )

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """On with the next case to practise on."""
        enrolment = self.found(code)
        if self.step(enrolment).kind != StepKind.TRAINING:
            return go_on(enrolment)
        begin_training(enrolment=enrolment, by=request.user)
        review = next_to_practise(enrolment)
        if review is None:
            raise Conflict(_("The cases to practise on are not ready yet."), code="not_prepared")
        return redirect("review", review)


def next_to_practise(enrolment: Enrolment) -> uuid.UUID | None:
    """One statement."""
    found: uuid.UUID | None = (
        training_reviews(enrolment).unanswered().reachable().values_list("public_id", flat=True).first()
    )
    return found
