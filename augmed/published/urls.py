"""Every address of the published contract. None needs a trailing slash, one is tolerated, and none redirects."""

from __future__ import annotations

from augmed.published.accounts.urls import urlpatterns as accounts
from augmed.published.exports.urls import urlpatterns as exports
from augmed.published.reading.urls import urlpatterns as reading
from augmed.published.staff.urls import urlpatterns as staff
from augmed.published.studies.urls import urlpatterns as studies

urlpatterns = [*accounts, *reading, *staff, *studies, *exports]
