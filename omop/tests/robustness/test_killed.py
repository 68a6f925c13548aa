"""An import that is killed leaves no trace, and made again it completes."""

import random
from pathlib import Path

from django.conf import settings as django_settings

from omop.imports import runs
from omop.tests.robustness.children import KILLED
from omop.tests.test_import_sample import SAMPLE

MOMENTS = 20
REPLACE = ("--mode", "replace-person", "--quiet")


def test_killed_at_twenty_moments_it_leaves_no_trace_and_completes_afterwards(live, children, changed_sample):
    assert children.run("import_omop", SAMPLE, "--quiet").code == 0
    before = live.contents()
    assert sum(count for count, _ in before.values()) == 238

    killed = children.run("import_omop", changed_sample, *REPLACE, kill_before_commit=True)
    assert killed.code == KILLED, killed.output
    assert live.leftovers() == []
    assert live.contents() == before

    # One moment in each twentieth of the run, so that reading, checking and loading all have theirs.
    share = killed.moments / MOMENTS
    drawn = random.Random(20_261_121)
    for place in range(MOMENTS):
        moment = 1 + int(share * (place + drawn.random()))
        killed = children.run("import_omop", changed_sample, *REPLACE, kill_at=moment)
        assert killed.code == KILLED, (moment, killed.output)
        assert live.leftovers() == [], moment
        assert live.contents() == before, moment
    assert live.runs() == ["loaded"]

    again = children.run("import_omop", changed_sample, *REPLACE)
    assert again.code == 0, again.output
    after = live.contents()
    assert after["measurement"] != before["measurement"]
    assert {table: found for table, found in after.items() if table != "measurement"} == {
        table: found for table, found in before.items() if table != "measurement"
    }
    assert live.runs() == ["loaded", "loaded"]
    same = children.run("import_omop", changed_sample, *REPLACE[:2])
    assert same.code == 0
    assert "nothing changed (" in same.output
    assert "Loaded" not in same.output
    assert live.contents() == after
    assert len(list((Path(django_settings.MEDIA_ROOT) / runs.FOLDER).glob("*/report.json"))) >= 3
