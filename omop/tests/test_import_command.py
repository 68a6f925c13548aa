"""The command as a script meets it: exit statuses, messages, the files that it writes."""

import json
import os
import re
import shlex
import signal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from omop.actions import ImportFailed, ImportOptions
from omop.imports.command_line.arguments import options_of
from omop.imports.gate.catalogue import CATALOGUE
from omop.management.commands import import_omop
from omop.models import Person
from omop.signals import persons_asked_for, rows_changed

pytestmark = pytest.mark.django_db


def run(*arguments):
    """The exit status as the shell sees it, what was printed, and the message that ended it."""
    out = StringIO()
    try:
        call_command("import_omop", *map(str, arguments), stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_zero_when_loaded(write_table, tmp_path):
    report = tmp_path / "report.json"
    status, printed, _ = run(write_table("person"), "--report", report)
    assert status == 0
    assert "Loaded, in" in printed
    written = json.loads(report.read_text())
    assert written["version"] == 1
    assert written["status"] == "loaded"
    assert written["tables"]["person"]["loaded"] == 1
    assert Person.objects.count() == 1


def test_an_unchanged_rerun_says_so_in_one_sentence(write_table):
    path = write_table("person")
    assert run(path)[1].splitlines()[-1].startswith("Loaded, in ")
    last = run(path)[1].splitlines()[-2:]
    assert last[0].startswith("Checks passed")
    assert re.fullmatch(r"These files were loaded on .* UTC; nothing changed \(\d+\.\d s\)\.", last[1])
    other = write_table("person", {"location_id": ""})
    said = run(other)[1].splitlines()[-1]
    assert re.fullmatch(r"No row is new or other than in the database; nothing changed \(\d+\.\d s\)\.", said)


def test_what_other_apps_say_of_the_rows_is_printed(write_table):
    def tell(sender, *, dry_run, **_):
        return {"cases": {"text": f"2 cases {'would change' if dry_run else 'changed'}: 1, 2."}}

    Person.objects.create(
        person_id=1, gender_concept_id=8507, year_of_birth=1979, race_concept_id=0, ethnicity_concept_id=0
    )
    persons_asked_for.connect(_everybody)
    rows_changed.connect(tell)
    try:
        path = write_table("person")
        assert run(path, "--mode=upsert", "--dry-run")[1].splitlines()[-1] == "2 cases would change: 1, 2."
        assert run(path, "--mode=upsert")[1].splitlines()[-1] == "2 cases changed: 1, 2."
    finally:
        persons_asked_for.disconnect(_everybody)
        rows_changed.disconnect(tell)


def _everybody(sender, **_):
    return Person.objects.values_list("person_id")


def test_zero_for_a_dry_run_that_may_be_loaded(write_table):
    status, printed, _ = run(write_table("person"), "--dry-run")
    assert status == 0
    assert "Checked, nothing loaded" in printed
    assert Person.objects.count() == 0


def test_one_when_refused_with_the_reasons_and_the_rejects(write_table, tmp_path):
    path = write_table("person", {"year_of_birth": "old"})
    report, rejects = tmp_path / "report.json", tmp_path / "out" / "rejects.csv"
    rejects.parent.mkdir()
    status, printed, message = run(path, "--report", report, "--rejects", rejects)
    assert status == 1
    assert message == "Refused: 1 error, nothing was loaded."
    assert "person.csv, line 2, year_of_birth = 'old': is not a whole number" in printed
    (check,) = [each for each in json.loads(report.read_text())["checks"] if each["count"]]
    assert {name: check[name] for name in ("code", "level", "table", "column", "checked", "count", "share")} == {
        "code": "value_type", "level": "reject", "table": "person", "column": "year_of_birth",
        "checked": 1, "count": 1, "share": 100.0,
    }  # fmt: skip
    assert check["first"][0]["line"] == 2
    assert rejects.read_text().splitlines()[1] == (
        'person.csv,2,year_of_birth,value_type,is not a whole number,"1,8507,old,0,0"'
    )


def test_the_file_of_rejects_is_written_where_there_are_none(write_table, tmp_path):
    rejects = tmp_path / "out" / "rejects.csv"
    rejects.parent.mkdir()
    assert run(write_table("person"), "--rejects", rejects)[0] == 0
    assert rejects.read_text() == "file,line,column,check,reason,row\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name at least one file or folder"),
        (["/nowhere/at/all"], "/nowhere/at/all"),
        (["PERSON", "--alias", "NOPE.csv=person"], "NOPE.csv was to be read as person, but there is no such file"),
        (["PERSON", "--alias", "persn.csv=person"], "Did you mean person.csv?"),
        (["PERSON", "--zero-as-null", "person_source_value"], "0 is a value like any other"),
        (["PERSON", "--zero-as-null", "person.gender_concept_id"], "person.gender_concept_id is required"),
        (["PERSON", "--zero-as-null", "provider.provider_id"], "provider.provider_id is part of the key"),
        (
            ["PERSON", "--null-token", "person.year_of_birth=NA"],
            "person.year_of_birth is required, so it cannot be none",
        ),
        (["PERSON", "--report", "/nowhere/report.json"], "cannot be written"),
        (["PERSON", "--report", "."], "is a folder"),
        (["PERSON", "--report", "PERSON"], "is a file to import"),
        (["FOLDER", "--rejects", "FOLDER/rejects.csv"], "would take it for data"),
        (["PERSON", "--report", "FOLDER/a", "--rejects", "FOLDER/a"], "name the same file"),
        (["PERSON", "--earliest", "2020-01-02", "--latest", "2020-01-01"], "is before --earliest"),
        (["PERSON", "--alias", "a.csv=person", "--alias", "a.csv=death"], "says two things about a.csv"),
    ],
)
def test_two_for_wrong_use_and_nothing_is_done(arguments, said, write_table, tmp_path):
    person = write_table("person")
    content = person.read_bytes()
    places = {"PERSON": str(person), "FOLDER": str(tmp_path)}
    for name, place in places.items():
        arguments = [each.replace(name, place) for each in arguments]
    status, printed, message = run(*arguments)
    assert (status, printed) == (2, "")
    assert said.lower() in message.lower()
    assert person.read_bytes() == content
    assert Person.objects.count() == 0


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--threshold=concept_exsts=5", "perhaps 'concept_exists' is meant"),
        ("--threshold=concept_exists", "CHECK=PERCENT"),
        ("--threshold=concept_exists=101", "not a percentage from 0 to 100"),
        ("--threshold=concept_exists=nan", "not a percentage from 0 to 100"),
        ("--threshold=table_known=5", "always refuses"),
        ("--threshold=value_type:persn=5", "perhaps 'person' is meant"),
        ("--threshold=value_type:person.yob=5", "no column 'yob' in person"),
        ("--zero-as-null=provder_id", "perhaps 'provider_id' is meant"),
        ("--zero-as-null=provider_id,,visit_detail_id", "empty name"),
        ("--null-token=stop_reason", "COLUMN=TEXT"),
        ("--null-token=stop_reason=", "an empty cell always means none"),
        ("--null-token=condition_occurrence.stop_raeson=NA", "perhaps 'stop_reason' is meant"),
        ("--alias=DEVICES_EXPOSURE.csv", "FILE=TABLE"),
        ("--alias=DEVICES_EXPOSURE.csv=devices_exposure", "perhaps 'device_exposure' is meant"),
        ("--no-header=persons", "perhaps 'person' is meant"),
        ("--mode=overwrite", "invalid choice: 'overwrite'"),
        ("--earliest=1950", "YYYY-MM-DD"),
        ("--latest=2020-W01-1", "YYYY-MM-DD"),
        ("--threads=0", "1 or more"),
        ("", "a path is empty; is a variable not set?"),
    ],
)
def test_options_that_make_no_sense_are_named_with_what_was_meant_perhaps(argument, said):
    # The parser ends a process with status 2 by itself; here it raises.
    with pytest.raises(CommandError, match="argument ") as error:
        call_command("import_omop", "somewhere", argument)
    assert said in str(error.value)


