"""What the pages of joining share: the reader's own enrolment in the study of the address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from augmed.foundation.errors import NotFound
from experiments.languages.texts import StudyTexts, texts_of_study
from experiments.models import Enrolment
from experiments.screens.base import Screen
from experiments.screens.joining.steps import Step, next_step, step_of, with_standing


class StudyScreen(Screen):
    """A page of one study in which the person takes part, or has; to anybody else there is no such study."""

    template = ""

    def found(self, code: str) -> Enrolment:
        """One statement."""
        own = Enrolment.objects.filter(user=self.request.user.pk, experiment__code=code)
        enrolment: Enrolment | None = with_standing(own).first()
        if enrolment is None:
            raise NotFound(_("You take part in no such study."))
        return enrolment

    def step(self, enrolment: Enrolment) -> Step:
        return step_of(enrolment)

    def page(
        self,
        request: HttpRequest,
        enrolment: Enrolment,
        *,
        texts: StudyTexts | None = None,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        texts = texts or texts_of_study(enrolment.experiment)
        shared = {
            "enrolment": enrolment,
            "study": enrolment.experiment,
            "study_name": texts(enrolment.experiment.name),
            "texts_language": texts.language,
            "step": self.step(enrolment),
        }
        return render(request, self.template, {**shared, **context}, status=status)


def go_on(enrolment: Enrolment) -> HttpResponse:
    """To what comes next, as it stands now; home where nothing does, or a case: that is begun from there."""
    step = next_step(enrolment)
    return redirect(step.url if step.leads_on else "home")
