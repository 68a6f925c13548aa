"""The settings of the demo, with jobs that wait for ever: what is measured is the upload alone."""

from augmed.settings import *  # noqa: F403

JOB_RUNNER = "celery"
CELERY_BROKER_URL = "memory://"  # within the process that sends, where no worker listens
