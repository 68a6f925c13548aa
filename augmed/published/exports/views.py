"""GET /api/v1/export/...: for the scripts of a study's analysts, by a log-in's token or an API key."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from augmed.foundation.permissions import SignedIn
from augmed.published.base import PublishedView
from augmed.published.exports.parameters import Asked
from augmed.published.exports.writing import csv_lines, gathered, json_lines
from experiments.actions.exports import record_feed
from experiments.exports.feed.studies import Feed
from experiments.exports.feed.tables import TABLES
from participants.authentication import STAFF_AUTHENTICATION


class ExportView(PublishedView):
    """One page of one feed, of the studies in which one may export outcomes (a refusal where there is none)."""

    authentication_classes = STAFF_AUTHENTICATION
    permission_classes = [SignedIn]
    table: ClassVar[str] = ""

    def get(self, request: Request) -> StreamingHttpResponse:
        table = TABLES[self.table]
        asked = Asked.of(request.query_params, dated=table.dated)
        feed = Feed.of(request.user, code=asked.code)
        total, page = table.page(feed, limit=asked.limit, offset=asked.offset, since=asked.since)
        as_csv = "text/csv" in request.headers.get("Accept", "")
        record_feed(
            feed=feed, name=table.name, by=request.user, per_study=page.per_study, asked=_noted(asked, total, as_csv)
        )
        names = [column.name for column in table.columns]
        rows = table.rows(feed, page)
        if not as_csv:
            lines = json_lines(names, rows, _pagination(asked, total, len(page.rows)))
            return StreamingHttpResponse(gathered(lines), content_type="application/json")
        headers = {"Content-Disposition": 'attachment; filename="export.csv"'}
        content = gathered(csv_lines(names, rows))
        return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _pagination(asked: Asked, total: int, rows: int) -> dict[str, Any]:
    return {"total": total, "limit": asked.limit, "offset": asked.offset, "has_more": asked.offset + rows < total}


def _noted(asked: Asked, total: int, as_csv: bool) -> dict[str, Any]:
    since = asked.since.isoformat() if asked.since else ""
    noted = {"limit": asked.limit, "offset": asked.offset, "since": since, "total": total}
    return {**noted, "format": "csv" if as_csv else "json"}


class AnswersView(ExportView):
    table = "answers"


class DisplayConfigsView(ExportView):
    table = "display-configs"


class AnalyticsView(ExportView):
    table = "analytics"


class ParticipantsView(ExportView):
    table = "participants"
