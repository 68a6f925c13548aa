"""A large upload through a real server is not held in memory."""

import pytest

from benchmarks.upload_size import measure


@pytest.mark.sqlite  # the server has a database of its own, so one round of the suite is enough
def test_sixty_megabytes_do_not_grow_the_worker(tmp_path):
    found = measure(60, tmp_path)
    assert found.status == 302
    assert found.stored == {"measurement.csv": 60_000_000}
    assert found.growth_mb < 40
