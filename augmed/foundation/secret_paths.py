"""Addresses that are secrets themselves, kept out of the log where Django writes the path of a refused request.

The views of such addresses are not asked when a request is refused before them (by the check against forgery) or when
nothing is at the address at all, so this is done where the log is written."""

from __future__ import annotations

import logging
import re
from typing import Any

PREFIXES = ("/look/", "/reminders/", "/invitation/", "/reset-password/")
"""What comes after one of them, wherever it stands in a path, is not for the log."""

_SECRET = re.compile(rf"({'|'.join(map(re.escape, PREFIXES))}).+", re.IGNORECASE | re.DOTALL)


def shortened(text: str) -> str:
    return _SECRET.sub(r"\1...", text)


class ShortenedPaths(logging.Filter):
    """Rewrites the paths in what is logged; lets everything through."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _shortened(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(map(_shortened, record.args))
        return True


def _shortened(value: Any) -> Any:
    return shortened(value) if isinstance(value, str) else value