def test_every_option_reaches_the_import():
    command = import_omop.Command()
    parser = command.create_parser("manage.py", "import_omop")
    given = parser.parse_args(
        [
            "folder", "--mode=upsert", "--duplicates=identical", "--dates=day-first", "--encoding=latin-1",
            "--quoting=quoted", "--long-text=truncate", "--unknown-columns=ignore", "--indexes=keep",
            "--zero-as-null=provider_id,visit_detail.provider_id", "--zero-as-null=Care_Site_Id",
            "--null-token=stop_reason=NA", "--null-token=stop_reason=a=b", "--alias=a=b.csv=person",
            "--no-header=person,death", "--threshold=person_exists=2.5%", "--threshold=value_type:death.death_date=1",
            "--earliest=1900-01-01", "--latest=2100-12-31", "--threads=2",
        ]
    )  # fmt: skip
    options = options_of(vars(given))
    assert options.to_json() == {
        "mode": "upsert",
        "duplicates": "identical",
        "date_order": "day-first",
        "encoding": "latin-1",
        "quoting": "quoted",
        "long_text": "truncate",
        "unknown_columns": "ignore",
        "indexes": "keep",
        "zero_as_null": ["care_site_id", "provider_id", "visit_detail.provider_id"],
        "null_tokens": {"stop_reason": ["NA", "a=b"]},
        "aliases": {"a=b.csv": "person"},
        "headerless": ["death", "person"],
        "thresholds": {"person_exists": 2.5, "value_type:death.death_date": 1.0},
        "earliest": "1900-01-01",
        "latest": "2100-12-31",
        "threads": 2,
    }
    said_nothing = options_of(vars(parser.parse_args(["folder"])))
    assert said_nothing == ImportOptions()


