"""What the actions of studies share: the lock of a study, and refusals in the project's error form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from augmed.foundation.errors import Conflict, Invalid
from experiments.models import Experiment


def locked(experiment: Experiment, *, alone: bool = False) -> Experiment:
    """The study as it is now, locked until the transaction ends: one draw, one amendment, one arrival at a time.

    Reviews can still be opened meanwhile, unless `alone`: for what changes its status or protocol. (SQLite has one
    writer at a time by BEGIN IMMEDIATE.)"""
    return Experiment.objects.select_for_update(no_key=not alone).get(pk=experiment.pk)


def clean(instance: models.Model, *, exclude: tuple[str, ...] = ()) -> None:
    """Validate fields and constraints; Invalid names each field that was not accepted."""
    try:
        instance.full_clean(exclude=exclude)
    except ValidationError as error:
        messages: dict[str, list[str]] = {NON_FIELD_ERRORS: error.messages}
        if hasattr(error, "error_dict"):
            messages = error.message_dict
        said = "; ".join(text for texts in messages.values() for text in texts)
        raise Invalid(f"The {instance._meta.verbose_name} was not accepted: {said}", errors=messages) from error


def refuse_unknown_languages(languages: Sequence[str]) -> None:
    """At least one, each once, of those that the screens have too."""
    offered = dict(settings.LANGUAGES)
    if not languages or len(set(languages)) != len(languages) or not all(code in offered for code in languages):
        message = f"Choose at least one language, each once, of: {', '.join(offered)}."
        raise Invalid(message, errors={"languages": [message]})


def refuse_when_over(experiment: Experiment) -> None:
    """A completed study keeps its design."""
    if experiment.is_over:
        raise Conflict(f"The study is {experiment.get_status_display()}: its design stays as it is.", code="study_over")


def apply_fields(instance: models.Model, fields: dict[str, Any], allowed: frozenset[str]) -> list[str]:
    """Set the fields that differ and return their names; Invalid for a field that this action does not set."""
    if unknown := sorted(fields.keys() - allowed):
        raise Invalid(
            f"Cannot set {', '.join(unknown)} here.",
            errors={name: ["This field cannot be set here."] for name in unknown},
        )
    changed = [name for name, value in fields.items() if getattr(instance, name) != value]
    for name in changed:
        setattr(instance, name, fields[name])
    return changed
