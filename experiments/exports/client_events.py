"""What clients said of when a case and its answer form were opened and answers sent, for many reviews at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from experiments.exports.timing import KINDS, ClientEvent
from experiments.models import ReviewEvent

_READABLE = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
"""PostgreSQL holds moments before and after, as some client's clock said them; no Python can read these."""


def client_events_of(reviews: Sequence[int]) -> dict[int, list[ClientEvent]]:
    """By review, in the order in which they came; empty for one that has none. One statement."""
    found: dict[int, list[ClientEvent]] = defaultdict(list)
    told = ReviewEvent.objects.filter(review__in=reviews, kind__in=KINDS, client_at__range=_READABLE)
    read = told.order_by("pk")
    for review, page, kind, at in read.values_list("review", "page_session", "kind", "client_at"):
        assert at is not None
        found[review].append(ClientEvent(page, kind, at))
    return found
