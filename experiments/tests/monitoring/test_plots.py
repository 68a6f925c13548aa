"""Plots are well-formed SVG without style attributes, name themselves, and escape what they are given."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from experiments.monitoring.figures import spread
from experiments.monitoring.plots import bar, over_days, spreads

SVG = "{http://www.w3.org/2000/svg}"
DAYS = [(date(2026, 1, 1), 3), (date(2026, 1, 4), 8), (date(2026, 2, 1), 20)]


def parsed(text):
    return ElementTree.fromstring(text)


def test_a_bar_is_as_long_as_its_share():
    [_rest, part] = parsed(bar(1, 4))
    assert part.get("width") == "25"
    assert parsed(bar(0, 0))[1].get("width") == "0"


def test_a_line_over_days_says_its_numbers():
    plot = parsed(over_days("days", "Cases answered", DAYS))
    assert plot.find("title").text == "Cases answered"
    assert plot.find("desc").text == "From 01 Jan 2026 to 01 Feb 2026, 20 in all."
    assert plot.get("aria-labelledby") == "days-title days-said"


def test_one_day_is_a_line_too_and_none_is_no_plot():
    assert "H" in parsed(over_days("days", "x", DAYS[:1])).find("path").get("d")
    assert over_days("days", "x", []) == ""
    assert spreads("s", "x", [], ends=None) == ""


def test_rows_stand_on_the_scale_of_the_question():
    plot = parsed(spreads("s", "Risk", [("A", spread([0, 50, 100]))], ends=(0.0, 100.0)))
    median = next(line for line in plot.iter("line") if line.get("class") == "plot-median")
    box = next(plot.iter("rect"))
    assert float(box.get("x")) < float(median.get("x1")) < float(box.get("x")) + float(box.get("width"))


def test_equal_values_have_a_scale():
    assert "nan" not in spreads("s", "x", [("A", spread([5, 5]))], ends=None)


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="￾￿"), min_size=1))
def test_names_are_escaped(name):
    text = spreads("s", name, [(name, spread([1, 2]))], ends=None)
    assert parsed(text).find("title").text == name
    assert "style=" not in text.replace(name, "")


def test_long_names_of_two_stages_stay_apart():
    names = [f"A full chart and then the advice, stage {stage}" for stage in (1, 2)]
    text = spreads("s", "Risk", [(name, spread([1, 2])) for name in names], ends=None)
    assert all(f"…, stage {stage}</text>" in text for stage in (1, 2))
