"""How PostgreSQL is asked to run statements."""

from __future__ import annotations

from typing import Any


def without_jit(connection: Any, **_: Any) -> None:
    """For every new connection (`connection_created`). PostgreSQL compiles what it believes to be long, and of nested
    conditions ("a review that waits, of a person who...") it believes so though they run for a tenth of a second:
    compiling took four seconds of five. What a DATABASE_URL says of it in its own options stands."""
    if connection.vendor == "postgresql" and "jit" not in connection.settings_dict["OPTIONS"].get("options", ""):
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
