"""What the published client sends: answers by title, and three moments of its clock."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from augmed.foundation.errors import Invalid
from augmed.published.envelope import body_of
from augmed.published.errors import RENDER_ERROR, PublishedError, domain_message
from augmed.published.reading.questions import ClientQuestion, answers_by_key, client_questions, quoted
from experiments.actions.events import ClientEvent
from experiments.models import ReviewEvent
from experiments.reviewing.reading import Asked

FROM_ANOTHER_CASE = "It was typed in another case. Reload the page and answer again."
"""The client keeps what was typed and not sent, and sends it with the next case; only a new page forgets it."""


class SentAnswers:
    """Answers by title, which the action asks for by key once it knows what the review asks."""

    def __init__(self, by_title: Any) -> None:
        self._by_title = by_title
        self._questions: tuple[ClientQuestion, ...] = ()

    def __call__(self, asked: Asked) -> Any:
        self._questions = client_questions(asked.definitions)
        if not isinstance(self._by_title, Mapping):
            return self._by_title
        return answers_by_key(self._questions, self._by_title)

    def in_words(self, refused: Invalid) -> str:
        """A refusal that names questions by their titles, as their reader knows them."""
        titles = {question.key: question.title for question in self._questions}
        errors = {titles.get(key, key): texts for key, texts in refused.errors.items()}
        said = domain_message(Invalid(refused.detail, errors=errors))
        unasked = any(quoted(title) in refused.errors for title in body_of(self._by_title))
        return f"{said} {FROM_ANOTHER_CASE}" if unasked else said


def version_sent(given: Any) -> uuid.UUID | str | None:
    """The version of the questions that was answered; None where the client had none to send back."""
    if given in ("", None):
        return None
    try:
        return uuid.UUID(given)
    except (ValueError, AttributeError, TypeError):
        return str(given)


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,6}Z", re.ASCII)
_KINDS = {
    "caseOpenTime": ReviewEvent.Kind.CASE_OPENED,
    "answerOpenTime": ReviewEvent.Kind.ANSWER_OPENED,
    "answerSubmitTime": ReviewEvent.Kind.ANSWER_SUBMITTED,
}


@dataclass(frozen=True, slots=True)
class Times:
    config_id: str
    moments: tuple[datetime, ...]

    def events(self, review: uuid.UUID) -> list[ClientEvent]:
        """Three events of a page session that is known by its times alone: sent again, they are the same three."""
        name = "|".join(moment.isoformat() for moment in self.moments)
        session = uuid.uuid5(review, name)
        return [
            ClientEvent(page_session=session, sequence=number, kind=kind, client_at=moment)
            for number, (kind, moment) in enumerate(zip(_KINDS.values(), self.moments, strict=True), start=1)
        ]


def times_of(body: Any) -> Times:
    """PublishedError when a field is missing, or a moment is not written as a browser writes it."""
    given = body_of(body)
    if any(given.get(name) in (None, "") for name in ("caseConfigId", *_KINDS)):
        raise PublishedError(RENDER_ERROR, detail="Missing analytics metrics fields", status=400)
    return Times(str(given["caseConfigId"]), tuple(_moment(given[name]) for name in _KINDS))


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise PublishedError(RENDER_ERROR, detail="Bad timestamp format for analytics", status=400)
