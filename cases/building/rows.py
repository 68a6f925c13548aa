"""Rows of event tables as plain values, and the law: nothing from after the index time.

A row is known when it began at or before the index time. Of a known row, whatever only its end made known (the end
itself, why it stopped, how long it lasted) is blanked unless the end, too, lies at or before the index time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Literal

MIDNIGHT = time(0, 0)  # in OMOP: the time of day is unknown


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of an event table. `values` holds the value columns of its table by name.

    `end_date`, `end_datetime` and `later` (the other columns that an end makes known) may lie in the future of a
    reader: only what `known_at` returns may be shown.
    """

    source: str
    table: str
    row_id: int
    person_id: int
    visit_id: int | None
    concept_id: int
    type_concept_id: int
    start_date: date
    start_datetime: datetime | None = None
    end_date: date | None = None
    end_datetime: datetime | None = None
    later: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    source_value: str | None = None

    @property
    def started(self) -> datetime:
        """When it began, at midnight where the time is unknown; for order only."""
        known = known_time(self.start_datetime)
        return known if known is not None else datetime.combine(self.start_date, MIDNIGHT)

    @property
    def date_text(self) -> str:
        """YYYY-MM-DD, with THH:MM:SS where the time is known."""
        known = known_time(self.start_datetime)
        return self.start_date.isoformat() if known is None else known.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the person table says. Names of coded values are looked up by the concept ids."""

    person_id: int
    year_of_birth: int
    month_of_birth: int | None = None
    day_of_birth: int | None = None
    birth_datetime: datetime | None = None
    coded: Mapping[str, tuple[int, str | None]] = field(default_factory=dict)
    """By demographic (gender, race, ethnicity): concept id and source value."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a case is built from: whose, which visit, and up to when it is known."""

    person_id: int
    visit_id: int | None
    index_at: datetime


def known_time(moment: datetime | None) -> datetime | None:
    """The moment, or None where there is none or its time of day is unknown (00:00)."""
    return None if moment is None or moment.time() == MIDNIGHT else moment


def not_after(day: date, moment: datetime | None, index_at: datetime) -> bool:
    """Is this at or before the index time? By date where the time of day is unknown.

    Where a row's date and datetime contradict each other, both must pass.
    """
    if day > index_at.date():
        return False
    return moment is None or (moment.date() <= index_at.date() and (moment.time() == MIDNIGHT or moment <= index_at))


def ended_by(row: SourceRow, index_at: datetime) -> bool:
    """Did the row end at or before the index time? A row without an end has not."""
    if row.end_date is None and row.end_datetime is None:
        return False
    day = row.end_date if row.end_date is not None else row.end_datetime.date()  # type: ignore[union-attr]
    return not_after(day, row.end_datetime, index_at)


def known_at(row: SourceRow, index_at: datetime) -> SourceRow | None:
    """The row as it was known at the index time: None if it had not begun, without its end if that was to come."""
    if not not_after(row.start_date, row.start_datetime, index_at):
        return None
    if row.end_date is None and row.end_datetime is None and not row.later:
        return row
    if not ended_by(row, index_at):
        return replace(row, end_date=None, end_datetime=None, later={})
    later = {name: value for name, value in row.later.items() if not _is_later(value, index_at)}
    return replace(row, later=later)


def _is_later(value: Any, index_at: datetime) -> bool:
    if isinstance(value, datetime):
        return not not_after(value.date(), value, index_at)
    return isinstance(value, date) and value > index_at.date()


def in_window(row: SourceRow, window: Literal["all", "visit", "days", "latest"], number: int, case: CaseFacts) -> bool:
    """Is a known row inside a node's window? `latest` counts within a feature, so it is applied there."""
    if window == "visit":
        return case.visit_id is not None and row.visit_id == case.visit_id
    if window == "days":
        return (case.index_at.date() - row.start_date).days <= number
    return True


def age_at(person: PersonFacts, moment: datetime) -> int | None:
    """Completed years at `moment`; None before birth. A part of the birthday that is unknown counts as reached."""
    born = person.birth_datetime
    same_year = born is not None and born.year == person.year_of_birth
    month = person.month_of_birth or (born.month if born is not None and same_year else None)
    same_month = born is not None and same_year and born.month == month
    day = person.day_of_birth or (born.day if born is not None and same_month else None)
    to_come = month is not None and (moment.month, moment.day) < (month, day if day is not None else 1)
    age = moment.year - person.year_of_birth - to_come
    return age if age >= 0 else None
