"""Who may do what in one study."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.models import Experiment, StudyRole
from experiments.roles import ROLES


def grant_role(*, user: Any, experiment: Experiment, role: str, by: Any) -> StudyRole:
    """Give a person a role in one study, and with it the way into the admin. A role held already stays as it is."""
    if role not in ROLES:
        raise Invalid(f"There is no study role {role!r}.", errors={"role": [f"One of {', '.join(ROLES)}."]})
    if not user.is_active:
        raise Conflict("The account is deactivated.", code="account_inactive")
    with transaction.atomic():
        granted, created = StudyRole.objects.get_or_create(
            user=user, experiment=experiment, role=role, defaults={"granted_by": by}
        )
        if created:
            _roles_changed(user, is_staff=True)
            audit.record(
                action="study_role_granted",
                by=by,
                target=user,
                data={"role": role},
                experiment_id=experiment.pk,
            )
    return granted


def revoke_role(*, user: Any, experiment: Experiment, role: str, by: Any) -> None:
    """Take a role back. Without any role left, the way into the admin closes. The last lead of a study stays."""
    with transaction.atomic():
        # Locked in one order, so that two leads who revoke each other at once cannot leave the study without one.
        held = list(StudyRole.objects.select_for_update().filter(experiment=experiment, role=role).order_by("pk"))
        mine = [grant for grant in held if grant.user_id == user.pk]
        if not mine:
            raise NotFound("The person does not hold this role.")
        if role == StudyRole.Role.LEAD and len(held) == 1:
            raise Conflict("This is the study's only lead: appoint another one first.", code="last_lead")
        mine[0].delete()
        elsewhere = StudyRole.objects.filter(user=user).exists()
        _roles_changed(user, is_staff=user.is_superuser or user.is_data_staff or elsewhere)
        audit.record(
            action="study_role_revoked",
            by=by,
            target=user,
            data={"role": role},
            experiment_id=experiment.pk,
        )


def _roles_changed(user: Any, *, is_staff: bool) -> None:
    """A changed role makes every token issued before it invalid."""
    type(user).objects.get_queryset().filter(pk=user.pk).update(is_staff=is_staff, token_epoch=F("token_epoch") + 1)
    user.refresh_from_db(fields=["is_staff", "token_epoch"])
    user.__dict__.pop("global_verbs", None)
