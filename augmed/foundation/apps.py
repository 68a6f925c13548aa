from django.apps import AppConfig
from django.db.backends.signals import connection_created


class FoundationConfig(AppConfig):
    name = "augmed.foundation"
    label = "foundation"
    verbose_name = "Audit and jobs"

    def ready(self) -> None:
        from augmed.foundation import audit_job, jobs, planning, prepared

        jobs.register(audit_job.KIND, audit_job.verify_audit)
        connection_created.connect(prepared.keep_generic_plans, dispatch_uid="foundation.keep_generic_plans")
        connection_created.connect(planning.without_jit, dispatch_uid="foundation.without_jit")
