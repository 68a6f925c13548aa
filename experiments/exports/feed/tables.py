"""The feeds by name: their columns, how many rows they have, and one page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.exports.cells import Column
from experiments.exports.feed.answers import ANALYTICS, ANSWERS, analytics_rows, answer_rows
from experiments.exports.feed.configs import CONFIGS, config_rows
from experiments.exports.feed.people import PARTICIPANTS, people_page, people_rows
from experiments.exports.feed.rows import Page, page_of
from experiments.exports.feed.studies import Feed

Rows = Callable[[Feed, Page], Iterator[list[Any]]]


@dataclass(frozen=True, slots=True)
class FeedTable:
    """`dated`: whether rows can be asked for since a moment. `by_case`: a participant's rows stand in the order of the
    cases' numbers, else in that of the reviews."""

    name: str
    columns: Sequence[Column]
    rows: Rows
    dated: bool = False
    by_case: bool = False

    def page(self, feed: Feed, *, limit: int, offset: int, since: datetime | None = None) -> tuple[int, Page]:
        """Rows in all, and those of this page. Two statements."""
        if self.name == "participants":
            return feed.enrolments().count(), people_page(feed, limit=limit, offset=offset)
        reviews = feed.answered(since) if self.dated else feed.reviews()
        return reviews.count(), page_of(feed, reviews, by_case=self.by_case, limit=limit, offset=offset)


TABLES = {
    table.name: table
    for table in (
        FeedTable("answers", ANSWERS, answer_rows, dated=True),
        FeedTable("display-configs", CONFIGS, config_rows, by_case=True),
        FeedTable("analytics", ANALYTICS, analytics_rows, dated=True, by_case=True),
        FeedTable("participants", PARTICIPANTS, people_rows),
    )
}
