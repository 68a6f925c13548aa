from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cases.models import Case, LayoutNode, PageLayout
from cases.tests import omop_rows
from cases.tests.conftest import feature, layout_json

pytestmark = pytest.mark.django_db


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def layout_file(tmp_path: Path) -> Path:
    path = tmp_path / "layout.json"
    # With a byte order mark, as some editors write one.
    path.write_text(json.dumps(layout_json(feature("a", "observation", label="Score"))), encoding="utf-8-sig")
    return path


def test_import_layout(layout_file: Path) -> None:
    assert run("import_layout", layout_file) == "Test layout v1: 3 nodes, the default layout.\n"
    out = run("import_layout", layout_file, "--name", "Other", "--advice", "Score")
    assert out == "Other v1: 3 nodes.\n"
    assert LayoutNode.objects.get(version__layout__name="Other", key="a").role == "advice"


def test_import_layout_says_what_is_wrong_and_where(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(layout_json(feature("a", "x"), feature("b", "drug", concept_ids=[5]))))
    with pytest.raises(CommandError) as refused:
        run("import_layout", path)
    assert "a: unknown table 'x'" in str(refused.value)
    assert "b: concept 5 is not in the vocabulary" in str(refused.value)
    with pytest.raises(CommandError, match="No such file"):
        run("import_layout", tmp_path / "none.json")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="not UTF-8"):
        run("import_layout", path)


def test_make_cases_of_some_visits_and_of_all(one_visit: int, layout_file: Path) -> None:
    omop_rows.visit(71)
    run("import_layout", layout_file)
    assert run("make_cases", "--visits", "70") == "1 cases made, 0 were there already, 0 refused.\n"
    assert run("make_cases", "--all") == "1 cases made, 1 were there already, 0 refused.\n"
    assert Case.objects.count() == 2


def test_make_cases_fails_with_the_reasons_and_keeps_what_it_made(one_visit: int, layout_file: Path) -> None:
    run("import_layout", layout_file)
    with pytest.raises(CommandError, match="visit 9: there is no such visit"):
        run("make_cases", "--visits", "9,70")
    assert Case.objects.count() == 1


def test_make_cases_with_a_layout_by_name(one_visit: int, layout_file: Path) -> None:
    run("import_layout", layout_file)
    run("import_layout", layout_file, "--name", "Other")
    run("make_cases", "--all", "--layout", "Other")
    assert Case.objects.get().snapshots.get().layout_version.layout == PageLayout.objects.get(name="Other")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--visits", "a"], "'a' is not a visit id"),
        (["--visits", ","], "names no visit"),
        (["--all"], "There is no visit"),
        (["--visits", "1"], "There is no layout yet"),
        (["--visits", "1", "--layout", "x"], "There is no layout 'x'; there is: none"),
        ([], "required"),
        (["--all", "--visits", "1"], "not allowed with"),
    ],
)
def test_make_cases_refuses_with_a_clear_message(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("make_cases", *arguments)
