"""`make bench`: measure against PostgreSQL and gunicorn on loopback, and write docs/performance.md.

BENCH_DATABASE_URL names the database (default: augmed_bench on loopback; it is created, migrated and kept).
BENCH_ONLY=requests, export, upload, imports or screens (needs Chromium) runs one part; BENCH_SECONDS bounds each phase
(default 8).
Only when asked for: BENCH_ONLY=athena loads and searches vocabularies; BENCH_ONLY=monitoring times the pages of a
running study, on SQLite too (BENCH_DATABASE_URL=sqlite:////tmp/bench.sqlite3), where it prints its table;
BENCH_EXPLAIN=0.5 adds the plans of statements that took so many seconds.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/augmed_bench"


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    url = os.environ.get("BENCH_DATABASE_URL", DEFAULT_URL)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="benchmarks.settings",
        ENVIRONMENT="production",
        SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS="127.0.0.1,testserver",
        HTTPS="false",
        DATABASE_URL=url,
        JOB_RUNNER="inline",
        STATIC_ROOT=str(ROOT / "var" / "bench-static"),
        LOG_LEVEL="ERROR",
    )
    sys.path.insert(0, str(ROOT))
    _create_database(url)

    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    only = os.environ.get("BENCH_ONLY", "")
    from benchmarks import report

    if only in {"", "requests"}:
        from benchmarks import requests, seed

        experiment = seed.seed(say)
        totals = seed.totals(experiment)
        say(f"in the database: {totals}")
        rows = requests.measure(experiment, say)
        report.write("requests", report.requests_table(rows, totals))
    if only in {"", "export"}:
        from benchmarks import export

        report.write("export", report.export_table(export.measure(say)))
    if only in {"", "upload"}:
        from benchmarks import upload

        say(f"uploading display configs of {upload.PEOPLE} participants x {upload.CASES} cases")
        report.write("upload", report.upload_table(upload.measure(say)))
    if only in {"", "imports"}:
        from benchmarks import imports

        report.write("imports", report.imports_table(imports.measure(url, say)))
    if only in {"", "screens"}:
        from benchmarks import screens

        report.write("screens", report.screens_table(screens.measure(say)))
    if only == "athena":
        from benchmarks import athena, athena_report

        report.write("vocabularies", athena_report.table(*athena.measure(url, say)))
    if only == "monitoring":
        from benchmarks import monitoring

        call_command("collectstatic", verbosity=0, interactive=False)
        shown = monitoring.table(monitoring.measure(say))
        if url.startswith("sqlite:"):
            say(shown)
            return
        report.write("monitoring", f"{report.machine()}\n\n{shown}")
    say("docs/performance.md is written.")


def _create_database(url: str) -> None:
    if url.startswith("sqlite:"):
        return
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))


if __name__ == "__main__":
    main()
