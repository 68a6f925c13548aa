"""The roster as AugMed's teams post and read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.errors import NotFound
from augmed.foundation.permissions import HasVerb, SignedIn, Verb
from augmed.published.base import PublishedView, answer
from participants.authentication import STAFF_AUTHENTICATION
from participants.models import User
from participants.models.user import UserQuerySet
from participants.roster import RosterRow, check_roster, import_roster

Json = dict[str, Any]
LONGEST = 512


class PersonSerializer(serializers.Serializer[Any]):
    """The contract's names. What is no text, or an address of another form, is a 400 for the whole request."""

    # The length stands in the expression too: of a long text without a dot it would try every '@'.
    email = serializers.RegexField(r"^(?=.{1,254}$)\S+@\S+\.\S+$", max_length=254)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=LONGEST)
    position = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=LONGEST)
    employer = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=LONGEST)
    area_of_clinical_ex = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=LONGEST)


class RosterSerializer(serializers.Serializer[Any]):
    users = PersonSerializer(many=True, allow_empty=False)


class RosterView(PublishedView):
    authentication_classes = STAFF_AUTHENTICATION
    permission_classes = [HasVerb]
    required_verb = Verb.MANAGE_ACCOUNTS

    def get(self, request: Request) -> Response:
        return answer({"users": _people_json(User.objects.visible_to(request.user))})

    def post(self, request: Request) -> Response:
        """Put people on the roster; they set their passwords themselves. Each address is told what became of it."""
        people = _given(request.data)
        return answer(add_to_roster(people, by=request.user), status=201)


class PersonView(PublishedView):
    """One account: any for those who manage accounts, for everybody else their own; others are absent."""

    authentication_classes = STAFF_AUTHENTICATION
    permission_classes = [SignedIn]

    def get(self, request: Request, key: str) -> Response:
        people = User.objects.visible_to(request.user).select_related("profile")
        user = people.filter(pk=int(key)).first()
        if user is None:
            raise NotFound("There is no such person on the roster.")
        return answer({"name": user.profile.name if hasattr(user, "profile") else "", "email": user.email})


def add_to_roster(people: Sequence[Mapping[str, str]], *, by: Any) -> dict[str, str]:
    """What became of each address as it was written. What is in the roster already, or wrong, hinders no other.

    Of an address that is there twice, in whatever case, the first mention counts: at the next it is there already."""
    first: dict[str, Mapping[str, str]] = {}
    for person in people:
        first.setdefault(person["email"].lower(), person)
    checked = dict(zip(first, check_roster(list(first.values())), strict=True))
    new = [first[email] for email, row in checked.items() if not row.errors and not row.exists]
    if new:
        import_roster(rows=new, by=by)
    found = {person["email"]: _said(checked[email]) for email, person in first.items()}
    for person in people:
        row = checked[person["email"].lower()]
        found.setdefault(person["email"], _said(row if row.errors else replace(row, exists=True)))
    return found


def _said(row: RosterRow) -> str:
    if row.errors:
        return f"failed: {' '.join(text for texts in row.errors.values() for text in texts)}"
    return "failed: already existed" if row.exists else "added"


def _given(data: Any) -> list[dict[str, str]]:
    serializer = RosterSerializer(data=data)
    serializer.is_valid(raise_exception=True)
    people = serializer.validated_data["users"]
    if len(people) > settings.ADMIN_IMPORT_MAX_ROWS:
        raise ParseError(f"users: at most {settings.ADMIN_IMPORT_MAX_ROWS:,} at once.")
    renamed = {"area_of_clinical_ex": "area_of_clinical_experience"}
    return [{renamed.get(name, name): value or "" for name, value in person.items()} for person in people]


# The contract's names, and the columns they come from.
_SHOWN = {
    "id": "pk",
    "name": "profile__name",
    "email": "email",
    "position": "profile__position",
    "employer": "profile__employer",
    "area_of_clinical_ex": "profile__area_of_clinical_experience",
    "active": "own_password",
    "admin_flag": "is_superuser",
}


def _people_json(users: UserQuerySet) -> list[Json]:
    """One query. Who may log in with a password of their own is what the contract calls active."""
    rows = users.with_own_password().order_by("pk").values_list(*_SHOWN.values())
    return [dict(zip(_SHOWN, row, strict=True)) for row in rows]
