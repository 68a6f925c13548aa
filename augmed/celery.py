"""Celery: runs long work when a broker is there (see foundation.jobs for what happens without one)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "augmed.settings")

app = Celery("augmed")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
