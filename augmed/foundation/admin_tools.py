"""What every page of the admin shares: permissions by verb, rows by `visible_to`, writes by actions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest

from augmed.foundation.permissions import Verb


class VerbAdmin(admin.ModelAdmin):
    """A ModelAdmin that asks verbs, not Django's model permissions. Denies whatever has no verb.

    Deleting is never offered: what may go has an action of its own."""

    view_verb: Verb | None = None
    add_verb: Verb | None = None
    change_verb: Verb | None = None
    delete_verb: Verb | None = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        queryset = super().get_queryset(request)
        visible = getattr(queryset, "visible_to", None)
        return visible(request.user) if visible else queryset

    def may(self, request: HttpRequest, verb: Verb | None, obj: Any = None) -> bool:
        """Overridden where the verb belongs to a study (experiments.admin_tools.StudyAdmin)."""
        user: Any = request.user
        return verb is not None and user.is_active and user.is_staff and user.may(verb)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the page offers as a filter. Django lets an address ask about every column of the table, and so
        guess those that the page does not show (a seed, an arm) by what it finds."""
        assert request is not None  # Django 5 always gives it
        offered = set()
        for item in self.get_list_filter(request):
            if isinstance(item, type) and issubclass(item, admin.SimpleListFilter):
                offered.add(item.parameter_name)
            else:
                offered.add(str(item[0] if isinstance(item, list | tuple) else item))
        named = any(lookup == name or lookup.startswith(f"{name}__") for name in offered)
        return named and super().lookup_allowed(lookup, value, request)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        # What a person may not see does not exist for them: the same 404 as in the API, not Django's redirect.
        raise Http404(f"There is no such {opts.verbose_name}.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.view_verb or self.change_verb, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.add_verb, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_verb, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.delete_verb, obj)


class ReadOnlyAdmin(VerbAdmin):
    """A page that only shows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
