from django.apps import AppConfig


class OmopConfig(AppConfig):
    name = "omop"
    verbose_name = "OMOP Common Data Model"

    def ready(self) -> None:
        from augmed.foundation import jobs
        from omop.actions import CHECK_JOB, IMPORT_JOB
        from omop.jobs import run_check, run_import

        jobs.register(IMPORT_JOB, run_import, beats=True)
        jobs.register(CHECK_JOB, run_check, beats=True)
