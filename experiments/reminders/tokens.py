"""The signed address by which whoever got a reminder wants no more of them. It does not expire, as mails do not."""

from __future__ import annotations

from django.core import signing

from experiments.models import Enrolment

_SALT = "experiments.reminders.off"


def token_of(enrolment: Enrolment) -> str:
    return signing.dumps(enrolment.pk, salt=_SALT)


def enrolment_of(token: str) -> Enrolment | None:
    """The real enrolment that the address was made for, with its study; None for any other text."""
    try:
        pk = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return Enrolment.objects.real().select_related("experiment").filter(pk=pk).first()
