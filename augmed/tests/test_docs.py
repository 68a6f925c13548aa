"""What the documentation names is there: links, make targets, commands, files, environment variables."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT: Path = settings.BASE_DIR
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LARGEST_PICTURE = 200_000


def texts() -> dict[str, str]:
    return {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}


def slug(heading: str) -> str:
    """The anchor that GitHub and most others give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"(?m)^#+ (.+)$", page.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and slug(anchor) not in anchors(found)):
            broken.append(target)
    assert not broken


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    named = {
        (page, target)
        for page, text in texts().items()
        for target in re.findall(r"(?m)(?:`|^ {4})make ([a-z-]+)", text)
    }
    assert ("README.md", "demo") in named
    assert not {(page, target) for page, target in named if target not in targets}


def test_every_command_that_is_named_exists() -> None:
    named = {
        (page, command) for page, text in texts().items() for command in re.findall(r"manage\.py ([a-z][a-z_]+)", text)
    }
    assert ("docs/analyst.md", "verify_disclosure") in named
    assert not {(page, command) for page, command in named if command not in get_commands()}


def test_every_command_of_this_project_is_in_a_page() -> None:
    written = "\n".join(texts().values())
    own = {path.stem for path in ROOT.glob("*/**/management/commands/[a-z]*.py") if ".venv" not in path.parts}
    assert "import_omop" in own
    # `demo` is what `make demo` calls.
    assert not {name for name in own - {"demo"} if name not in written}


def test_every_file_that_is_named_exists() -> None:
    tops = "augmed|cases|experiments|participants|omop|docs|fixtures|benchmarks"
    pattern = rf"`((?:{tops})/[\w./-]*)`"
    named = {(page, name) for page, text in texts().items() for name in re.findall(pattern, text)}
    assert ("docs/developer.md", "cases/tree.py") in named
    assert not {(page, name) for page, name in named if not (ROOT / name).exists()}


def test_the_operator_is_told_every_environment_variable_and_no_other() -> None:
    code = (ROOT / "augmed" / "settings.py").read_text()
    read = set(re.findall(r"""\benv\.\w+\(\s*"([A-Z][A-Z0-9_]+)\"""", code))
    told = set(re.findall(r"(?m)^\| `([A-Z][A-Z0-9_]+)` \|", texts()["docs/operator.md"]))
    assert "SECRET_KEY" in read
    assert told == read


def test_the_operator_is_told_what_compose_wants() -> None:
    wanted = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    assert "POSTGRES_PASSWORD" in wanted
    assert not {name for name in wanted if f"`{name}`" not in texts()["docs/operator.md"]}


def test_pictures_are_small_and_used() -> None:
    pictures = set((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    assert not {path.name for path in pictures if path.stat().st_size > LARGEST_PICTURE}
    written = "\n".join(texts().values())
    assert not {path.name for path in pictures if f"images/{path.name}" not in written}


def test_shell_of_reading_by_the_api_can_be_parsed() -> None:
    """Its commands are meant to be pasted."""
    block = re.search(r"(?ms)^    API=.*?(?=^\S)", texts()["docs/reading-by-api.md"])
    assert block
    done = subprocess.run(["bash", "-n"], input=block.group(), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
