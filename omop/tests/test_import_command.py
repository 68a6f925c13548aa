import json

import pytest
from django.core.management import CommandError, call_command

from omop.models import Person

pytestmark = pytest.mark.django_db


def run(*arguments):
    """The exit status as the shell sees it."""
    try:
        call_command("import_omop", *map(str, arguments), verbosity=0)
    except CommandError as error:
        return error.returncode
    return 0


def test_zero_when_loaded_and_the_report_is_written(write_table, tmp_path, capsys):
    report = tmp_path / "report.json"
    assert run(write_table("person"), "--report", report) == 0
    assert json.loads(report.read_text())["tables"]["person"]["loaded"] == 1
    assert "Loaded in" in capsys.readouterr().out
    assert Person.objects.count() == 1


def test_one_when_refused_and_the_report_is_written(write_table, tmp_path, capsys):
    report = tmp_path / "report.json"
    assert run(write_table("person", {"year_of_birth": "old"}), "--report", report) == 1
    assert json.loads(report.read_text())["errors"] == [
        {
            "file": "person.csv",
            "line": 2,
            "column": "year_of_birth",
            "value": "old",
            "reason": "is not a whole number",
        }
    ]
    assert "person.csv, line 2, year_of_birth = 'old'" in capsys.readouterr().out


def test_two_for_a_path_that_does_not_exist():
    assert run("/nowhere/at/all") == 2


def test_two_for_a_report_that_cannot_be_written_and_nothing_is_loaded(write_table):
    assert run(write_table("person"), "--report", "/nowhere/report.json") == 2
    assert Person.objects.count() == 0


def test_a_dry_run_loads_nothing(write_table):
    assert run(write_table("person"), "--dry-run") == 0
    assert Person.objects.count() == 0
