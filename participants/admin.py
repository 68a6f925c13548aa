"""Accounts in the admin. Pages check and show; every write is an action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice
from import_export.admin import ImportExportMixin
from import_export.forms import ExportForm
from import_export.results import Result, RowResult

from augmed.foundation import audit
from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from participants import actions, api_key_admin  # noqa: F401  registers its page
from participants.models import Invitation, Profile, User
from participants.roster_resource import RosterConfirmForm, RosterImportForm, RosterResource

ROLE_FIELDS = ("is_superuser", "is_data_staff", "is_staff")

admin.site.unregister(Group)  # roles are this project's own; a group would give nothing


class AddAccountForm(forms.ModelForm):
    password1 = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Leave it empty, and the person is invited by mail to set one.",
    )
    password2 = forms.CharField(
        label="Password again",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ["email", *ROLE_FIELDS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password1")
        if password != cleaned.get("password2"):
            self.add_error("password2", "The two passwords differ.")
        elif password:
            try:
                validate_password(password, User(email=cleaned.get("email", "")))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = [*actions.OWN_FIELDS, "intake"]

    def clean_intake(self) -> dict[str, Any]:
        intake = self.cleaned_data["intake"] or {}
        if not isinstance(intake, dict):
            raise forms.ValidationError('Write attributes by name, for example {"profession": "nurse"}.')
        return intake


class ProfileInline(admin.StackedInline):
    model = Profile
    form = ProfileForm
    can_delete = False
    max_num = 1

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _manages_accounts(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _manages_accounts(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _manages_accounts(request)


def _manages_accounts(request: HttpRequest) -> bool:
    user: Any = request.user
    return user.is_active and user.is_staff and user.may(Verb.MANAGE_ACCOUNTS)


@admin.register(User)
class UserAdmin(ImportExportMixin, VerbAdmin):
    view_verb = add_verb = change_verb = Verb.MANAGE_ACCOUNTS

    list_display = ["email", "name", "is_active", "role", "access", "second_factor", "last_login"]
    list_filter = ["is_active", "is_superuser", "is_data_staff", "is_staff"]
    search_fields = ["email", "profile__name"]
    list_select_related = ["profile"]
    actions = ["send_invitation", "deactivate", "reactivate", "sign_out_everywhere", "reset_second_factor"]
    inlines = [ProfileInline]
    readonly_fields = ["access", "second_factor", "is_active", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "access", "second_factor", "is_active", "last_login", "date_joined"]}),
        ("Roles in all studies", {"fields": ROLE_FIELDS}),
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "password1", "password2"]}),
        ("Roles in all studies", {"fields": ROLE_FIELDS}),
    ]

    resource_classes = [RosterResource]
    import_form_class = RosterImportForm
    confirm_form_class = RosterConfirmForm
    export_form_class = ExportForm
    import_template_name = "admin/participants/user/import.html"
    skip_admin_log = True  # the audit trail has it

    # --- what is shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        open_invitations = Prefetch("invitations", queryset=Invitation.objects.open(), to_attr="open_invitations")
        devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(has_second_factor=Exists(devices)).prefetch_related(open_invitations)

    @admin.display(ordering="profile__name")
    def name(self, user: User) -> str:
        return user.profile.name if hasattr(user, "profile") else ""

    @admin.display(ordering="-is_superuser")
    def role(self, user: User) -> str:
        names = [("administrator", user.is_superuser), ("data staff", user.is_data_staff)]
        return ", ".join(text for text, has in names if has) or ("study staff" if user.is_staff else "participant")

    @admin.display(description="access")
    def access(self, user: User) -> str:
        """How far the person is on the way to a password of their own."""
        if not user.is_active:
            return "deactivated"
        if user.has_usable_password():
            return "has a password"
        invitations: list[Invitation] = getattr(user, "open_invitations", [])
        if not invitations:
            return "not invited"
        if invitations[0].mailed_at is None:
            return "invited; the mail has not gone out"
        return f"invited until {invitations[0].expires_at:%d %b %Y}"

    @admin.display(description="second factor", boolean=True, ordering="has_second_factor")
    def second_factor(self, user: User) -> bool:
        return bool(getattr(user, "has_second_factor", False))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["labels"] = {"is_superuser": "Administrator"}
        kwargs["help_texts"] = {"is_superuser": "May do everything, in every study."}
        if obj is None:
            kwargs["form"] = AddAccountForm
        return super().get_form(request, obj, change=change, **kwargs)

    # --- writes, by actions

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            texts = [text for field_texts in error.errors.values() for text in field_texts]
            messages.error(request, " ".join([error.detail, *texts]))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        by: Any = request.user
        roles: dict[str, Any] = {name: bool(form.cleaned_data[name]) for name in ROLE_FIELDS}
        if not change:
            password = form.cleaned_data.get("password1") or None
            obj.pk = actions.create_account(email=obj.email, by=by, password=password, **roles).pk
            obj._state.adding = False
            obj.refresh_from_db()
            return
        if "email" in form.changed_data:
            actions.change_address(user=obj, email=form.cleaned_data["email"], by=by)
        actions.change_global_role(user=obj, by=by, **roles)

    def save_formset(self, request: HttpRequest, form: ModelForm, formset: BaseModelFormSet, change: bool) -> None:
        formset.save(commit=False)  # only so that Django's change message finds its lists
        by: Any = request.user
        for row in formset.forms:
            if row.has_changed():
                fields = {name: row.cleaned_data[name] for name in row.changed_data if name != "id"}
                actions.change_profile(user=form.instance, by=by, **fields)

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> None:  # type: ignore[override]
        """Not kept twice: the audit trail has it, without the address."""

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> None:  # type: ignore[override]
        """See log_addition."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        query = urlencode({"target_type": "participants.user", "target_id": object_id})
        return HttpResponseRedirect(f"{reverse('admin:foundation_auditevent_changelist')}?{query}")

    def _each(self, request: HttpRequest, users: QuerySet[User], act: Callable[..., Any], done: str) -> None:
        by: Any = request.user
        count = 0
        for user in users:
            try:
                act(user=user, by=by)
                count += 1
            except DomainError as error:
                messages.warning(request, f"Not done for {user.email}: {error.detail}")
        messages.success(request, f"{count} {done}.")

    @admin.action(description="Send an invitation to set a password", permissions=["change"])
    def send_invitation(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, actions.invite, "invitations are on their way")

    @admin.action(description="Deactivate: end all access at once", permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, actions.deactivate, "accounts deactivated")

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, actions.reactivate, "accounts reactivated")

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out_everywhere(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, actions.sign_out_everywhere, "accounts signed out everywhere")

    @admin.action(description="Reset the second factor (app and recovery codes are lost)", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._each(request, users, actions.reset_second_factor, "second factors taken away")

    # --- roster

    def has_import_permission(self, request: HttpRequest) -> bool:
        return _manages_accounts(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return _manages_accounts(request)

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            initial["send_invitations"] = import_form.cleaned_data["send_invitations"]
        return initial

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs["form"]
        return {"send_invitations": bool(form.is_valid() and form.cleaned_data.get("send_invitations"))}

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        if result.has_errors() or result.has_validation_errors():
            texts = [str(error.error) for error in result.base_errors]
            texts += [f"Row {row.number}: {row.error_dict}" for row in result.invalid_rows[:20]]
            messages.error(request, "Nothing was imported. " + " ".join(texts))
            return HttpResponseRedirect(reverse("admin:participants_user_import"))
        response: HttpResponse = super().process_result(result, request)
        return response

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        new, kept = result.totals[RowResult.IMPORT_TYPE_NEW], result.totals[RowResult.IMPORT_TYPE_SKIP]
        messages.success(request, f"{new} accounts created; {kept} addresses had an account, which is kept as it was.")

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[User], **kwargs: Any) -> Any:
        with transaction.atomic():
            data = super().get_export_data(file_format, request, queryset, **kwargs)
            audit.record(
                action="roster_exported",
                by=request.user,
                target=("participants.user", "roster"),
                data={"rows": queryset.count(), "filters": sorted(request.GET)},
            )
        return data
