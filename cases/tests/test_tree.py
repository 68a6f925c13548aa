import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_decimal, canonical_json
from cases.tree import (
    Entry,
    Feature,
    ModelOutput,
    Node,
    Tree,
    TreeError,
    ValueClass,
    augmed_path,
    compose_text,
    concept_discriminator,
    drop_empty,
    features,
    format_number,
    from_json,
    map_number,
    normalise_label,
    path_text,
    range_text,
    split_label,
    split_path,
    text_discriminator,
    to_json,
    tree_sha256,
)

labels = st.text("ab.\\: é", min_size=0, max_size=5)
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=3)
canonical = st.integers(-9999, 9999).map(lambda number: canonical_decimal(Decimal(number) / 100))
dates = st.sampled_from([None, "2024-02-29", "1999-12-31T23:59:59"])
models = st.none() | st.builds(ModelOutput, labels, st.just("1.0"), dates.map(lambda date: date or ""), labels)
entries = st.builds(
    Entry,
    text=labels,
    number=st.none() | canonical,
    unit=st.none() | labels,
    low=st.none() | canonical,
    high=st.none() | canonical,
    operator=st.none() | st.sampled_from(["<", ">="]),
    concept_id=st.none() | st.integers(0, 10**9),
    date=dates,
    model=models,
    blob=st.none() | st.just("0f" * 32),
)


@st.composite
def trees(draw, empty_headings=True):
    """Trees with unique keys, of any nesting, some features sharing a node."""
    counter = iter(range(10_000))

    def feature():
        key = f"f{next(counter)}"
        kind = draw(st.sampled_from(["text", "number", "coded", "series", "note", "exhibit"]))
        role = draw(st.sampled_from(["clinical", "advice"]))
        names = draw(st.lists(st.sampled_from(["", "c:7", "t:fatigue"]), min_size=1, max_size=2, unique=True))
        return [
            Feature(key, name, draw(labels), kind, role, tuple(draw(st.lists(entries, max_size=2)))) for name in names
        ]

    def node(level, depth):
        children = []
        for deeper in draw(st.lists(st.booleans(), min_size=0 if empty_headings else 1, max_size=3)):
            children += [node("category", depth + 1)] if deeper and depth < 3 else feature()
        return Node(f"n{next(counter)}", draw(labels), level, tuple(children))

    return Tree(1, tuple(node("section", 0) for _ in range(draw(st.integers(0, 3)))))


PULSE = Feature("pulse", "", "Pulse", "number", "clinical", (Entry("0 /min", number="0", unit="/min"),))


def one_feature_tree(feature=PULSE):
    return Tree(1, (Node("exam", "Exam", "section", (feature,)),))


@given(trees())
def test_json_and_back_gives_the_same_tree(tree):
    assert from_json(json.loads(json.dumps(to_json(tree)))) == tree
    assert tree_sha256(from_json(json.loads(canonical_json(to_json(tree))))) == tree_sha256(tree)


@given(trees(), st.data())
def test_one_more_or_one_less_key_anywhere_is_an_error(tree, data):
    value = to_json(tree)
    objects = []

    def collect(item):
        if isinstance(item, dict):
            objects.append(item)
            for inner in item.values():
                collect(inner)
        elif isinstance(item, list):
            for inner in item:
                collect(inner)

    collect(value)
    target = data.draw(st.sampled_from(objects))
    if data.draw(st.booleans()):
        target["extra"] = 1
    else:
        del target[data.draw(st.sampled_from(sorted(target)))]
    with pytest.raises(TreeError, match=r"\$"):
        from_json(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
        ({"sections": {}}, r"\$\.sections: a list"),
        ({"sections": [7]}, r"\$\.sections\[0\]: an object"),
        ({"sections": [{"level": "category", "key": "a", "label": "b", "children": []}]}, "sections"),
        ({"sections": [{"level": "page", "key": "a", "label": "b", "children": []}]}, r"\[0\]\.level"),
        ({"sections": [{"level": "section", "key": 1, "label": "b", "children": []}]}, r"\[0\]\.key"),
    ],
)
def test_malformed_json_is_refused_with_its_place(change, message):
    with pytest.raises(TreeError, match=message):
        from_json(to_json(one_feature_tree()) | change)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", "1.0"),
        ("number", 1),
        ("text", None),
        ("concept_id", True),
        ("date", "2020-02-30"),
        ("model", "m"),
    ],
)
def test_malformed_entry_is_refused_with_its_place(name, value):
    tree = to_json(one_feature_tree())
    tree["sections"][0]["children"][0]["entries"][0][name] = value
    with pytest.raises(TreeError, match=rf"sections\[0\]\.children\[0\]\.entries\[0\].*{name}"):
        from_json(tree)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "1.50"},
        {"low": "NaN"},
        {"date": "2020-1-1"},
        {"date": "2020-01-01T25:00:00"},
        {"blob": "abc"},
    ],
)
def test_entry_refuses_what_is_not_canonical(wrong):
    with pytest.raises(TreeError):
        Entry("text", **wrong)


def test_feature_refuses_unknown_kind_role_and_discriminator():
    for wrong in ({"kind": "image"}, {"role": "ai"}, {"discriminator": "x"}, {"discriminator": "c:x"}):
        with pytest.raises(TreeError):
            replace(PULSE, **wrong)


