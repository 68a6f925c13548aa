"""A production server with an odd environment does not start, and says what to set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOOD = {"SECRET_KEY": "a long and secret key", "ALLOWED_HOSTS": "study.example.org"}


def start(tmp_path, shown="ENVIRONMENT, DEBUG, SESSION_COOKIE_SECURE, SECURE_HSTS_SECONDS", **environment):
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(tmp_path / "none"), **environment}
    env.setdefault("DATABASE_URL", f"sqlite:///{tmp_path / 'x.sqlite3'}")
    script = f"from augmed.settings import *; print({shown})"
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
        ({"SECOND_FACTOR_FOR_STAFF": "yes"}, "must be optional or required"),
        ({"TIME_ZONE": "Berlin"}, "must be a name such as UTC or Europe/Berlin"),
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


def test_cookies_of_production_go_by_https_alone(tmp_path):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "SECURE_SSL_REDIRECT")
    assert start(tmp_path, shown=", ".join(names), **GOOD).stdout.split() == ["True"] * len(names)


def test_times_are_shown_in_the_zone_of_the_study_while_the_worker_stays_in_utc(tmp_path):
    assert start(tmp_path, shown="TIME_ZONE, CELERY_TIMEZONE", **GOOD).stdout.split() == ["UTC", "UTC"]
    there = start(tmp_path, shown="TIME_ZONE, CELERY_TIMEZONE", TIME_ZONE="Europe/Berlin", **GOOD)
    assert there.stdout.split() == ["Europe/Berlin", "UTC"]
