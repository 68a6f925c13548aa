"""What other apps have to say of an import run, on the run's page.

The cases know which of them a run concerns, and omop knows nothing of cases: an app that has something to say
registers a panel in AppConfig.ready().
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omop.models import ImportRun


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a panel; `link` is an address in the admin that the reader may open, or empty."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class RunPanel:
    """A table under a heading. `more` is how many rows there are beyond those listed."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    more: int = 0


Panel = Callable[[ImportRun, Any], RunPanel | None]
_panels: dict[str, Panel] = {}


def register(name: str, panel: Panel) -> None:
    """`panel(run, user)` gives what that user may see of the run, or None; a bounded number of rows and of statements.

    Registered twice under one name, the later one counts.
    """
    _panels[name] = panel


def panels(run: ImportRun, user: Any) -> list[RunPanel]:
    """What there is to say of the run, by the name of the panel."""
    found = (_panels[name](run, user) for name in sorted(_panels))
    return [panel for panel in found if panel is not None]
