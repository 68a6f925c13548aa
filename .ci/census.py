"""Prove that every collected test ran in at least one of the runs whose JUnit reports lie in the given folder."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest


class Collector:
    def __init__(self) -> None:
        self.names: set[tuple[str, str]] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            module, _, rest = item.nodeid.partition("::")
            *classes, name = rest.split("::") if "[" not in rest else _split(rest)
            self.names.add((".".join([module.removesuffix(".py").replace("/", "."), *classes]), name))


def _split(rest: str) -> list[str]:
    head, _, parameters = rest.partition("[")
    *classes, name = head.split("::")
    return [*classes, f"{name}[{parameters}"]


def ran(folder: Path) -> set[tuple[str, str]]:
    """(class name, test name) of every test that ran: reported, and not skipped."""
    names = set()
    for report in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(report).iter("testcase"):
            if case.find("skipped") is None:
                names.add((case.get("classname", ""), case.get("name", "")))
    return names


def main() -> int:
    collector = Collector()
    code = pytest.main(["--collect-only", "-q", "-q", "--no-header", "-p", "no:randomly"], plugins=[collector])
    if code != 0:
        return int(code)
    missing = sorted(collector.names - ran(Path(sys.argv[1])))
    for module, name in missing:
        print(f"never ran: {module}::{name}")
    print(f"{len(collector.names)} tests collected, {len(missing)} never ran")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
