"""Who may do what in one study."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid, NotFound
from experiments.models import Experiment, StudyRole
from experiments.roles import ROLES, forget_roles_held
from participants.actions.epoch import raise_epoch
from participants.models import User


def grant_role(*, user: User, experiment: Experiment, role: str, by: Any) -> StudyRole:
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
            # Whoever gives a role to themselves (the maker of a study) asked for it with the token they hold.
            _roles_changed(user, is_staff=True, sign_out=user != by)
            audit.record(
                action="study_role_granted",
                by=by,
                target=user,
                data={"role": role},
                experiment_id=experiment.pk,
            )
    return granted


def revoke_role(*, user: User, experiment: Experiment, role: str, by: Any) -> None:
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


def _roles_changed(user: User, *, is_staff: bool, sign_out: bool = True) -> None:
    """A role changed by somebody else makes every token issued before it invalid."""
    user.is_staff = is_staff
    user.save(update_fields=["is_staff"])
    if sign_out:
        raise_epoch(user)
    forget_roles_held(user)
