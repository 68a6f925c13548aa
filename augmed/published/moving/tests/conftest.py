from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmed.published.moving.run import import_augmed
from augmed.published.moving.tests.dump import Dump
from augmed.published.tests.augmed_study import make_visits


@pytest.fixture
def visits(db: None) -> list[int]:
    return make_visits(3)


@pytest.fixture
def move(visits: list[int], tmp_path: Path) -> Any:
    def run(dump: Dump, **options: Any) -> Any:
        return import_augmed(source=dump.to_folder(tmp_path / "dump"), by=None, **options)

    return run
