from django.apps import AppConfig


class PublishedConfig(AppConfig):
    name = "augmed.published"
    label = "published"
    verbose_name = "AugMed's published contract"
