"""Tables that are loaded in bulk and looked at."""

from django.contrib import admin
from django.db import models

from augmed.foundation.admin_tools import ReadOnlyAdmin
from omop.admin.base import CdmAdmin
from omop.admin.editable import EDITABLE
from omop.admin.imports import BulkImportPages
from omop.models import CdmSource
from omop.models.base import cdm_models


class CdmReadOnlyAdmin(CdmAdmin, ReadOnlyAdmin):
    """One table to look at."""


class CdmSourceAdmin(BulkImportPages, CdmReadOnlyAdmin):
    """Where the data come from; the pages of the bulk import hang here."""


def _register(model: type[models.Model]) -> None:
    admin.site.register(model, CdmSourceAdmin if model is CdmSource else CdmReadOnlyAdmin)


for _model in cdm_models():
    if _model not in EDITABLE:
        _register(_model)
