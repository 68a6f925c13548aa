"""Runs management commands in processes that can be killed at an exact moment. For tests alone.

Started once, as Django takes a second or two to start; then each line on standard input, a Request as JSON, forks a
process that runs one command as manage.py does. Each line on standard output, a Result as JSON, says how it ended.

A moment is the beginning or the end of a statement, or a piece of a COPY: they come in the same order in each run.
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path


class Moments:
    """Counts the moments of this process, and kills it at one of them."""

    def __init__(self, kill_at: int | None, kill_before_commit: bool, told: Path) -> None:
        self._kill_at = kill_at
        self._kill_before_commit = kill_before_commit
        self._told = told
        self._count = 0
        self._recorded = False

    def step(self) -> None:
        self._count += 1
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, execute, sql, params, many, context):
        self.step()
        answer = execute(sql, params, many, context)
        self._recorded = self._recorded or 'INSERT INTO "omop_importrun"' in sql
        self.step()
        return answer

    def watch(self) -> None:
        import psycopg
        from django.db import connection

        connection.execute_wrappers.append(self.statement)
        write, commit = psycopg.Copy.write, connection._commit

        def copy_write(copy, data):
            self.step()
            return write(copy, data)

        def commit_run():
            self.step()
            if self._recorded and self._kill_before_commit:
                self._told.write_text(str(self._count))
                os.kill(os.getpid(), signal.SIGKILL)
            return commit()

        psycopg.Copy.write = copy_write
        connection._commit = commit_run


def run(request: dict, told: Path, output: Path) -> None:
    """In the forked process."""
    from django.core.management import execute_from_command_line

    with output.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    Moments(request.get("kill_at"), request.get("kill_before_commit", False), told).watch()
    try:
        execute_from_command_line(["manage.py", *request["arguments"]])
    except SystemExit as error:
        os._exit(error.code if isinstance(error.code, int) else 1)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(70)
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    import django

    django.setup()
    from omop.management.commands import import_omop  # noqa: F401  imported once, not in each process

    with tempfile.TemporaryDirectory() as folder:
        told, output = Path(folder) / "told", Path(folder) / "output"
        for line in sys.stdin:
            told.unlink(missing_ok=True)
            process = os.fork()
            if process == 0:
                run(json.loads(line), told, output)
            print(json.dumps({"process": process}), flush=True)  # noqa: T201
            _, status = os.waitpid(process, 0)
            result = {
                "code": os.waitstatus_to_exitcode(status),
                "moments": int(told.read_text()) if told.exists() else None,
                "output": output.read_text(),
            }
            print(json.dumps(result), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
