"""The questions about the reader, and the instructions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from augmed.foundation.errors import Conflict, NotFound
from experiments.actions.intake import asked_about_reader, intake_version, submit_intake
from experiments.actions.joining import note_instructions_read
from experiments.actions.submissions import WrongAnswers
from experiments.answers import AnswerErrors, CanonicalAnswer, from_stored
from experiments.languages.texts import texts_of_study
from experiments.models import Enrolment, IntakeSubmission
from experiments.screens.answering.panel import answer_panel
from experiments.screens.answering.written import answers_from_post, values_from_post
from experiments.screens.joining.base import StudyScreen, go_on
from experiments.screens.joining.blocks import text_blocks
from experiments.screens.joining.steps import StepKind


class Intake(StudyScreen):
    """Asked once; afterwards the page shows what was answered."""

    template = "screens/joining/intake.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return self._show(request, self.found(code))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment = self.found(code)
        version = intake_version(enrolment.experiment)
        if version is None:
            raise NotFound(_("Nothing is asked about you in this study."))
        definitions = asked_about_reader(version).definitions
        values = values_from_post(definitions, request.POST)
        try:
            submit_intake(
                enrolment=enrolment,
                version=request.POST.get("version", ""),
                answers=answers_from_post(definitions, request.POST),
                by=request.user,
            )
        except (AnswerErrors, WrongAnswers) as wrong:
            return self._show(request, enrolment, values=values, errors=wrong.problems, status=422)
        except Conflict as refused:
            if refused.code != "other_questionnaire":
                raise
            return self._show(request, enrolment, values=values, notice=refused.detail, status=409)
        messages.success(request, _("Your answers are saved. Thank you."))
        return go_on(enrolment)

    def _show(
        self, request: HttpRequest, enrolment: Enrolment, *, status: int = 200, notice: str = "", **form: Any
    ) -> HttpResponse:
        given = _given(enrolment)
        version = given.questionnaire_version if given else intake_version(enrolment.experiment)
        if version is None or (given is None and self.step(enrolment).kind != StepKind.INTAKE):
            raise NotFound(_("Nothing is asked about you in this study now."))
        texts = texts_of_study(enrolment.experiment)
        if given is not None:
            form = {"values": _answers(given), "read_only": True, "submitted_at": given.submitted_at}
        panel = answer_panel(
            asked_about_reader(version).definitions, texts=texts, version=str(version.public_id), notice=notice, **form
        )
        return self.page(request, enrolment, texts=texts, status=status, title=_("About you"), panel=panel)


class Instructions(StudyScreen):
    """Reachable at any time; the first time one says that one has read them."""

    template = "screens/joining/instructions.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment = self.found(code)
        instructions = enrolment.experiment.instructions_in_force
        if not instructions:
            raise NotFound(_("This study has no instructions."))
        texts = texts_of_study(enrolment.experiment)
        return self.page(
            request,
            enrolment,
            texts=texts,
            title=_("Instructions"),
            blocks=text_blocks(texts(instructions)),
            is_next=self.step(enrolment).kind == StepKind.INSTRUCTIONS,
        )

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        enrolment = self.found(code)
        if self.step(enrolment).kind == StepKind.INSTRUCTIONS:
            note_instructions_read(enrolment=enrolment, by=request.user)
        return go_on(enrolment)


def _given(enrolment: Enrolment) -> IntakeSubmission | None:
    found = IntakeSubmission.objects.filter(enrolment=enrolment).select_related("questionnaire_version")
    return found.first()


def _answers(given: IntakeSubmission) -> dict[str, CanonicalAnswer]:
    """By question key; without those that were erased."""
    return from_stored(given.answers.values_list("question_key", "value"))
