import hashlib
import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_decimal, canonical_json, digest, sha256_hex

texts = st.text(st.characters(exclude_categories=["Cs"]))
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e30"), max_value=Decimal("1e30"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts.map(lambda text: unicodedata.normalize("NFC", text)), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.00", "0"),
        ("-0", "0"),
        (Decimal("0E+7"), "0"),
        ("1.50", "1.5"),
        ("1E+3", "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (100, "100"),
        ("007", "7"),
        ("-.5", "-0.5"),
        ("-12.340", "-12.34"),
        ("+5.", "5"),
    ],
)
def test_decimal_forms(value, expected):
    assert canonical_decimal(value) == expected


@pytest.mark.parametrize("value", ["", "abc", "NaN", "Infinity", "1_000", "\u0661", "1e9999", Decimal("sNaN")])
def test_not_a_decimal_number_is_refused(value):
    with pytest.raises(ValueError, match="number"):
        canonical_decimal(value)


@pytest.mark.parametrize("value", [1.5, True, None])
def test_wrong_types_of_number_are_refused(value):
    with pytest.raises(TypeError):
        canonical_decimal(value)


@given(decimals)
def test_decimal_keeps_its_value_and_is_stable(value):
    text = canonical_decimal(value)
    assert Decimal(text) == value
    assert canonical_decimal(text) == text
    assert "E" not in text


@given(decimals, st.integers(0, 8))
def test_equal_decimals_have_one_text(value, zeros):
    text = format(value, "f")
    longer = (text if "." in text else text + ".") + "0" * zeros
    assert canonical_decimal(longer) == canonical_decimal(value)


def test_canonical_json_example():
    value = {"b": [Decimal("1.50"), 0, None, True], "a": "é"}
    assert canonical_json(value) == '{"a":"é","b":["1.5",0,null,true]}'
    assert digest(value) == hashlib.sha256('{"a":"é","b":["1.5",0,null,true]}'.encode()).hexdigest()


def test_composed_and_decomposed_text_are_one_value_as_string_and_as_key():
    assert canonical_json({"e\u0301": "e\u0301"}) == canonical_json({"\u00e9": "\u00e9"})


def test_keys_which_are_one_after_normalisation_are_refused():
    with pytest.raises(ValueError, match="twice"):
        canonical_json({"e\u0301": 1, "\u00e9": 2})


@pytest.mark.parametrize(
    ("value", "error", "path"),
    [
        ({"a": [1, 2.5]}, TypeError, r"\$\.a\[1\]"),
        ({"a": float("nan")}, TypeError, r"\$\.a"),
        ([Decimal("NaN")], ValueError, r"\$\[0\]"),
        ({"a": {1: 2}}, TypeError, r"\$\.a: key 1"),
        ({"a": {1, 2}}, TypeError, r"\$\.a: set"),
        ({"a": "\ud800"}, ValueError, r"\$\.a"),
    ],
)
def test_what_is_not_canonical_is_refused_with_its_path(value, error, path):
    with pytest.raises(error, match=path):
        canonical_json(value)


@given(values)
def test_reading_back_and_writing_again_changes_nothing(value):
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@given(
    st.dictionaries(st.text("abcdef", max_size=4), st.integers(), max_size=6),
    st.randoms(use_true_random=False),
)
def test_key_order_does_not_matter(value, random):
    keys = list(value)
    random.shuffle(keys)
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)


@given(st.lists(st.integers(), min_size=2, max_size=5, unique=True))
def test_list_order_matters(value):
    assert digest(value) != digest(value[::-1])


def test_hash_of_text_is_the_hash_of_its_utf8_bytes():
    assert sha256_hex("é") == sha256_hex("é".encode())
