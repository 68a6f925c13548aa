"""One value in a CSV cell and in a JSON line: nothing is lost, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.exports.cells import Column, csv_encoder, csv_header, json_encoder, unformula

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+a", "=", "-1 mmol", "+1;cmd", "\uff1d1"]
)
def test_a_text_that_would_be_a_formula_is_led_by_an_apostrophe(text):
    assert unformula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+1.5", "-1e5", "-2E-3", "0", "", "a=b", " =1", "1-1", "P-1"])
def test_numbers_and_other_texts_stay(text):
    assert unformula(text) == text


@given(st.lists(texts, min_size=1, max_size=6))
def test_a_csv_reader_gets_every_text_back(row):
    line = csv_encoder([Column(str(at), "text", "") for at in range(len(row))])(row) + "\r\n"
    (read,) = csv.reader(io.StringIO(line, newline=""))
    assert read == [unformula(text) for text in row]


@given(texts)
def test_no_cell_begins_like_a_formula(text):
    (read,) = next(csv.reader(io.StringIO(csv_header([text, ""]) + "\r\n", newline="")))[:1] or [""]
    assert not read or read[0] not in "=+-@\t\r" or read.lstrip("+-").replace(".", "").replace("e", "")[:1].isdigit()


@given(texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.lists(texts))
def test_json_members_are_what_they_were(text, whole, share, flag, listed):
    columns = [
        Column('a "text"', "text", ""),
        Column("b", "integer", ""),
        Column("c", "number", ""),
        Column("d", "boolean", ""),
        Column("e", "list", ""),
        Column("f", "json", ""),
        Column("g", "text", ""),
    ]
    members = json_encoder(columns)([text, whole, share, flag, listed, '{"x":["1.5"]}', None])
    assert "\n" not in members
    assert json.loads(f"{{{members}}}") == {
        'a "text"': text,
        "b": whole,
        "c": share,
        "d": flag,
        "e": listed,
        "f": {"x": ["1.5"]},
        "g": None,
    }
