from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from augmed.foundation.permissions import Verb


class CdmQuerySet(models.QuerySet[Any]):
    """Rows of a CDM table."""

    def visible_to(self, user: Any) -> CdmQuerySet:
        """All rows for those who may see OMOP data, none for anybody else."""
        return self.all() if user.is_authenticated and user.may(Verb.VIEW_OMOP) else self.none()


class CdmTable(models.Model):
    """A table of the Common Data Model."""

    objects = CdmQuerySet.as_manager()

    class Meta:
        abstract = True


def cdm_models() -> list[type[CdmTable]]:
    """The models of the CDM's tables; the app has others, for what is remembered of imports."""
    return [model for model in apps.get_app_config("omop").get_models() if issubclass(model, CdmTable)]
