"""Every address of this project. No path of the API needs a trailing slash, and one is tolerated."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from augmed.api_errors import unknown_path
from augmed.foundation.permissions import Anyone
from augmed.health import healthcheck

# The schema is public, as the source is; it holds no data.
schema = SpectacularAPIView.as_view(permission_classes=[Anyone], authentication_classes=[])
# Split: its script comes by an address of its own, as the content security policy allows none inside the page.
swagger_ui = SpectacularSwaggerSplitView.as_view(
    url_name="schema", permission_classes=[Anyone], authentication_classes=[]
)

urlpatterns = [
    # Both before the admin, which takes all that is under its path.
    path("", include("participants.urls")),
    path("", include("augmed.published.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
    re_path(r"^api/healthcheck/?$", healthcheck, name="healthcheck"),
    re_path(r"^api/docs/?$", swagger_ui, name="api-docs"),
    re_path(r"^api/v2/schema/?$", schema, name="schema"),
    path("api/v2/auth/", include("participants.api.urls")),
    path("api/v2/", include("experiments.api.urls")),
    path("", include("experiments.screens.urls")),
    re_path(r"^api(?:/.*)?$", unknown_path, name="api-unknown-path"),
]

handler400 = "augmed.api_errors.bad_request"
handler403 = "augmed.api_errors.permission_denied"
handler404 = "augmed.api_errors.page_not_found"
handler500 = "augmed.api_errors.server_error"
