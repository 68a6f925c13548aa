"""The questionnaire as AugMed's teams post it: a list of questions, told apart by their titles."""

from __future__ import annotations

from collections.abc import Mapping

from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import Invalid
from augmed.published.base import PublishedView, answer
from augmed.published.errors import INVALID_ANSWER_CONFIG, PublishedError, domain_message
from augmed.published.staff.permissions import MayDesign
from augmed.published.staff.questions import QuestionsRefused, questions_of
from experiments.actions.display_config_questions import ask_about_display_configs
from participants.authentication import STAFF_AUTHENTICATION


class AnswerConfigView(PublishedView):
    authentication_classes = STAFF_AUTHENTICATION
    permission_classes = [MayDesign]

    def post(self, request: Request) -> Response:
        """Asked from now on about every display config that nobody has opened yet."""
        given = request.data
        try:
            questions = questions_of(given.get("config") if isinstance(given, Mapping) else given)
            version = ask_about_display_configs(questions=questions, by=request.user)
        except QuestionsRefused as error:
            raise PublishedError(INVALID_ANSWER_CONFIG, detail=str(error)) from error
        except Invalid as error:
            detail = domain_message(error) if error.errors else error.detail
            raise PublishedError(INVALID_ANSWER_CONFIG, detail=detail) from error
        return answer({"id": str(version.public_id)})
