from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from omop.fields import significant_digits
from omop.models import Measurement

MIDNIGHT = datetime(2020, 7, 1)  # noqa: DTZ001


def measurement(**fields):
    return Measurement.objects.create(
        **{
            "measurement_id": 1,
            "person_id": 1,
            "measurement_concept_id": 1,
            "measurement_date": date(2020, 7, 1),
            "measurement_type_concept_id": 1,
            **fields,
        }
    )


@pytest.mark.django_db
def test_midnight_stays_midnight_and_without_zone(settings):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL TIME ZONE 'Europe/Madrid'")
    measurement(measurement_datetime=MIDNIGHT)
    assert Measurement.objects.get().measurement_datetime == MIDNIGHT
    assert Measurement.objects.filter(measurement_datetime=MIDNIGHT).exists()
    assert Measurement.objects.filter(measurement_datetime__lte=MIDNIGHT).exists()
    assert not Measurement.objects.filter(measurement_datetime__lt=MIDNIGHT).exists()


@pytest.mark.django_db
def test_parts_of_a_second_are_kept_and_compare():
    later = MIDNIGHT.replace(microsecond=500)
    measurement(measurement_datetime=later)
    assert Measurement.objects.get().measurement_datetime == later
    assert Measurement.objects.filter(measurement_datetime__gt=MIDNIGHT).exists()


def test_a_time_with_zone_is_refused():
    with pytest.raises(ValidationError, match="time zone"):
        Measurement._meta.get_field("measurement_datetime").to_python(datetime(2020, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize("value", ["2020-13-01", "today", "infinity", ""])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValidationError):
        Measurement._meta.get_field("measurement_datetime").to_python(value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-inf", "12,5", "x", float("nan")])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValidationError):
        Measurement._meta.get_field("value_as_number").to_python(value)


@pytest.mark.parametrize(
    ("number", "digits"), [("0", 1), ("120", 2), ("0.0120", 2), ("-1.5e10", 2), ("123456789012345", 15)]
)
def test_significant_digits(number, digits):
    assert significant_digits(Decimal(number)) == digits


@pytest.mark.django_db
@pytest.mark.sqlite
def test_sixteen_digits_are_refused_on_sqlite():
    with pytest.raises(ValidationError, match="15 significant digits"):
        measurement(value_as_number=Decimal("1.234567890123456"))


@pytest.mark.django_db
@pytest.mark.postgresql
def test_any_number_of_digits_is_kept_on_postgresql():
    number = Decimal("1234567890123456789012345.678901234567890123456789")
    measurement(value_as_number=number)
    assert Measurement.objects.get().value_as_number == number


class NumbersComeBack(TestCase):
    @given(
        digits=st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1),
        exponent=st.integers(min_value=-40, max_value=40),
    )
    def test_up_to_fifteen_digits_exactly(self, digits, exponent):
        number = Decimal(digits).scaleb(exponent)
        row = measurement(value_as_number=number)
        row.refresh_from_db()
        assert row.value_as_number == number
        assert Measurement.objects.filter(value_as_number=number).exists()
        row.delete()
