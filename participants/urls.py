"""The pages of accounts. Django's names, where it has some: its admin links to them."""

from django.conf import settings
from django.urls import path, re_path

from participants import views

ASKED = "If the address has an account, a link to set a new password is on its way. Look into your mailbox."

urlpatterns = [
    re_path(r"^invitation/(?P<token>[^/]+)/?$", views.InvitationPage.as_view(), name="invitation"),
    re_path(
        r"^reset-password/(?P<uid>[^/]+)/(?P<token>[^/]+)/?$",
        views.ResetPage.as_view(),
        name="password_reset_confirm",
    ),
    # The address of the published client's page, so that its links also work where only this server is reached.
    re_path(r"^reset-password/(?P<link>[^/]+)/?$", views.ClientResetPage.as_view(), name="password_reset_link"),
    path(
        "password-set/",
        views.MessagePage.as_view(title="Your password is set", message="You can sign in with it now."),
        name="password_reset_complete",
    ),
    path(f"{settings.ADMIN_PATH}password_reset/", views.ForgottenPasswordPage.as_view(), name="admin_password_reset"),
    path(
        f"{settings.ADMIN_PATH}password_reset/done/",
        views.MessagePage.as_view(title="Look into your mailbox", message=ASKED),
        name="password_reset_done",
    ),
]
