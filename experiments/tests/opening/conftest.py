from __future__ import annotations

import pytest

from experiments.reviewing.disclosed_text import kept


@pytest.fixture(autouse=True)
def _nothing_in_memory():
    kept.clear()
