"""Reading the display-config CSV: what is tolerated, and that every error names its row."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.disclosure import Style
from experiments.display_configs.parsing import parse

HEADER = "User,Case No.,Path,Collapse,Highlight,Top"


def read(*lines: str, header: str = HEADER) -> object:
    return parse("\n".join((header, *lines)).encode())


def errors(*lines: str, header: str = HEADER) -> list[str]:
    return [str(error) for error in parse("\n".join((header, *lines)).encode()).errors]


def test_a_row_is_read_with_its_style() -> None:
    rows = parse(f"{HEADER}\n A@Example.org , 7 , S.C.F: v ,TRUE,false,1.50\n".encode()).rows
    row = next(rows)
    assert (row.row, row.user, row.case_number, row.path) == (2, "a@example.org", 7, "S.C.F: v")
    assert row.style == Style(True, False, Decimal("1.5"))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffUser,Case No.,Path\na@x.org,1,S.F\n",
        "USER, case no. ,PATH\r\na@x.org,1,S.F\r\n",
        "Path,User,Case No.,Extra\nS.F,a@x.org,1,x\n",
        "User,Case No.,Path,Collapse,Highlight,Top\na@x.org,1,S.F\n",
        "User,Case No.,Path\n\n,,\na@x.org,1,S.F\n\n",
    ],
)
def test_order_marks_case_of_the_header_short_and_blank_rows_are_tolerated(content: str) -> None:
    parsed = parse(content.encode())
    assert parsed.errors == []
    assert [(row.user, row.case_number, row.path) for row in parsed.rows] == [("a@x.org", 1, "S.F")]


def test_unknown_columns_are_told_not_read() -> None:
    assert parse(b"User,Case No.,Path,Colapse\na@x.org,1,S.F,TRUE\n").ignored_columns == ("Colapse",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (",1,S.F,,,", "Row 2, User: an e-mail address is needed"),
        ("a@x.org,1.0,S.F,,,", "Row 2, Case No.: '1.0' is not a whole number"),
        ("a@x.org,,S.F,,,", "Row 2, Case No.: '' is not a whole number"),
        ("a@x.org,1,S.F,YES,,", "Row 2, Collapse: 'YES' is neither TRUE nor FALSE nor empty"),
        ("a@x.org,1,S.F,,,nan", "Row 2, Top: 'nan' is not a number"),
        ("a@x.org,1,S.F,,,1,x", "Row 2: more cells than the header has; is a comma not in quotes?"),
        ('a@x.org,1,"S.F,,,', "Row 2: not readable as CSV: unexpected end of data"),
    ],
)
def test_an_error_names_row_and_column(line: str, expected: str) -> None:
    assert expected in errors(line)


def test_every_error_of_a_file_is_found_in_row_order() -> None:
    found = errors("a@x.org,x,S.F,,,", "a@x.org,1,S.F,,,", ",y,S.F,maybe,,")
    assert [text.split(":")[0] for text in found] == [
        "Row 2, Case No.",
        "Row 4, Case No.",
        "Row 4, Collapse",
        "Row 4, User",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "Row 1: the header lacks User, Case No., Path"),
        (b"User,Path\n", "Row 1: the header lacks Case No."),
        (b"User;Case No.;Path\n", "separated by ';'"),
        (b"User,User,Case No.,Path\n", "Row 1, User: the column is there twice"),
        (b"User,Case No.,Path\n", "a header but no row"),
        (b"User,Case No.,Path\na@x.org,1,\xff\n", "Row 2: the file is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, expected: str) -> None:
    assert expected in str(parse(content).errors[0])


def test_rows_without_path_and_arm_are_left_out_and_repeated_ones_count_once() -> None:
    parsed = parse(f"{HEADER}\na@x.org,1,,,,\na@x.org,1,S.F,,,\nA@x.org,1,S.F,,,\n".encode())
    assert (parsed.ignored_rows, parsed.duplicate_rows, [row.row for row in parsed.rows]) == ([2], [4], [3])


def test_a_configuration_has_one_arm_and_one_policy() -> None:
    header = "User,Case No.,Path,Experiment,Arm,Policy"
    found = errors("a@x.org,1,S.F,E,A,p", "a@x.org,1,S.G,E,B,q", header=header)
    assert found == ["Row 3, Arm: 'B', but row 2 says 'A'", "Row 3, Policy: 'q', but row 2 says 'p'"]
    assert errors("a@x.org,1,S.F,,A,", header=header) == ["Row 2, Arm: an arm needs the experiment that it belongs to"]


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(content: bytes) -> None:
    parsed = parse(content)
    assert parsed.errors or parsed.row_count


@given(st.text(max_size=200))
def test_no_text_under_a_good_header_makes_it_fail(text: str) -> None:
    parsed = parse(f"{HEADER}\n{text}".encode("utf-8", "ignore"))
    assert all(error.row >= 1 for error in parsed.errors)
