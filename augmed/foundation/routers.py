"""Addresses of the API: no path needs a trailing slash, and one is tolerated."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter


class OptionalSlashRouter(SimpleRouter):
    """DRF's router, whose paths end in neither or one slash. Redirecting from one to the other would lose a POST."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"