def test_three_where_something_else_failed(write_table, monkeypatch):
    def fail(**_):
        raise ImportFailed("The database ran out of disk space. Nothing was loaded.", None)

    monkeypatch.setattr("omop.actions.import_files", fail)
    status, _, message = run(write_table("person"))
    assert status == 3
    assert message == "Failed: The database ran out of disk space. Nothing was loaded."


def test_three_for_what_nobody_foresaw_without_what_a_cell_held(write_table, monkeypatch):
    def fail(**_):
        raise KeyError("Mr Secret")

    monkeypatch.setattr("omop.actions.import_files", fail)
    status, _, message = run(write_table("person"))
    assert status == 3
    assert "KeyError" in message
    assert "Secret" not in message


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.django_db(transaction=True)
def test_a_signal_stops_it_with_nothing_loaded(number, status, write_table, monkeypatch):
    def heard(*_):
        raise AssertionError("the command did not take the signal")

    before = signal.signal(number, heard)  # where the tests run in the background of a shell, SIGINT is ignored
    try:
        monkeypatch.setattr(import_omop, "silent", lambda *_: os.kill(os.getpid(), number))
        assert run(write_table("person")) == (status, "", "Stopped: nothing was loaded.")
        assert Person.objects.count() == 0
        assert signal.getsignal(number) is heard
    finally:
        signal.signal(number, before)


def test_a_signal_after_the_load_does_not_claim_that_nothing_was_loaded(write_table, monkeypatch):
    monkeypatch.setattr(import_omop, "account", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    status, _, message = run(write_table("person"))
    assert status == 143
    assert message == "Stopped: the rows were loaded all the same."
    assert Person.objects.count() == 1


def test_quiet_prints_nothing_but_what_ends_it(write_table):
    assert run(write_table("person"), "--quiet") == (0, "", "")


def test_no_bar_where_there_is_no_terminal(write_table, capsys):
    run(write_table("person"))
    assert capsys.readouterr().err == ""


def test_more_findings_are_shown_when_asked(write_table):
    path = write_table("person", *({"person_id": number, "year_of_birth": "old"} for number in range(1, 8)))
    assert run(path)[1].count("'old'") == 3
    assert run(path, "--verbosity", "2")[1].count("'old'") == 7


def test_the_account_tells_outcomes_apart(write_table):
    path = write_table(
        "measurement", {"person_id": 1, "visit_occurrence_id": ""}, {"measurement_id": 101, "person_id": 9}
    )
    person = write_table("person", {"gender_concept_id": 1})
    _, printed, _ = run(path, person, "--threshold", "person_exists=50")
    sections = [line for line in printed.splitlines() if line and not line.startswith(" ")]
    assert sections[1].split() == [
        "Tables", "read", "new", "changed", "removed", "loaded", "unchanged", "duplicates", "rejected",
    ]  # fmt: skip
    assert sections[2:4] == ["Rows left out, as many as the thresholds allow", "Warnings: these rows load"]
    assert "person_exists (measurement.person_id): 1 of 2 (50.00 %), tolerated 50 %" in printed
    assert "Not applicable, as there was no row to ask:" in printed


def test_a_cell_cannot_write_on_the_terminal(write_table):
    path = write_table("person", {"year_of_birth": "\x1b[2J"}, name="person.csv")
    assert "\x1b" not in run(path)[1]


def test_the_checks_are_listed():
    status, printed, _ = run("--list-checks")
    assert status == 0
    assert [line.split()[0] for line in printed.splitlines()[1:]] == list(CATALOGUE)


def test_the_commands_of_the_page_for_data_staff_are_ones():
    page = (Path(settings.BASE_DIR) / "docs" / "data-staff.md").read_text()
    commands = re.findall(r"(?m)^    python manage\.py import_omop (.*)$", page)
    assert len(commands) >= 5
    parser = import_omop.Command().create_parser("manage.py", "import_omop")
    for words in commands:
        given = parser.parse_args(shlex.split(words))
        options_of(vars(given))
        assert all((Path(settings.BASE_DIR) / path).exists() for path in given.paths), words
    flags = set(re.findall(r"`(--[a-z-]+)", page))
    assert flags == {flag for action in parser._actions for flag in action.option_strings if flag in flags}
    assert not {action.option_strings[-1] for action in parser._actions if action.option_strings} - flags - OF_DJANGO


OF_DJANGO = {
    "--help", "--version", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color", "--skip-checks",
}  # fmt: skip


def test_the_page_for_data_staff_names_every_check():
    page = (Path(settings.BASE_DIR) / "docs" / "data-staff.md").read_text()
    table = page[page.index("## The checks") : page.index("## The report as a file")]
    named = set(re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)+", table))
    assert set(CATALOGUE) - named == set()
