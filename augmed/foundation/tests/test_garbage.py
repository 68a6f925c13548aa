from __future__ import annotations

import gc

import pytest

from augmed.foundation.garbage import nothing_to_collect


def test_collection_rests_inside_the_block_and_goes_on_after_it() -> None:
    assert gc.isenabled()
    with nothing_to_collect():
        assert not gc.isenabled()
        with nothing_to_collect():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failure_inside_switches_it_on_again() -> None:
    with pytest.raises(ValueError, match="no"), nothing_to_collect():
        raise ValueError("no")
    assert gc.isenabled()
