from django.apps import AppConfig


class OmopConfig(AppConfig):
    name = "omop"
    verbose_name = "OMOP Common Data Model"
