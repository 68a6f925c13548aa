"""What an error of sending says of the mail: refused, to be tried again, or nobody knows. No clock, no database."""

from __future__ import annotations

import smtplib
from enum import StrEnum


class Word(StrEnum):
    """The events about a reminder."""

    HANDED_OVER = "reminder_handed_over"
    MAILED = "reminder_mailed"
    POSTPONED = "reminder_postponed"
    NOT_SENT = "reminder_not_sent"
    UNCONFIRMED = "reminder_unconfirmed"


def outcome_of(error: Exception, *, talking: bool) -> tuple[Word, str]:
    """How the reminder stands, and why, in words for the study team: without what the server said, which may name the
    address. `talking`: the mail was on its way to the server, else there was no more than a try to reach it."""
    if not talking and isinstance(error, OSError):
        return Word.POSTPONED, f"the mail server cannot be reached ({_name(error)})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _said in error.recipients.values()]
        if codes and all(_is_for_now(code) for code in codes):
            return Word.POSTPONED, f"the mail server does not take the address at the moment ({codes[0]})"
        return Word.NOT_SENT, f"the mail server refuses the address ({codes[0] if codes else 'no code'})"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return Word.POSTPONED, f"the mail server refuses this server as sender ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPDataError):
        if _is_for_now(error.smtp_code):
            return Word.POSTPONED, f"the mail server does not take the mail at the moment ({error.smtp_code})"
        return Word.NOT_SENT, f"the mail server refuses the mail ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Word.NOT_SENT, "the mail server cannot write to such an address"
    if isinstance(error, OSError):
        return Word.UNCONFIRMED, f"the mail server did not say that it took it ({_name(error)})"
    return Word.NOT_SENT if talking else Word.POSTPONED, f"the mail could not be written ({_name(error)})"


def _is_for_now(code: int) -> bool:
    """RFC 5321: 4yz is a refusal for the moment."""
    return 400 <= code < 500


def _name(error: Exception) -> str:
    return type(error).__name__
