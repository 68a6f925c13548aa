from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "augmed.foundation"
    label = "foundation"
    verbose_name = "Audit and jobs"
