"""The project's own settings, plus the two floors that the measured requests are compared with."""

from augmed.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
