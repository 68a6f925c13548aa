"""Pages of one study in the admin: the verb is asked in the study of the row, and a foreign row is absent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import models
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponseBase

from augmed.foundation.admin_tools import VerbAdmin
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments import roles
from experiments.models import Experiment


def may_in_study(request: HttpRequest, verb: Verb, experiment: Experiment | None) -> bool:
    """May the person of this request do `verb` in the study (None: in any)? One query a verb and study, then none.

    Django's admin asks the same question many times while it builds a page."""
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return False
    answers: dict[tuple[Verb, int | None], bool] = request.__dict__.setdefault("_study_verbs", {})
    place = (verb, experiment.pk if experiment else None)
    if place not in answers:
        answers[place] = roles.may(user, verb, experiment) if experiment else roles.may_in_any_study(user, verb)
    return answers[place]


def study_or_404(request: HttpRequest, pk: Any, verb: Verb) -> Experiment:
    """A study the person may do `verb` in. Absent studies, and those of others, are 404 alike; a study that may be
    seen, but not for this, is 403."""
    try:
        experiment = Experiment.objects.visible_to(request.user).select_related("layout", "protocol").get(pk=pk)
    except (Experiment.DoesNotExist, ValueError, OverflowError) as error:
        raise Http404 from error
    if not may_in_study(request, verb, experiment):
        raise PermissionDenied
    return experiment


def show_refusal(request: HttpRequest, error: DomainError) -> None:
    """Tell on the next page why an action refused, field by field."""
    messages.error(request, error.detail)
    for field, texts in error.errors.items():
        for text in texts:
            if text != error.detail:
                messages.error(request, placed(field, text))


def placed(field: str, text: str) -> str:
    """What an action says of a place that is no field of the form."""
    return text if field in ("", NON_FIELD_ERRORS) else f"{field}: {text}"


def _names_person(field: models.Field[Any, Any]) -> Any:
    """What stands for a read-only field of an account: its name, without the link."""

    @admin.display(description=field.verbose_name)
    def person(obj: Any) -> str:
        account = getattr(obj, field.name)
        return "-" if account is None else str(account)

    person.__name__ = field.name  # the class of its cell
    return person


def _unlink_people(part: Any, model: type[models.Model], readonly: Iterable[Any]) -> None:
    """Show the accounts of a part of a change page (django.contrib.admin.helpers) as text: Django links every
    read-only foreign key whose model has an admin page, whether or not the person may open that page."""
    accounts = {field.name: field for field in model._meta.fields if field.related_model is get_user_model()}
    people = {name: _names_person(accounts[name]) for name in readonly if name in accounts}
    if not people:
        return

    def put(fields: Any) -> list[Any]:
        return [put(each) if isinstance(each, list | tuple) else people.get(each, each) for each in fields]

    part.fieldsets = [(title, {**options, "fields": put(options["fields"])}) for title, options in part.fieldsets]
    part.readonly_fields = [*part.readonly_fields, *people.values()]


def add_refusal(form: BaseForm, error: DomainError) -> None:
    """Tell in a form why an action refused what it holds, at the fields where it has them."""
    form.add_error(None, error.detail)
    for field, texts in error.errors.items():
        for text in texts:
            if field in form.fields:
                form.add_error(field, text)
            elif text != error.detail:
                form.add_error(None, placed(field, text))


class _TellsRefusal(BaseForm):
    """A form that carries what an action refused, so that what was typed stays on the page."""

    refusal: DomainError | None = None

    def _clean_form(self) -> None:
        super()._clean_form()  # type: ignore[misc]
        if self.refusal is not None:
            add_refusal(self, self.refusal)


class StudyAdmin(VerbAdmin):
    """A VerbAdmin whose verbs are asked in the study of the row. `experiment_path` leads from the row to its study
    ("" where the row is the study)."""

    experiment_path = "experiment"
    change_form_template = "admin/experiments/change_form.html"

    def experiment_of(self, obj: Any) -> Experiment | None:
        for step in filter(None, self.experiment_path.split("__")):
            obj = getattr(obj, step, None)
        return obj if isinstance(obj, Experiment) and obj.pk else None

    def may(self, request: HttpRequest, verb: Verb | None, obj: Any = None) -> bool:
        return verb is not None and may_in_study(request, verb, self.experiment_of(obj) if obj is not None else None)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        queryset = admin.ModelAdmin.get_queryset(self, request)
        verb = self.view_verb or self.change_verb
        if verb is None:
            return queryset.none()
        studies = Experiment.objects.where_may(request.user, verb)
        return queryset.filter(**{f"{self.experiment_path or 'pk'}__in": studies})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[Any]:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (_TellsRefusal, form), {"refusal": getattr(request, "refusal", None)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            request.refusal = error  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Who adds something from a list that is filtered by study means that study."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        for name, value in parse_qsl(request.GET.get("_changelist_filters", "")):
            if name.endswith("experiment__id__exact"):
                initial.setdefault("experiment", value)
        return initial

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        user: Any = request.user
        if not user.may(Verb.MANAGE_ACCOUNTS):
            form = context["adminform"]
            _unlink_people(form, self.model, form.readonly_fields)
            for inline in context["inline_admin_formsets"]:
                shown = inline.readonly_fields if inline.has_change_permission else flatten_fieldsets(inline.fieldsets)
                _unlink_people(inline, inline.opts.model, shown)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        try:
            return super().response_action(request, queryset)
        except DomainError as error:
            show_refusal(request, error)
            return None

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponseBase:
        # Django would redirect with a message; here a foreign row and an absent one are the same 404.
        raise Http404

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None  # the audit trail of the actions is the log; Django's own would hold names

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None


class StudyReadOnlyAdmin(StudyAdmin):
    """A page that only shows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
