"""The roles in one study: what each may do, and the one place that answers "may this person do that there?"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models

from augmed.foundation.permissions import Verb

if TYPE_CHECKING:
    from experiments.models.experiment import Experiment, ExperimentQuerySet


@dataclass(frozen=True)
class Role:
    key: str
    description: str
    verbs: frozenset[Verb]
    everywhere: frozenset[Verb] = frozenset()  # what holding the role in any study gives beyond that study


_READING = frozenset({Verb.VIEW_EXPERIMENT, Verb.VIEW_PROGRESS})

LEAD = Role(
    "lead",
    "Designs and runs the study. Sees the arms, not the outcomes by arm.",
    _READING
    | {
        Verb.CHANGE_DESIGN,
        Verb.CHANGE_STATUS,
        Verb.MANAGE_STUDY_ROLES,
        Verb.MANAGE_ENROLMENT,
        Verb.VIEW_ARM,
        Verb.VIEW_OUTCOME,
        Verb.VIEW_REFERENCE,
        Verb.EXPORT,
    },
    # A study is made from cases and layouts, and whoever leads one may begin another.
    everywhere=frozenset(
        {Verb.CREATE_EXPERIMENT, Verb.VIEW_CASES, Verb.CHANGE_CASES, Verb.VIEW_LAYOUTS, Verb.CHANGE_LAYOUTS}
    ),
)
COORDINATOR = Role(
    "coordinator",
    "Invites, enrols and follows participants. Sees neither allocation nor outcomes.",
    _READING | {Verb.MANAGE_ENROLMENT},
)
BLINDED_ANALYST = Role(
    "blinded_analyst",
    "Analyses the outcomes with the arms masked.",
    _READING | {Verb.VIEW_OUTCOME, Verb.VIEW_REFERENCE, Verb.EXPORT},
)
UNBLINDED_ANALYST = Role(
    "unblinded_analyst",
    "Analyses the outcomes by arm, and may see the allocation.",
    BLINDED_ANALYST.verbs | {Verb.VIEW_ARM, Verb.VIEW_ALLOCATION, Verb.VIEW_OUTCOME_BY_ARM},
)
ADJUDICATOR = Role(
    "adjudicator",
    "Reads cases to set the reference standard. Sees no participant's answers.",
    frozenset({Verb.VIEW_EXPERIMENT, Verb.ADJUDICATE, Verb.VIEW_REFERENCE}),
)

ROLES: dict[str, Role] = {
    role.key: role for role in (LEAD, COORDINATOR, BLINDED_ANALYST, UNBLINDED_ANALYST, ADJUDICATOR)
}


def roles_with(verb: Verb) -> list[str]:
    return [role.key for role in ROLES.values() if verb in role.verbs]


def roles_held(user: Any) -> frozenset[str]:
    """The keys of the roles that the user holds in any study. One query for each user object: a request has its own."""
    held: frozenset[str] | None = user.__dict__.get("_roles_held")
    if held is None:
        from experiments.models.study_role import StudyRole

        held = frozenset(StudyRole.objects.filter(user=user).order_by().values_list("role", flat=True).distinct())
        user.__dict__["_roles_held"] = held
    return held


def holds_study_role(user: Any) -> bool:
    return bool(roles_held(user))


def forget_roles_held(user: Any) -> None:
    """For actions that change roles: what this user object remembers of them no longer holds."""
    user.__dict__.pop("_roles_held", None)
    user.__dict__.pop("global_verbs", None)


def verbs_everywhere(user: Any) -> frozenset[Verb]:
    """What the user's study roles give outside any one study."""
    return _within_limit(user, frozenset().union(*(ROLES[key].everywhere for key in roles_held(user))))


def _within_limit(user: Any, verbs: frozenset[Verb]) -> frozenset[Verb]:
    """Who came by an API key may do no more than that allows, whatever the role."""
    allowed: frozenset[Verb] = user.within_limit(verbs)
    return allowed


def _roles_of(user: Any, verb: Verb) -> list[str]:
    """The roles that give this user `verb`."""
    return roles_with(verb) if _within_limit(user, frozenset({verb})) else []


def may_in_any_study(user: Any, verb: Verb) -> bool:
    """Is there, or could there be, a study in which the user may do `verb`?"""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.may(verb) or not roles_held(user).isdisjoint(_roles_of(user, verb))


def experiments_where(queryset: ExperimentQuerySet, user: Any, verb: Verb) -> ExperimentQuerySet:
    """Those of `queryset` in which `user` may do `verb`. No query of its own."""
    if not user.is_authenticated or not user.is_active:
        return queryset.none()
    if user.may(verb):
        return queryset
    from experiments.models.study_role import StudyRole

    held = StudyRole.objects.filter(user=user, role__in=_roles_of(user, verb), experiment=models.OuterRef("pk"))
    return queryset.filter(models.Exists(held))


def may(user: Any, verb: Verb, experiment: Experiment) -> bool:
    """May `user` do `verb` in this study? One query, none for administrators."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.may(verb):
        return True
    return experiment.study_roles.filter(user=user, role__in=_roles_of(user, verb)).exists()
