"""Cursor pagination on anything that grows: constant cost at any depth, stable while rows are added."""

from typing import Any

from rest_framework import pagination
from rest_framework.exceptions import NotFound


class CursorPagination(pagination.CursorPagination):
    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    ordering = "pk"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except ValueError as error:
            # A position that was made up is none that the database could compare with: "p=abc" for a number.
            if getattr(self.cursor, "position", None) is None:
                raise
            raise NotFound(self.invalid_cursor_message) from error
