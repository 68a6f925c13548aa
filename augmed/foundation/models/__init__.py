from augmed.foundation.models.audit import AuditEvent
from augmed.foundation.models.erasure import ErasurePermit
from augmed.foundation.models.job import Job

__all__ = ["AuditEvent", "ErasurePermit", "Job"]
