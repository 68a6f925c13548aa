from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omop.imports import cells
from omop.imports.cells import CellError


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_every_64_bit_integer_is_read(value):
    assert cells.integer(cells.INT64)(str(value)) == str(value)


@given(st.one_of(st.integers(max_value=-(2**31) - 1), st.integers(min_value=2**31)))
def test_what_is_beyond_32_bits_is_refused(value):
    with pytest.raises(CellError, match="beyond 32 bits"):
        cells.integer(cells.INT32)(str(value))


def test_a_very_long_number_is_refused_quickly():
    with pytest.raises(CellError, match="beyond 64 bits"):
        cells.integer(cells.INT64)("9" * 1_000_000)


@pytest.mark.parametrize("text", ["12.7", "12.0", "1e3", " 12", "12 ", "1_000", "1,000", "+1", "٣", "NA", "NaN", "0x1"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(CellError, match="not a whole number"):
        cells.integer(cells.INT64)(text)


def test_leading_zeros_and_minus_zero_mean_the_same_number():
    assert cells.integer(cells.INT64)("0007") == "7"
    assert cells.integer(cells.INT64)("-0") == "0"
    assert cells.integer(cells.INT64)("-" + "0" * 300 + "7") == "-7"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_every_number_keeps_its_value(value):
    assert Decimal(cells.number(None)(str(value))) == value


@pytest.mark.parametrize("text", ["NaN", "nan", "Infinity", "-inf", "1,5", " 1", "1 ", "--1", ".", "e5", "1e", "<5"])
def test_what_is_no_finite_number_is_refused(text):
    with pytest.raises(CellError, match="not a finite decimal number"):
        cells.number(None)(text)


@pytest.mark.parametrize("text", ["1e400", "1e-400", "1e9999"])
def test_numbers_out_of_reach_are_refused(text):
    with pytest.raises(CellError, match="beyond"):
        cells.number(None)(text)


def test_digits_that_do_not_matter_are_not_counted():
    parse = cells.number(15)
    assert parse("0.000000000000000000012") == "1.2E-20"
    assert Decimal(parse("123456789012345000000")) == 123456789012345000000
    with pytest.raises(CellError, match="more than 15 significant digits"):
        parse("1234567890.123456")


@given(st.dates())
def test_every_date_is_read_with_and_without_dashes(value):
    assert cells.day(value.isoformat()) == value.isoformat()
    assert cells.day(value.isoformat().replace("-", "")) == value.isoformat()
    assert cells.day(f"{value.isoformat()} 00:00:00") == value.isoformat()


@pytest.mark.parametrize(
    "text",
    ["today", "infinity", "epoch", "31/12/2099", "2020-1-5", "2020-02-30", "20200230", "2020-01-31x"],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(CellError, match=r"date|day"):
        cells.day(text)


@pytest.mark.parametrize("parse", [cells.day, cells.moment])
def test_blanks_are_not_trimmed(parse):
    for text in ["2020-01-31 ", "2020-01-31  ", "2020-01-31\t"]:
        with pytest.raises(CellError, match="blanks behind"):
            parse(text)


def test_a_time_in_a_date_column_is_not_cut_off():
    with pytest.raises(CellError, match="would lose"):
        cells.day("2020-01-31 23:59:59")


@given(st.datetimes())
def test_every_time_is_read(value):
    assert cells.moment(value.isoformat()) == value.isoformat(sep=" ")
    assert cells.moment(value.isoformat(sep=" ")) == value.isoformat(sep=" ")


def test_a_date_alone_is_its_midnight():
    assert cells.moment("2020-01-31") == "2020-01-31 00:00:00"
    assert cells.moment("20200131") == "2020-01-31 00:00:00"
    assert cells.moment("2020-01-31 08:15") == "2020-01-31 08:15:00"


@pytest.mark.parametrize("text", ["2020-01-31T00:00:00Z", "2020-01-31 00:00:00+01", "2020-01-31 00:00:00 UTC"])
def test_a_time_zone_is_refused_not_dropped(text):
    with pytest.raises(CellError, match="time zone"):
        cells.moment(text)


@pytest.mark.parametrize("text", ["now", "2020-01-31 24:00:00", "2020-01-31 25:00", "2020-01-31_08:00", "08:00"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(CellError):
        cells.moment(text)


@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1))
def test_text_stays_as_it_is(value):
    assert cells.text(None)(value) == value


def test_text_is_refused_where_it_would_be_cut_or_cannot_be_kept():
    assert cells.text(2)("ñü") == "ñü"
    for value, reason in [("abc", "at most 2 fit"), ("\x00", "NUL"), ("\udcff", "UTF-8")]:
        with pytest.raises(CellError, match=reason):
            cells.text(2)(value)


def test_types_agree_with_python():
    assert cells.day("2020-02-29") == date(2020, 2, 29).isoformat()
    assert cells.moment("2020-02-29 01:02:03.5") == datetime(2020, 2, 29, 1, 2, 3, 500_000).isoformat(sep=" ")  # noqa: DTZ001
