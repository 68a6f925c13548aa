"""A production server with an odd environment does not start, and says what to set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOOD = {"SECRET_KEY": "a long and secret key", "ALLOWED_HOSTS": "study.example.org"}


def start(tmp_path, **environment):
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(tmp_path / "none"), **environment}
    env.setdefault("DATABASE_URL", f"sqlite:///{tmp_path / 'x.sqlite3'}")
    script = "from augmed.settings import *; print(ENVIRONMENT, DEBUG, SESSION_COOKIE_SECURE, SECURE_HSTS_SECONDS)"
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=env, cwd=ROOT, capture_output=True, text=True
    )


def test_production_is_the_default_and_starts_with_what_it_needs(tmp_path):
    done = start(tmp_path, **GOOD)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["production", "False", "True", "31536000"]


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"DEBUG": "true"}, "Unset DEBUG"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Make one with"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
        ({"ALLOWED_HOSTS": "*"}, "production refuses"),
        ({"ALLOWED_HOSTS": "study.example.org,*"}, "production refuses"),
        ({"ENVIRONMENT": "prod"}, "must be production, demo or test"),
        ({"JOB_RUNNER": "magic"}, "must be celery, process or inline"),
        ({"JOB_RUNNER": "celery"}, "CELERY_BROKER_URL is not set"),
    ],
)
def test_an_odd_environment_stops_the_start_with_a_hint(tmp_path, changes, hint):
    done = start(tmp_path, **{**GOOD, **changes})
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr
    assert hint in done.stderr
    assert GOOD["SECRET_KEY"] not in done.stderr
