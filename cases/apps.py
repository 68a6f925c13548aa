from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cases"

    def ready(self) -> None:
        from cases import expected_changes, jobs, source_changes

        jobs.register()
        source_changes.register()
        expected_changes.register()