def test_one_identity_twice_is_refused():
    with pytest.raises(TreeError, match="twice"):
        Tree(1, (Node("exam", "Exam", "section", (PULSE, PULSE)),))


def test_zero_is_a_value_and_survives():
    tree = from_json(to_json(one_feature_tree()))
    assert next(features(tree))[0].entries[0].number == "0"


def test_no_entry_one_and_many_have_one_shape():
    for count in (0, 1, 2):
        tree = one_feature_tree(replace(PULSE, entries=PULSE.entries * count))
        assert len(to_json(tree)["sections"][0]["children"][0]["entries"]) == count


def test_features_come_in_tree_order_with_their_labels():
    inner = Node("vital", "Vital. signs", "category", (PULSE,))
    weight = replace(PULSE, node_key="weight", label="Weight")
    tree = Tree(1, (Node("exam", "Exam", "section", (inner, weight)),))
    assert [(feature.node_key, path) for feature, path in features(tree)] == [
        ("pulse", ("Exam", "Vital. signs", "Pulse")),
        ("weight", ("Exam", "Weight")),
    ]


@given(trees())
def test_dropping_empty_headings_keeps_every_feature_and_leaves_no_empty_heading(tree):
    thin = drop_empty(tree)
    assert list(features(thin)) == list(features(tree))

    def check(node):
        assert node.children
        for child in node.children:
            if isinstance(child, Node):
                check(child)

    for section in thin.sections:
        check(section)


@given(st.lists(st.text("a.\\", max_size=6), min_size=1, max_size=5))
def test_a_path_reads_back_to_its_labels(path):
    assert split_path(path_text(path)) == tuple(path)


@given(*[st.lists(st.text("a.\\", max_size=4), min_size=1, max_size=4)] * 2)
def test_two_label_lists_never_share_a_path(first, second):
    assert (path_text(first) == path_text(second)) == (first == second)


@pytest.mark.parametrize("text", ["a\\", "a\\b", "\\"])
def test_a_stray_backslash_is_an_error(text):
    with pytest.raises(ValueError, match="backslash"):
        split_path(text)


def test_paths_of_both_kinds():
    assert path_text(["A", "e.g. b"]) == r"A.e\.g\. b"
    assert augmed_path(["A", "e.g. b"]) == "A.e.g. b"
    with pytest.raises(ValueError, match="at least one"):
        path_text([])


BMI = (
    ValueClass("truncates_to", "18", "Underweight"),
    ValueClass("truncates_to", "22", "Normal"),
    ValueClass("at_least", "30", "Obese"),
    ValueClass("less_than", "1", "Missing scale"),
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("18.9", "Underweight"),
        (22, "Normal"),
        ("30", "Obese"),
        ("45.2", "Obese"),
        (0, "Missing scale"),
        ("25", None),
    ],
)
def test_value_map(number, text):
    assert map_number(number, BMI) == text


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        ("1.005", 2, "1.01"),
        ("0", 1, "0.0"),
        ("-0.04", 1, "0.0"),
        ("1234.5", None, "1234.5"),
        ("2.50", None, "2.5"),
    ],
)
def test_number_with_decimals(number, decimals, text):
    assert format_number(number, decimals) == text


def test_number_truncated():
    assert format_number("22.99", 0, truncate=True) == "22"


@given(numbers, st.integers(0, 6))
def test_formatting_moves_a_number_by_half_a_unit_at_most(number, decimals):
    text = format_number(number, decimals)
    assert abs(Decimal(text) - number) <= Decimal(1).scaleb(-decimals) / 2
    assert len(text.partition(".")[2]) == decimals


def test_value_text_is_put_together_in_the_published_order():
    assert compose_text("10", unit="per day") == "10 per day"
    assert compose_text("4", unit="mild", qualifier="Severity") == "Severity : 4 mild"
    assert compose_text("10", operator="<", unit="unit") == "< 10 unit"
    assert compose_text("0", unit="kg") == "0 kg"
    assert compose_text("", unit="kg") == ""


def test_range_text():
    assert range_text("3.5", "5", "mmol/L") == "3.5 to 5 mmol/L"
    assert range_text("0", None) == "at least 0"
    assert range_text(None, "5") == "at most 5"
    assert range_text(None, None, "mg") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fatigue: Yes", ("Fatigue", "Yes")),
        ("Score: 7: high", ("Score", "7: high")),
        ("Fatigue", ("Fatigue", "")),
        ("a:b", ("a:b", "")),
        (": Yes", (": Yes".strip(), "")),
        ("", ("", "")),
    ],
)
def test_label_before_the_separator(text, expected):
    assert split_label(text) == expected


@given(st.text(max_size=20))
def test_normalised_labels_are_stable_and_ignore_case_and_space(label):
    name = normalise_label(label)
    assert normalise_label(name) == name
    assert normalise_label(f"  {label}\n") == name
    assert normalise_label(label.casefold()) == name


def test_discriminators():
    assert concept_discriminator(45614722) == "c:45614722"
    assert text_discriminator(" Blood  Stained Stool ") == "t:blood stained stool"
    first, second = (text_discriminator("a" * 500 + end) for end in "xy")
    assert first != second
    assert len(first) <= 130
