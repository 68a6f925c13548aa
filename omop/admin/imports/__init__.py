"""The import in the admin: choose files, see what a check says, then load them."""

from __future__ import annotations

from django.urls import URLPattern, path

from omop.admin.imports.running import RunPages
from omop.admin.imports.starting import StartPages


class BulkImportPages(StartPages, RunPages):
    """Adds the pages of the import to a table's admin."""

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: str, name: str) -> URLPattern:
            wrapped = self.admin_site.admin_view(getattr(self, view))
            return path(f"bulk-import/{address}", wrapped, name=f"omop_bulk_{name}")

        pages = [
            page("", "upload", "import"),
            page("folder/", "folder", "folder"),
            page("<uuid:job_id>/", "report", "report"),
            page("<uuid:job_id>/progress/", "progress", "progress"),
            page("<uuid:job_id>/cancel/", "cancel", "cancel"),
            page("<uuid:job_id>/again/", "again", "again"),
            page("<uuid:job_id>/alias/", "alias", "alias"),
            page("<uuid:job_id>/rejects/", "rejects", "rejects"),
            page("<uuid:job_id>/report/", "report_file", "report_file"),
        ]
        return [*pages, *super().get_urls()]
