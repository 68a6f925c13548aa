from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omop.imports import cells
from omop.imports.cells import CellError
from omop.imports.options import DateOrder, Encoding, ImportOptions, LongText
from omop.imports.schema import schemas


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


def parser(column, table="measurement", **options):
    return cells.parser_of(schemas()[table].columns[column], table, ImportOptions(**options), None)


def test_no_value_is_none_and_a_required_column_refuses_it():
    assert parser("unit_source_value")("") is None
    assert parser("provider_id")("") is None
    with pytest.raises(CellError, match="is empty, but this column is required") as raised:
        parser("person_id")("")
    assert raised.value.code == "value_required"


@pytest.mark.parametrize("token", ["NA", "N/A", "null", "NULL", "\\N", "None", ".", "nan", " "])
def test_a_token_is_a_text_unless_it_was_said_of_this_column(token):
    assert parser("unit_source_value")(token) == token
    assert parser("unit_source_value", null_tokens={"value_source_value": (token,)})(token) == token
    assert parser("unit_source_value", null_tokens={"observation.unit_source_value": (token,)})(token) == token
    for name in ("unit_source_value", "measurement.unit_source_value"):
        assert parser("unit_source_value", null_tokens={name: (token,)})(token) is None
        assert parser("unit_source_value", null_tokens={name: (token,)})(f"{token}x") == f"{token}x"


def test_a_token_in_a_required_column_is_no_value():
    with pytest.raises(CellError, match="means none, as said, but this column is required"):
        parser("concept_name", "concept", null_tokens={"concept_name": ("NA",)})("NA")


def test_zero_is_none_only_where_said():
    assert parser("provider_id")("0") == "0"
    said = {"zero_as_null": frozenset({"provider_id"})}
    assert parser("provider_id", **said)("0") is None
    assert parser("visit_detail_id", **said)("0") == "0"
    assert parser("provider_id", **said)("10") == "10"
    assert parser("provider_id", zero_as_null=frozenset({"observation.provider_id"}))("0") == "0"


@given(st.dates(min_value=date(1000, 1, 1)))
def test_days_come_first_only_when_said(value):
    text = f"{value:%d/%m/%Y}"
    for column in ("measurement_date", "measurement_datetime"):
        with pytest.raises(CellError, match="only in an import that says so"):
            parser(column)(text)
    first = {"date_order": DateOrder.DAY_FIRST}
    assert parser("measurement_date", **first)(text) == value.isoformat()
    assert parser("measurement_date", **first)(f"{text} 00:00:00") == value.isoformat()
    assert parser("measurement_datetime", **first)(f"{text} 08:15") == f"{value.isoformat()} 08:15:00"
    assert parser("measurement_date", **first)(value.isoformat()) == value.isoformat()
    assert parser("measurement_date", **first)(f"{value:%Y%m%d}") == value.isoformat()


@pytest.mark.parametrize("text", ["1/2/2020", "01/02/20", "01.02.2020", "01-02-2020", "31/02/2020", "01/13/2020"])
def test_other_forms_of_days_first_are_refused(text):
    with pytest.raises(CellError):
        parser("measurement_date", date_order=DateOrder.DAY_FIRST)(text)


@pytest.mark.parametrize("text", ["2020-01-31 00:00:00Z", "2020-01-31T00:00+01:00"])
def test_a_zone_is_named_in_a_day_too(text):
    with pytest.raises(CellError, match="time zone"):
        cells.day(text)


@pytest.mark.parametrize("text", ["2020-01-31 ", "2020-01-31T", "2020-01-31 T08:00"])
def test_a_time_that_is_not_there(text):
    for parse in (cells.day, cells.moment):
        with pytest.raises(CellError):
            parse(text)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_texts_are_cut_to_their_length_only_when_said(value):
    said = parser("unit_source_value", long_text=LongText.TRUNCATE)
    assert said(value) == value[:50]
    if len(value) > 50:
        with pytest.raises(CellError, match="at most 50 fit"):
            parser("unit_source_value")(value)


def test_what_cannot_be_kept_is_refused_even_behind_the_cut():
    for value in ("a" * 60 + "\x00", "a" * 60 + "\udcff"):
        with pytest.raises(CellError):
            parser("unit_source_value", long_text=LongText.TRUNCATE)(value)


def test_the_encoding_that_was_said_is_named():
    with pytest.raises(CellError, match="is not Latin-1"):
        parser("unit_source_value", encoding=Encoding.LATIN_1)("\udc81")


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("measurement_id", "0012", "12"),
        ("value_as_number", "1e3", "1E+3"),
        ("measurement_date", "20200131", "2020-01-31"),
        ("measurement_datetime", "2020-01-31", "2020-01-31 00:00:00"),
        ("unit_source_value", " mg ", " mg "),
    ],
)
def test_each_type_has_its_parser(column, text, value):
    assert parser(column)(text) == value
