"""What people may do: every verb of the project in one place, and the default, which is no.

Roles give verbs. The two global roles are below; the roles in one study are in `experiments.roles`.
"""

from enum import StrEnum
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class Verb(StrEnum):
    """A thing that somebody may be allowed to do, in all studies or (where a StudyRole gives it) in one."""

    # across studies
    MANAGE_ACCOUNTS = "manage_accounts"  # accounts, roster, invitations, deactivation
    VIEW_AUDIT = "view_audit"
    VIEW_JOBS = "view_jobs"  # everybody's; one's own need no verb
    MANAGE_SCHEDULES = "manage_schedules"
    CREATE_EXPERIMENT = "create_experiment"
    IMPORT_OMOP = "import_omop"
    VIEW_OMOP = "view_omop"
    CHANGE_OMOP = "change_omop"
    CHANGE_CASES = "change_cases"  # put visits forward, rebuild snapshots
    VIEW_CASES = "view_cases"  # whole cases, undisclosed parts included
    CHANGE_LAYOUTS = "change_layouts"
    VIEW_LAYOUTS = "view_layouts"

    # in a study
    VIEW_EXPERIMENT = "view_experiment"
    CHANGE_DESIGN = "change_design"  # arms, stages, disclosure, questionnaires, case list
    CHANGE_STATUS = "change_status"  # activate, pause, complete, archive
    MANAGE_STUDY_ROLES = "manage_study_roles"
    MANAGE_ENROLMENT = "manage_enrolment"  # enrol, invite, withdraw, consent
    VIEW_PROGRESS = "view_progress"
    VIEW_ARM = "view_arm"  # the arms' design
    VIEW_ALLOCATION = "view_allocation"  # seed, who is in which arm, what is not drawn yet
    VIEW_OUTCOME = "view_outcome"  # answers, with arms masked
    VIEW_OUTCOME_BY_ARM = "view_outcome_by_arm"
    VIEW_REFERENCE = "view_reference"
    ADJUDICATE = "adjudicate"
    EXPORT = "export"
    EXPORT_IDENTIFIED = "export_identified"  # e-mail addresses beside pseudonyms
    ERASE = "erase"  # the two audited actions that may blank facts


ADMINISTRATOR_VERBS = frozenset(Verb)
DATA_STAFF_VERBS = frozenset(
    {
        Verb.IMPORT_OMOP,
        Verb.VIEW_OMOP,
        Verb.CHANGE_OMOP,
        Verb.CHANGE_CASES,
        Verb.VIEW_CASES,
        Verb.CHANGE_LAYOUTS,
        Verb.VIEW_LAYOUTS,
    }
)


class DenyAll(BasePermission):
    """The default of every view: a view that does not state who may answers nobody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class SignedIn(BasePermission):
    """Any active account."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated)


class Anyone(BasePermission):
    """Said out loud: also those who have not signed in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class HasVerb(BasePermission):
    """The verb that the view names as `required_verb` (a Verb, or a dict of them by action)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        required = view.required_verb
        if isinstance(required, dict):
            required = required.get(getattr(view, "action", None))
        return required is not None and request.user.may(required)
