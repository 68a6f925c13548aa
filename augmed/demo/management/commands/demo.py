"""`make demo`: migrate, load the demo study once, say where to click, serve on loopback."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections

from augmed.demo.accounts import DemoAccount, load_or_create
from augmed.demo.study import load

KEPT = "var/demo-accounts.txt"


class Command(BaseCommand):
    help = "Loads the demo study and serves it on loopback. For one's own machine only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
        parser.add_argument("--reset", action="store_true", default=os.environ.get("RESET", "") not in {"", "0"})
        parser.add_argument("--no-serve", action="store_true", help="load only")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("The demo does not run in production. Set ENVIRONMENT=demo.")
        if options["reset"]:
            self.reset()
        call_command("migrate", verbosity=0, interactive=False)
        accounts = load_or_create(settings.VAR_DIR / "demo-accounts.txt")
        load(accounts=accounts, say=lambda text: self.stdout.write(f"  {text}"))
        self.welcome(accounts, options["port"])
        if not options["no_serve"]:
            connections.close_all()
            self.serve(options["port"])

    def reset(self) -> None:
        """Start over: the database, the files and the mail of the demo go; only what the demo made."""
        if connection.vendor != "sqlite":
            raise CommandError("RESET=1 removes the demo's SQLite file; on PostgreSQL drop the database yourself.")
        connections.close_all()
        name = str(settings.DATABASES["default"]["NAME"])
        for suffix in ("", "-wal", "-shm"):
            settings.BASE_DIR.joinpath(name + suffix).unlink(missing_ok=True)
        for folder in ("files", "mail"):
            shutil.rmtree(settings.VAR_DIR / folder, ignore_errors=True)
        (settings.VAR_DIR / "demo-accounts.txt").unlink(missing_ok=True)

    def welcome(self, accounts: list[DemoAccount], port: int) -> None:
        base = f"http://127.0.0.1:{port}"
        width = max(len(account.email) for account in accounts)
        lines = [
            "",
            "The demo study is ready.",
            "",
            f"  Researchers and staff   {base}/{settings.ADMIN_PATH}",
            f"  Clinicians              {base}/  (clinician1 is in the midst of it, clinician3 begins)",
            f"  API                     {base}/api/docs",
            f"  Health                  {base}/api/healthcheck",
            "",
            f"  Accounts (also in {KEPT}):",
            *(f"    {account.role:<14} {account.email:<{width}}  {account.password}" for account in accounts),
            "",
            "  Mails are written to var/mail. Stop with Ctrl+C; make demo RESET=1 starts over.",
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def serve(self, port: int) -> None:
        """gunicorn, as in production: threads, so that a page and a job's progress are served side by side."""
        from gunicorn.app.wsgiapp import WSGIApplication

        class Server(WSGIApplication):
            def init(self, parser: Any, opts: Any, args: Any) -> None:
                self.cfg.set("bind", f"127.0.0.1:{port}")
                self.cfg.set("workers", 1)
                self.cfg.set("threads", 8)
                self.cfg.set("loglevel", "warning")
                self.app_uri = "augmed.wsgi:application"

            def load_config(self) -> None:
                self.init(None, None, None)

        Server("%(prog)s").run()
