from django.urls import re_path

from participants.api import views

urlpatterns = [
    re_path(r"^token/?$", views.LogInView.as_view(), name="auth-token"),
    re_path(r"^token/refresh/?$", views.RefreshView.as_view(), name="auth-token-refresh"),
    re_path(r"^sign-out-everywhere/?$", views.SignOutEverywhereView.as_view(), name="auth-sign-out-everywhere"),
    re_path(r"^accept-invitation/?$", views.AcceptInvitationView.as_view(), name="auth-accept-invitation"),
    re_path(r"^password-reset/?$", views.PasswordResetView.as_view(), name="auth-password-reset"),
    re_path(
        r"^password-reset/confirm/?$", views.PasswordResetConfirmView.as_view(), name="auth-password-reset-confirm"
    ),
    re_path(r"^me/?$", views.MeView.as_view(), name="auth-me"),
]
