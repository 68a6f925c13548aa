"""The feed of participants: one row per real enrolment, so that nothing joins the studies of one person unasked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth.hashers import is_password_usable
from django.db.models import BigIntegerField, Case, Count, F, When

from experiments.exports.cells import Column
from experiments.exports.feed.rows import Page, chunks
from experiments.exports.feed.studies import Feed
from experiments.models import Enrolment

_NAMED = "Empty where participants may not be identified."
PARTICIPANTS = (
    Column("user_id", "text", "Number of the account where it may be told, else the pseudonym."),
    Column("position", "text", f"Of the participant. {_NAMED}"),
    Column("employer", "text", f"Of the participant. {_NAMED}"),
    Column("area_of_clinical_ex", "text", f"Of the participant. {_NAMED}"),
    Column("active", "boolean", "Whether the account can log in: it is active and has a password."),
    Column("admin_flag", "boolean", "Whether the account is an administrator's."),
    Column("user_created_at", "datetime", f"When the account was made. {_NAMED}"),
    Column("cases_completed", "integer", "Reviews that were answered."),
    Column("cases_assigned", "integer", "Reviews that there are."),
    Column("experiment_id", "text", "Code of the study."),
    Column("pseudonym", "text", "Of the participant in this study."),
    Column("user_email", "text", "The address where it may be told, else the pseudonym."),
)

_READ = (
    *("pk", "experiment", "experiment__code", "pseudonym", "user", "user__email", "user__is_active", "user__password"),
    *("user__is_superuser", "user__date_joined", "user__profile__position", "user__profile__employer"),
    "user__profile__area_of_clinical_experience",
)


def people_page(feed: Feed, *, limit: int, offset: int) -> Page:
    """By account where accounts may be told, else in order of pseudonyms, which tell nothing of the person."""
    told = list(feed.identified) or [0]  # a database does not sort by what it knows to be nothing
    account = Case(When(experiment__in=told, then=F("user_id")), output_field=BigIntegerField())
    ordered = feed.enrolments().annotate(account=account).order_by(F("account").asc(nulls_last=True), "pseudonym")
    return Page(tuple(ordered.values_list("pk", "experiment")[offset : offset + limit]))


def people_rows(feed: Feed, page: Page) -> Iterator[list[Any]]:
    for chunk in chunks(page):
        assigned, completed = _counts(feed.reviews(), chunk), _counts(feed.answered(), chunk)
        found = {row[0]: row for row in Enrolment.objects.filter(pk__in=chunk).order_by().values_list(*_READ)}
        for pk in chunk:
            yield _person(feed, found[pk], completed[pk], assigned[pk])


def _person(feed: Feed, row: Sequence[Any], completed: int, assigned: int) -> list[Any]:
    _, study, code, pseudonym, user, email, is_active, password, admin, joined, *profile = row
    named = feed.studies[study].rights.identified
    return [
        user if named else pseudonym,
        *(profile if named else [None] * len(profile)),
        is_active and is_password_usable(password),
        admin,
        joined if named else None,
        completed,
        assigned,
        code,
        pseudonym,
        email if named else pseudonym,
    ]


def _counts(reviews: Any, enrolments: Sequence[int]) -> dict[int, int]:
    counted = reviews.filter(assignment__enrolment__in=enrolments).order_by().values_list("assignment__enrolment")
    return defaultdict(int, counted.annotate(count=Count("pk")))
