from augmed.foundation.admin import audit, jobs, other_apps

__all__ = ["audit", "jobs", "other_apps"]
