"""The roster: a table of people that becomes accounts with profiles.

Columns: `email`, the fields of the profile, and any others: `intake.<name>`, or a plain unknown name, is an attribute
of intake. Attributes go into exports beside the pseudonym, so a column that says who somebody is cannot be one.
Checking is one pass with one query per 500 rows; importing is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from participants.actions.accounts import OWN_FIELDS
from participants.actions.invitations import invite
from participants.identifying import identifying_problem
from participants.models import Profile, User

FIRST_ROW = 2  # as a spreadsheet counts: the header is row 1
MAX_LENGTH = 512
INTAKE_PREFIX = "intake."
_KNOWN = frozenset({"email", *OWN_FIELDS})


@dataclass(frozen=True)
class RosterRow:
    """One checked row. `errors` by column; `exists` when the address has an account, which is left as it is."""

    number: int
    email: str
    profile: dict[str, str]
    intake: dict[str, str]
    exists: bool = False
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RosterResult:
    created: list[User]
    kept: list[str]  # addresses that had an account already
    invited: int


def column_errors(headers: Iterable[str]) -> list[str]:
    """What is wrong with the header line."""
    names = [_column(header) for header in headers]
    errors = [f"The column {name!r} is there twice." for name in sorted({n for n in names if names.count(n) > 1})]
    if "email" not in names:
        errors.append("There is no column 'email'.")
    if "" in names or INTAKE_PREFIX in names:
        errors.append(f"Column {min(i for i, n in enumerate(names, 1) if n in ('', INTAKE_PREFIX))} has no name.")
    errors += [
        f"The name of the column {name[:40]!r}… is longer than 100 letters." for name in names if len(name) > 100
    ]
    errors += [refusal for name in names if name not in _KNOWN and (refusal := identifying_problem(name))]
    return errors


def check_roster(rows: Sequence[Mapping[str, Any]]) -> list[RosterRow]:
    """Every row, cleaned, with what is wrong in it. Addresses become lower case; changes nothing."""
    cleaned = [_clean(number, row) for number, row in enumerate(rows, FIRST_ROW)]
    existing = _existing({row.email for row in cleaned if row.email})
    first_seen: dict[str, int] = {}
    checked = []
    for row in cleaned:
        errors = dict(row.errors)
        if row.email:
            first = first_seen.setdefault(row.email, row.number)
            if first != row.number:
                errors.setdefault("email", []).append(f"The address is in row {first} already.")
        checked.append(
            RosterRow(row.number, row.email, row.profile, row.intake, exists=row.email in existing, errors=errors)
        )
    return checked


@transaction.atomic
def import_roster(
    *, rows: Sequence[Mapping[str, Any]], by: User | None, send_invitations: bool = False
) -> RosterResult:
    """Create the accounts and profiles of all rows, or none. An address that has an account is kept as it is."""
    headers = list(dict.fromkeys(header for row in rows for header in row))
    if problems := column_errors(headers or ["email"]):
        raise Invalid("The roster was not imported.", errors={"columns": problems})
    checked = check_roster(rows)
    if wrong := [row for row in checked if row.errors]:
        errors = {f"row {row.number}, {column}": texts for row in wrong for column, texts in row.errors.items()}
        raise Invalid(f"The roster was not imported: {len(wrong)} rows have errors.", errors=errors)
    new = [row for row in checked if not row.exists]
    kept = [row.email for row in checked if row.exists]
    try:
        users = User.objects.bulk_create(
            [User(email=row.email, password=make_password(None)) for row in new], batch_size=500
        )
    except IntegrityError as error:
        raise Conflict("Somebody else created one of these accounts just now. Import again.") from error
    profiles = [Profile(user=user, intake=row.intake, **row.profile) for user, row in zip(users, new, strict=True)]
    Profile.objects.bulk_create(profiles, batch_size=500)
    if send_invitations:
        for user in users:
            invite(user=user, by=by)
    audit.record(
        action="roster_imported",
        by=by,
        target=("participants.user", "roster"),
        data={"accounts": [user.pk for user in users], "kept": len(kept), "invited": send_invitations},
    )
    return RosterResult(created=users, kept=kept, invited=len(users) if send_invitations else 0)


def _column(header: Any) -> str:
    """A known column by its plain name ("Area of clinical experience" too); any other as it is written."""
    name = str(header or "").strip()
    plain = name.lower().replace(" ", "_").replace("-", "_")
    if plain in {"email", "e_mail"}:
        return "email"
    return plain if plain in OWN_FIELDS else name


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # how a spreadsheet hands over whole numbers
    return str(value).strip()


def _clean(number: int, row: Mapping[str, Any]) -> RosterRow:
    values = {_column(header): _text(value) for header, value in row.items()}
    errors: dict[str, list[str]] = {}
    for column, value in values.items():
        if "\0" in value:
            errors.setdefault(column, []).append("There is a null character in it.")
        elif len(value) > MAX_LENGTH:
            errors.setdefault(column, []).append(f"It is longer than {MAX_LENGTH} letters.")
    email = values.pop("email", "").lower()
    try:
        if len(email) > 254:
            raise ValidationError("The address is longer than 254 letters.")
        if not email:
            raise ValidationError("The address is missing.")
        validate_email(email)
    except ValidationError as error:
        errors.setdefault("email", []).extend(error.messages)
    profile = {name: values.pop(name) for name in OWN_FIELDS if name in values}
    intake = {name.removeprefix(INTAKE_PREFIX).strip(): value for name, value in values.items() if value}
    return RosterRow(number, email, profile, intake, errors=errors)


def _existing(emails: set[str]) -> set[str]:
    found: set[str] = set()
    ordered = sorted(emails)
    for start in range(0, len(ordered), 500):  # SQLite limits the parameters of one statement
        chunk = ordered[start : start + 500]
        found.update(User.objects.filter(email__in=chunk).values_list("email", flat=True))
    return found
