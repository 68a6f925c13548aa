from django.contrib.admin.apps import AdminConfig


class AugmedAdminConfig(AdminConfig):
    default_site = "augmed.admin_site.AugmedAdminSite"
