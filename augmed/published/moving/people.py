"""Accounts: who was on AugMed's roster, with the password of those who had signed up."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.hashers import is_password_usable
from django.db import transaction

from augmed.published.moving.cells import CellError, moment, truth
from augmed.published.moving.move import BATCH, Kind, Move, address
from augmed.published.moving.staging import Row
from experiments.display_configs.written import storable
from experiments.models import StudyRole
from participants.hashers import AugMedScryptPasswordHasher
from participants.models import User
from participants.roster import check_roster, import_roster

_TABLE = "user"
_HASH_BYTES = 128


def move_people(move: Move) -> None:
    """Make the accounts that are not here. Neither AugMed's administrators nor deactivated accounts are given rights;
    a password follows AugMed's for as long as its owner has not signed in or set one here."""
    rows = list(move.staging.rows('SELECT * FROM "user" ORDER BY row_number'))
    counts = move.report.of(_TABLE)
    counts.read += len(rows)
    leaders = _one_of_each(move, rows)
    known = move.known(Kind.USER, [row["id"] for row in leaders])
    with transaction.atomic():
        came = _create(move, [row for row in leaders if row["id"] not in known])
        changed = _follow_passwords(move, leaders)
        counts.came_over += len(came)
        counts.was_there += len([row for row in leaders if row["id"] in known])
        counts.changed += len(set(changed) - {user.pk for user in came})
        if came or changed:
            move.audit(Kind.USER, {"accounts": [user.pk for user in came], "passwords": changed})


def _one_of_each(move: Move, rows: Sequence[Row]) -> list[Row]:
    """One row for each address in lower case: of two that differ in case alone, the one that was in use."""
    leaders: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (not _is_active(row), row["row_number"])):
        first = leaders.setdefault(address(row["email"]), row)
        if first is not row:
            reason = (
                f"its address is that of user {first['id']} but for upper and lower case, which is one account here"
            )
            move.report.could_not(_TABLE, row["id"], row["row_number"], reason)
    return sorted(leaders.values(), key=lambda row: int(row["row_number"]))


def _create(move: Move, rows: Sequence[Row]) -> list[User]:
    """The accounts of these rows that can be made; those of the others are linked, or said to be wrong."""
    checked = check_roster([_roster_row(row) for row in rows])
    new: list[Row] = []
    linked: list[Row] = []
    for row, check in zip(rows, checked, strict=True):
        if check.errors:
            said = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in check.errors.items())
            move.report.could_not(_TABLE, row["id"], row["row_number"], said)
        else:
            (linked if check.exists else new).append(row)
            _remark(move, row)
    made = import_roster(rows=[_roster_row(row) for row in new], by=move.by).created if new else []
    for user, row in zip(made, new, strict=True):
        user.date_joined = _joined(row) or user.date_joined
    User.objects.bulk_update(made, ["date_joined"], batch_size=500)
    there = {user.email: user for user in _accounts([address(row["email"]) for row in linked])}
    targets = [*zip(new, made, strict=True), *((row, there[address(row["email"])]) for row in linked)]
    move.store(move.record(Kind.USER, row["id"], user) for row, user in targets)
    move.report.of(_TABLE).was_there += len(linked)
    return made


def _remark(move: Move, row: Row) -> None:
    if _flag(row, "admin_flag"):
        text = "was an administrator in AugMed, where nothing depended on it: give a role here, if one is due"
        move.report.note(_TABLE, row["id"], row["row_number"], text)
    if _is_active(row) and _password(row) is None:
        text = "has no password of AugMed's form: its owner sets a new one by 'forgot password'"
        move.report.note(_TABLE, row["id"], row["row_number"], text)


def _follow_passwords(move: Move, rows: Sequence[Row]) -> list[int]:
    """Set AugMed's password where no other has been set here; never for staff, whose rights AugMed did not guard."""
    wanted = {address(row["email"]): _password(row) for row in rows if _is_active(row)}
    changed = []
    accounts = _accounts([email for email, password in wanted.items() if password])
    staff = _staff_among(accounts)
    for user in accounts:
        password = wanted[user.email]
        is_own = is_password_usable(user.password) and not _is_augmeds(user.password)
        if password and not is_own and user.pk not in staff and user.password != password:
            user.password = password
            changed.append(user)
    User.objects.bulk_update(changed, ["password"], batch_size=500)
    return [user.pk for user in changed]


def _staff_among(users: Sequence[User]) -> set[int]:
    """Who may more than a participant: whoever opens the administration, or holds a role in a study."""
    found = {user.pk for user in users if user.is_staff}
    for start in range(0, len(users), BATCH):
        roles = StudyRole.objects.filter(user__in=users[start : start + BATCH])
        found |= set(roles.order_by().values_list("user_id", flat=True))
    return found


def _accounts(addresses: Sequence[str]) -> list[User]:
    found: list[User] = []
    for start in range(0, len(addresses), BATCH):
        found += User.objects.filter(email__in=addresses[start : start + BATCH])
    return found


def accounts_here(addresses: Iterable[str | None]) -> dict[str, int]:
    """The primary keys of the accounts of these addresses, by the address in lower case."""
    wanted = set(filter(storable, map(address, addresses)))  # AugMed's pools hold whatever was sent
    return dict(User.objects.filter(email__in=wanted).order_by().values_list("email", "pk"))


def _roster_row(row: Row) -> dict[str, str]:
    return {
        "email": address(row["email"]),
        "name": row["name"] or "",
        "position": row["position"] or "",
        "employer": row["employer"] or "",
        "area_of_clinical_experience": row["area_of_clinical_ex"] or "",
    }


def _password(row: Row) -> str | None:
    """AugMed's two columns in our one, or None where they are not what it wrote."""
    password, salt = row["password"] or "", row["salt"] or ""
    try:
        is_hash = len(b64decode(password, validate=True)) == _HASH_BYTES
    except ValueError:
        return None
    if not is_hash or not salt or "$" in salt:
        return None
    encoded = f"{AugMedScryptPasswordHasher.algorithm}${salt}${password}"
    longest = User._meta.get_field("password").max_length
    return encoded if longest is None or len(encoded) <= longest else None


def _is_augmeds(encoded: str) -> bool:
    return encoded.startswith(f"{AugMedScryptPasswordHasher.algorithm}$")


def _is_active(row: Row) -> bool:
    return _flag(row, "active")


def _flag(row: Row, column: str) -> bool:
    try:
        return truth(column, row[column])
    except CellError:
        return False  # no right and no password is given for an odd cell


def _joined(row: Row) -> datetime | None:
    try:
        return moment("created_timestamp", row["created_timestamp"])
    except CellError:
        return None
