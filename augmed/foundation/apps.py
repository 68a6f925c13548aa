from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "augmed.foundation"
    label = "foundation"
    verbose_name = "Audit and jobs"

    def ready(self) -> None:
        from augmed.foundation import audit_job, jobs

        jobs.register(audit_job.KIND, audit_job.verify_audit)
