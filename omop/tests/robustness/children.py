"""The tests' side of child.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
KILLED = -9


@dataclass(frozen=True, slots=True)
class Result:
    """`code` is the exit status, or less than 0 for a signal; `moments` are those up to the commit."""

    code: int
    moments: int | None
    output: str


class Children:
    """Commands in processes of their own, on the database and in the folder given."""

    def __init__(self, database_url: str, media_root: Path, **environment: str) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "omop.tests.robustness.child"],
            cwd=ROOT,
            env={
                **inherited,
                "ENVIRONMENT": "test",
                "DJANGO_SETTINGS_MODULE": "augmed.settings",
                "DATABASE_URL": database_url,
                "MEDIA_ROOT": str(media_root),
                "JOB_RUNNER": "process",  # as in production: progress goes through a second connection
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        *arguments: str | Path,
        kill_at: int | None = None,
        kill_before_commit: bool = False,
        meanwhile: Callable[[int], None] = lambda process: None,
    ) -> Result:
        """Run `manage.py ARGUMENTS`. `meanwhile` is called with the process id while it runs."""
        request: dict[str, Any] = {"arguments": [str(argument) for argument in arguments]}
        request |= {"kill_at": kill_at, "kill_before_commit": kill_before_commit}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        meanwhile(self._read()["process"])
        return Result(**self._read())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that starts the others has died"
        return json.loads(line)
