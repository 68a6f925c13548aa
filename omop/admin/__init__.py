"""The OMOP tables in the admin: five edited by hand, the others to look at, all of them loaded in bulk."""

from omop.admin import editable, quality, readonly, runs

__all__ = ["editable", "quality", "readonly", "runs"]
