"""Every address of this project. No path of the API needs a trailing slash, and one is tolerated."""

from django.conf import settings
from django.contrib import admin
from django.urls import path, re_path

from augmed.health import healthcheck

urlpatterns = [
    path(settings.ADMIN_PATH, admin.site.urls),
    re_path(r"^api/healthcheck/?$", healthcheck, name="healthcheck"),
]
