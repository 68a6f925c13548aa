"""Django's admin under this project's name."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig


class AugmedAdminSite(admin.AdminSite):
    site_header = "AugMed"
    site_title = "AugMed"
    index_title = "Studies of clinical judgement"
    site_url = None


class AugmedAdminConfig(AdminConfig):
    default_site = "augmed.admin_site.AugmedAdminSite"
