"""The demo's accounts: passwords are drawn at the first run and kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoAccount:
    role: str
    email: str
    name: str
    position: str
    password: str


PEOPLE = (
    ("administrator", "administrator@demo.example", "Ada Minister", "Administrator"),
    ("researcher", "researcher@demo.example", "Rosa Searcher", "Study lead"),
    ("data staff", "data@demo.example", "Dana Staff", "Data manager"),
    ("clinician", "clinician1@demo.example", "Clara One", "General practitioner"),
    ("clinician", "clinician2@demo.example", "Conrad Two", "Cardiologist"),
    ("clinician", "clinician3@demo.example", "Cora Three", "General practitioner"),
)


def load_or_create(path: Path) -> list[DemoAccount]:
    """The accounts as the file names them; those that it lacks are written first. It is made with mode 600."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("# role, e-mail, password: accounts of the demo on this machine\n")
    known = {email for email, _password in _read(path)}
    with path.open("a") as file:
        for role, email, _name, _position in PEOPLE:
            if email not in known:
                file.write(f"{role}\t{email}\t{secrets.token_urlsafe(12)}\n")
    passwords = dict(_read(path))
    return [DemoAccount(role, email, name, position, passwords[email]) for role, email, name, position in PEOPLE]


def _read(path: Path) -> list[tuple[str, str]]:
    rows = []
    for line in path.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        _role, email, password = line.split("\t")
        rows.append((email, password))
    return rows
