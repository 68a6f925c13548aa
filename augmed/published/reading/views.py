"""What a participant does with the published client: the next case, its page, its questions, the answer, the times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import Conflict, Invalid, NotFound
from augmed.foundation.permissions import SignedIn
from augmed.published.base import PublishedView, answer
from augmed.published.envelope import body_of
from augmed.published.errors import ANSWER_NOT_ACCEPTED, NO_ACCESS, PublishedError
from augmed.published.reading.case_detail import case_detail, listed_case
from augmed.published.reading.questions import client_questions
from augmed.published.reading.sent import SentAnswers, times_of, version_sent
from experiments.actions.events import record_events_of
from experiments.actions.reviews import open_review, submit
from experiments.models import QuestionnaireVersion
from experiments.reviewing.next_case import next_case
from experiments.reviewing.reading import asked_of
from experiments.reviewing.review_state import own_review


@contextmanager
def _ones_own() -> Iterator[None]:
    """A review that is not there and somebody else's look alike, in the contract's words."""
    try:
        yield
    except NotFound:
        raise PublishedError(NO_ACCESS) from None


class CasesView(PublishedView):
    """The one review to go on with, or none."""

    permission_classes = [SignedIn]

    def get(self, request: Request) -> Response:
        found = next_case(request.user)
        if found is None:
            return answer([])
        listed = listed_case(
            config_id=found.state.public_id.hex,
            case_number=found.state.case_number,
            disclosed=found.disclosed,
            layout_rules=found.layout_rules,
            demographic_nodes=found.demographic_nodes,
        )
        return answer([listed])


class CaseReviewView(PublishedView):
    """The case as the review discloses it. The first time opens the review."""

    permission_classes = [SignedIn]

    def get(self, request: Request, config_id: str) -> Response:
        with _ones_own():
            opened = open_review(public_id=config_id, by=request.user, can_ask=False)
        shown = case_detail(
            disclosed=opened.disclosed, case_number=opened.case_number, layout_rules=opened.layout_rules
        )
        return answer(shown)


class AnswerConfigView(PublishedView):
    """The questions of a review. A reader who comes to them by their address alone opens the review by it."""

    permission_classes = [SignedIn]

    def get(self, request: Request) -> Response:
        config_id = request.query_params.get("caseConfigId", "")
        if not config_id:
            raise ValidationError({"caseConfigId": ["Say which review: this parameter is needed."]})
        with _ones_own():
            opened = open_review(public_id=config_id, by=request.user, can_ask=False)
        version = QuestionnaireVersion.objects.only("created_at").get(pk=opened.questionnaire_version_id)
        questions = client_questions(asked_of(opened).definitions)
        return answer(
            {
                "id": opened.questionnaire_version.hex,
                "config": [question.to_json() for question in questions],
                "created_timestamp": version.created_at.isoformat(),
            }
        )


class AnswerView(PublishedView):
    """The answer to a review: the first one counts, the same again gives the same again."""

    permission_classes = [SignedIn]

    def post(self, request: Request, config_id: str) -> Response:
        body = body_of(request.data)
        sent = SentAnswers(body.get("answer"))
        said = {name: body[name] for name in ("answerConfigId", "aiScoreShown") if name in body}
        try:
            with _ones_own():
                result = submit(
                    public_id=config_id,
                    answers=sent,
                    questionnaire_version=version_sent(body.get("answerConfigId")),
                    by=request.user,
                    client_data=said,
                )
        except Invalid as refused:
            raise PublishedError(ANSWER_NOT_ACCEPTED, message=sent.in_words(refused)) from None
        return answer({"id": result.submission.pk})


class AnalyticsView(PublishedView):
    """When the client opened the case and the answer page, and when it sent the answer.

    The answer is stored by then, so nothing here may stand in its reader's way: what can no longer be kept (the review
    was withdrawn, its reader has left) is left out."""

    permission_classes = [SignedIn]

    def post(self, request: Request) -> Response:
        times = times_of(request.data)
        with _ones_own():
            state = own_review(public_id=times.config_id, by=request.user)
        with suppress(Conflict):
            record_events_of(state, events=times.events(state.public_id), by=request.user)
        return answer({"id": state.pk})
