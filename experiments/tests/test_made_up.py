"""Made-up cases: something in every place, nobody's data, the same each time."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_decimal
from cases.disclosure import Show, Style, disclose, disclosed_features
from cases.tree import Identity, features, to_json
from cases.value_text import ValueClass
from experiments.made_up import EXAMPLE, LayoutPlace, MadeUpWords, Named, made_up_shows, made_up_tree

PLACES = (
    LayoutPlace("patient", None, "Patient", "section"),
    LayoutPlace("age", "patient", "Age", "feature", "demographics", demographic="age"),
    LayoutPlace("gender", "patient", "Gender", "feature", "demographics", demographic="gender"),
    LayoutPlace("findings", None, "Findings", "section"),
    LayoutPlace("laboratory", "findings", "Laboratory", "category"),
    LayoutPlace("lab", "laboratory", "Laboratory value", "feature", "measurement", unit="mmol/L", splits=True),
    LayoutPlace(
        "sbp", "laboratory", "Blood pressure", "feature", "measurement", unit="mmHg", decimals=0, low="90", high="139"
    ),
    LayoutPlace("diagnosis", "findings", "Diagnosis", "feature", "condition", is_coded=True),
    LayoutPlace("note", "findings", "Note", "feature", "note"),
    LayoutPlace("advice-section", None, "Advice", "section"),
    LayoutPlace("advice", "advice-section", "Risk", "feature", is_advice=True),
    LayoutPlace("empty", None, "Nothing below", "section"),
)
SODIUM = Named(Identity("lab", "c:3019550"), "Sodium")


def by_key(tree: object) -> dict[str, object]:
    return {feature.node_key: feature for feature, _path in features(tree)}  # type: ignore[arg-type]


def test_there_is_something_in_every_place_and_no_empty_heading() -> None:
    tree = made_up_tree(PLACES)
    assert set(by_key(tree)) == {"age", "gender", "lab", "sbp", "diagnosis", "note", "advice"}
    assert [section.key for section in tree.sections] == ["patient", "findings", "advice-section"]


def test_a_case_is_the_same_each_time_and_unlike_the_next() -> None:
    assert to_json(made_up_tree(PLACES, number=1)) == to_json(made_up_tree(PLACES, number=1))
    assert to_json(made_up_tree(PLACES, number=1)) != to_json(made_up_tree(PLACES, number=2))


def test_a_measurement_is_a_course_with_the_unit_range_and_decimals_of_its_place() -> None:
    course = by_key(made_up_tree(PLACES))["sbp"].entries  # type: ignore[attr-defined]
    assert len({entry.date for entry in course}) == 3
    assert {(entry.unit, entry.low, entry.high) for entry in course} == {("mmHg", "90", "139")}
    assert all(entry.text == f"{int(entry.number)} mmHg" for entry in course)


def test_a_place_without_a_range_shows_none() -> None:
    lab = by_key(made_up_tree(PLACES))["lab"]
    assert {(entry.unit, entry.low, entry.high) for entry in lab.entries} == {("mmol/L", None, None)}  # type: ignore[attr-defined]


def test_a_coded_finding_says_that_it_is_made_up() -> None:
    diagnosis = by_key(made_up_tree(PLACES))["diagnosis"]
    assert (diagnosis.kind, diagnosis.entries[0].text) == ("coded", "Made-up finding")  # type: ignore[attr-defined]


def test_a_value_that_the_layout_puts_in_words_stands_in_words() -> None:
    classes = (ValueClass("less_than", "0", "low"), ValueClass("at_least", "0", "normal"))
    places = [
        PLACES[3],
        LayoutPlace("x", "findings", "X", "feature", "measurement", low="1", high="2", classes=classes),
    ]
    assert {(one.text, one.number) for one in by_key(made_up_tree(places))["x"].entries} == {("normal", None)}  # type: ignore[attr-defined]


_BOUND = st.none() | st.decimals(-1000, 1000, places=2)


@given(st.integers(1, 99), _BOUND, _BOUND, st.none() | st.integers(0, 4))
def test_no_made_up_measurement_is_out_of_its_range(
    number: int, low: Decimal | None, high: Decimal | None, decimals: int | None
) -> None:
    if low is not None and high is not None and low > high:
        low, high = high, low
    bounds = {name: None if one is None else canonical_decimal(one) for name, one in (("low", low), ("high", high))}
    place = LayoutPlace("x", "findings", "X", "feature", "measurement", decimals=decimals, **bounds)  # type: ignore[arg-type]
    for entry in by_key(made_up_tree([PLACES[3], place], number=number))["x"].entries:  # type: ignore[attr-defined]
        assert low is None or low <= Decimal(entry.number)
        assert high is None or Decimal(entry.number) <= high


def test_advice_names_a_model_that_is_made_up() -> None:
    entry = by_key(made_up_tree(PLACES, words=MadeUpWords(model="Modell")))["advice"].entries[0]  # type: ignore[attr-defined]
    assert (entry.model.model, entry.model.caveat) == ("Modell", MadeUpWords().caveat)


def test_what_may_not_be_named_has_the_name_of_its_place() -> None:
    lab = by_key(made_up_tree(PLACES))["lab"]
    assert (lab.label, lab.discriminator) == ("Laboratory value (example)", EXAMPLE)  # type: ignore[attr-defined]
    assert by_key(made_up_tree(PLACES, [SODIUM]))["lab"].label == "Sodium"  # type: ignore[attr-defined]


def test_a_place_is_shown_where_any_of_its_findings_is() -> None:
    shows = [Show("lab", "c:1", Style(highlight=True)), Show("lab", "c:2")]
    made = made_up_shows([Identity("lab", EXAMPLE), Identity("note", "")], shows)
    assert made == (Show("lab", EXAMPLE, Style(highlight=True)),)


def test_a_named_finding_is_shown_only_where_it_is_itself() -> None:
    assert made_up_shows([SODIUM.identity], [Show("lab", "c:1")]) == ()
    assert made_up_shows([SODIUM.identity], [Show(*SODIUM.identity)]) == (Show(*SODIUM.identity),)


@given(st.sets(st.sampled_from([place.key for place in PLACES if place.level == "feature"])), st.integers(1, 9))
def test_nothing_is_disclosed_of_places_that_show_nothing(shown: set[str], number: int) -> None:
    tree = made_up_tree(PLACES, [SODIUM], number=number)
    identities = [feature.identity for feature, _path in features(tree)]
    shows = made_up_shows(identities, [Show(key, SODIUM.identity[1] if key == "lab" else "") for key in sorted(shown)])
    disclosed = {feature.node_key for feature, _path in disclosed_features(disclose(tree, shows))}
    assert disclosed == shown
