from __future__ import annotations

from django.urls import URLPattern, re_path

from augmed.published.accounts import views

urlpatterns: list[URLPattern] = [
    re_path(r"^api/auth/login/?$", views.LogInView.as_view(), name="published-log-in"),
    re_path(r"^api/auth/signup/?$", views.SignUpView.as_view(), name="published-sign-up"),
    re_path(r"^api/auth/reset-password-request/?$", views.ResetRequestView.as_view(), name="published-reset-request"),
    re_path(r"^api/auth/reset-password/?$", views.ResetView.as_view(), name="published-reset"),
]
