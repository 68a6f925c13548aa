"""Rows written many at once are the rows that Django would have written one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from augmed.foundation.bulk import insert_rows, reserve_keys
from experiments.models import DisclosureSet, Experiment, ExperimentTransition

pytestmark = pytest.mark.django_db
DIFFICULT = ["", "tab\tand\nline", '"quoted", {braced}', "back\\slash \\N \\.", "größer ≥ 5 µg", "NULL"]


def test_texts_come_out_as_they_went_in() -> None:
    with transaction.atomic():
        insert_rows(DisclosureSet, ("sha256", "content"), [(f"{at}", text) for at, text in enumerate(DIFFICULT)])
    assert list(DisclosureSet.objects.order_by("pk").values_list("content", flat=True)) == DIFFICULT
    assert not DisclosureSet.objects.filter(case__isnull=False).exists()


def test_fields_that_are_not_named_take_their_default() -> None:
    with transaction.atomic():
        insert_rows(DisclosureSet, ("sha256", "content"), [("a", ""), ("b", "")])
    first, second = DisclosureSet.objects.order_by("pk")
    assert first.created_at == second.created_at
    assert timezone.now() - first.created_at < timedelta(minutes=1)


def test_keys_are_ascending_and_nobody_elses() -> None:
    with transaction.atomic():
        keys = reserve_keys(DisclosureSet, 3)
        insert_rows(DisclosureSet, ("id", "sha256", "content"), [(key, f"{key}", "") for key in keys])
        later = DisclosureSet.objects.create(sha256="later", content="")
    assert keys == sorted(set(keys))
    assert list(DisclosureSet.objects.order_by("pk").values_list("pk", flat=True)) == [*keys, later.pk]
    assert reserve_keys(DisclosureSet, 0) == []


def test_a_conflict_is_refused_or_left_out() -> None:
    DisclosureSet.objects.create(sha256="there", content="first")
    rows = [("there", "second"), ("new", "third")]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(DisclosureSet, ("sha256", "content"), rows)
    with transaction.atomic():
        for _ in range(2):
            insert_rows(DisclosureSet, ("sha256", "content"), rows, ignore_conflicts=True)
    found = DisclosureSet.objects.order_by("sha256").values_list("sha256", "content")
    assert list(found) == [("new", "third"), ("there", "first")]


def test_every_kind_of_value_that_uploads_write() -> None:
    study = Experiment.objects.create(name="A study")
    with transaction.atomic():
        insert_rows(
            ExperimentTransition,
            ("experiment_id", "from_status", "to_status", "reason"),
            [(study.pk, "draft", "active", "begun")],
        )
    made = ExperimentTransition.objects.get()
    assert (made.experiment, made.to_status, made.by) == (study, "active", None)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_outside_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        insert_rows(DisclosureSet, ("sha256", "content"), [("a", "")])
    assert not DisclosureSet.objects.exists()
