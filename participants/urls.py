"""The pages of accounts. Django's names, where it has some."""

from django.conf import settings
from django.urls import path, re_path
from django.views.generic import RedirectView

from participants.language import set_language
from participants.views import account, door, links, second_factor

urlpatterns = [
    path("sign-in/", door.SignIn.as_view(), name="sign_in"),
    path("sign-in/code/", door.SignInCode.as_view(), name="sign_in_code"),
    path("sign-in/forgotten/", links.ForgottenPasswordPage.as_view(), name="forgotten_password"),
    path("sign-in/forgotten/sent/", links.LinkIsOnItsWay.as_view(), name="password_reset_done"),
    path("sign-out/", door.SignOut.as_view(), name="sign_out"),
    path("account/", account.Account.as_view(), name="account"),
    path("account/password/", account.ChangePassword.as_view(), name="change_password"),
    path("account/sign-out-everywhere/", account.SignOutEverywhere.as_view(), name="sign_out_everywhere"),
    path("account/second-factor/", second_factor.BeginSecondFactor.as_view(), name="second_factor_begin"),
    path("account/second-factor/app/", second_factor.SetUpSecondFactor.as_view(), name="second_factor_set_up"),
    path("account/second-factor/codes/", second_factor.RenewRecoveryCodes.as_view(), name="second_factor_codes"),
    path("account/second-factor/off/", second_factor.DisableSecondFactor.as_view(), name="second_factor_off"),
    path("language/", set_language, name="set_language"),
    re_path(r"^invitation/(?P<token>[^/]+)/?$", links.InvitationPage.as_view(), name="invitation"),
    re_path(
        r"^reset-password/(?P<uid>[^/]+)/(?P<token>[^/]+)/?$",
        links.ResetPage.as_view(),
        name="password_reset_confirm",
    ),
    # The address of the published client's page, so that its links also work where only this server is reached.
    re_path(r"^reset-password/(?P<link>[^/]+)/?$", links.ClientResetPage.as_view(), name="password_reset_link"),
    # Where Django's admin has it, and bookmarks may lead.
    path(
        f"{settings.ADMIN_PATH}password_reset/",
        RedirectView.as_view(pattern_name="forgotten_password"),
        name="admin_password_reset",
    ),
]
