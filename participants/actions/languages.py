"""The language in which somebody reads pages and mails."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from augmed.foundation.errors import Invalid
from participants.models import Profile


def choose_language(*, language: str, by: Any) -> None:
    """Keep one's own choice, for every device and for mails. An empty text leaves it to the browser again."""
    if language and language not in dict(settings.LANGUAGES):
        message = "There is no such language here."
        raise Invalid(message, errors={"language": [message]})
    Profile.objects.filter(user=by.pk).update(language=language)
