"""From the bodies of requests to plain values. Whatever cannot be read is a 400 that says where and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ValidationError

from augmed.published.envelope import body_of
from cases.disclosure import DisclosureError, Style, style_as_said
from experiments.actions.begin import WrittenArm, WrittenStudy
from experiments.design.arm_paths import StyledPath
from experiments.display_configs.written import storable

LONGEST_NAME = 200
LONGEST_TEXT = 10_000
LONGEST_PATH = 2_000
MOST_ARMS = 50
MOST_PATHS = 2_000
MOST_PAIRS = 100_000
HIGHEST_WEIGHT = 1_000
LARGEST_NUMBER = 2**63 - 1


class Unreadable(ValueError):
    """What is wrong with a value, to be told with its place."""


def bad_request(message: str) -> ValidationError:
    return ValidationError(message)


def text_of(value: Any, place: str, *, longest: int = LONGEST_TEXT, needed: bool = False) -> str:
    """A text, trimmed; "" for null where none is needed."""
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"'{place}' must be a text.")
    text = value.strip()
    if needed and not text:
        raise Unreadable(f"'{place}' must not be empty.")
    if len(text) > longest:
        raise Unreadable(f"'{place}' has at most {longest:,} characters.")
    if not storable(text):
        raise Unreadable(f"'{place}' holds a character that cannot be stored.")
    return text


def whole_number(value: Any, place: str, *, least: int, most: int = LARGEST_NUMBER) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Unreadable(f"'{place}' must be a whole number from {least} to {most}.")
    return value


def list_of(value: Any, place: str, *, most: int) -> list[Any]:
    """A list; [] for null."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"'{place}' must be a list.")
    if len(value) > most:
        raise Unreadable(f"'{place}' has at most {most:,} entries.")
    return value


def object_of(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable(f"'{place}' must be an object.")
    return value


def paths_of(value: Any, place: str) -> tuple[StyledPath, ...]:
    """A `path_config`: a list of {path, style?}."""
    found = []
    for index, entry in enumerate(list_of(value, place, most=MOST_PATHS)):
        here = f"{place}[{index}]"
        entry = object_of(entry, here)
        path = text_of(entry.get("path"), f"{here}.path", longest=LONGEST_PATH, needed=True)
        found.append((path, _style(entry.get("style"), f"{here}.style")))
    return tuple(found)


def written_study(data: Any) -> WrittenStudy:
    """The body of "make an experiment"."""
    body = body_of(data)
    if not body.get("name") or not body.get("arms"):
        raise bad_request("'name' and 'arms' are required")
    try:
        cases, emails = _pool(body.get("case_pool"))
        return WrittenStudy(
            name=text_of(body["name"], "name", longest=LONGEST_NAME, needed=True),
            description=text_of(body.get("description"), "description"),
            arms=_arms(body["arms"]),
            cases=cases,
            emails=emails,
            # AugMed's scripts know of no confirming, and of no other visibility than their page_config's.
            confirmed=confirmed_of(body) if "confirmed" in body else frozenset({"compatibility_visibility"}),
        )
    except Unreadable as error:
        raise bad_request(str(error)) from error


def confirmed_of(body: Mapping[str, Any]) -> frozenset[str]:
    """The codes of confirmable problems that are accepted."""
    listed = list_of(body.get("confirmed"), "confirmed", most=100)
    return frozenset(text_of(code, f"confirmed[{index}]", longest=100) for index, code in enumerate(listed))


def _arms(value: Any) -> tuple[WrittenArm, ...]:
    arms = []
    for index, entry in enumerate(list_of(value, "arms", most=MOST_ARMS)):
        here = f"arms[{index}]"
        entry = object_of(entry, here)
        name = text_of(entry.get("name"), f"{here}.name", longest=100, needed=True)
        weight = whole_number(entry.get("weight", 1), f"{here}.weight", least=1, most=HIGHEST_WEIGHT)
        arms.append(WrittenArm(name, paths_of(entry.get("path_config"), f"{here}.path_config"), weight))
    return tuple(arms)


def _pool(value: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Cases and participants of a pool, each once, in the order of their first entries.

    A study gives everybody all its cases, so a pool that names people must name each of them with each case."""
    pairs: dict[tuple[str, int], None] = {}
    for index, entry in enumerate(list_of(value, "case_pool", most=MOST_PAIRS)):
        here = f"case_pool[{index}]"
        entry = object_of(entry, here)
        email = text_of(entry.get("user_email"), f"{here}.user_email", longest=254).lower()
        pairs[email, whole_number(entry.get("case_id"), f"{here}.case_id", least=-LARGEST_NUMBER)] = None
    cases = tuple(dict.fromkeys(case for _email, case in pairs))
    emails = tuple(dict.fromkeys(email for email, _case in pairs if email))
    for email in emails:
        if missing := [case for case in cases if (email, case) not in pairs]:
            raise Unreadable(
                f"'case_pool' must name every participant with every case, and does not name {email} with "
                f"case {missing[0]}. Give single cases to single people by /api/v1/configs/batch."
            )
    return cases, emails


def _style(value: Any, place: str) -> Style:
    try:
        return style_as_said(value)
    except DisclosureError as error:
        raise Unreadable(f"'{place}': {error}.") from error
