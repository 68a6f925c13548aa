"""Whether a review disclosed advice: said by the server from what it served, never by a client. Pure."""

from __future__ import annotations

_ADVICE = '"role":"advice"'


def advice_was_shown(disclosed_text: str) -> bool:
    """`disclosed_text`: a disclosed tree as canonical JSON, as openings are hashed and served.

    It has no spaces, and a quotation mark inside a value is written with a backslash before it: so these characters
    are a feature's role wherever they stand, and a tree need not be parsed for one word."""
    return _ADVICE in disclosed_text
