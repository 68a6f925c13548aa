"""Small charts: pure, at most 2 kB, valid, and true to the peaks."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from experiments.screens.reading.charts import HEIGHT, MOST_DOTS, MOST_POINTS, WIDTH, course_svg, points, thinned
from experiments.screens.reading.entries import ShownEntry, shown_entry

SVG = "{http://www.w3.org/2000/svg}"


def entry(value: str, day: str, low: str | None = None, high: str | None = None) -> ShownEntry:
    found = {"text": f"{value} u", "unit": "u", "number": value, "low": low, "high": high, "date": day}
    return shown_entry(found)


def drawn(entries: list[ShownEntry], title: str = "Sodium", description: str = "A course.") -> ElementTree.Element:
    svg = course_svg(entries, title=title, description=description, identifier="c1")
    return ElementTree.fromstring(svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


def line(svg: ElementTree.Element) -> list[tuple[float, float]]:
    found = svg.find(f"{SVG}polyline").get("points").split()
    return [tuple(float(part) for part in point.split(",")) for point in found]


def test_time_runs_to_the_right_and_numbers_upwards():
    svg = drawn([entry("3", "2020-03-01"), entry("1", "2020-01-01"), entry("2", "2020-01-31")])
    (x1, y1), (x2, y2), (x3, y3) = line(svg)
    assert x1 < x2 < x3
    assert x2 - x1 == x3 - x2
    assert y1 > y2 > y3
    assert svg.find(f"{SVG}circle").get("cx") == f"{x3:g}"


def test_values_outside_their_range_are_marked_and_the_range_is_a_band():
    svg = drawn([entry("3", "2020-01-01", "4", "8"), entry("5", "2020-02-01", "4", "8")])
    assert len(svg.findall(f"{SVG}path[@class='out']")) == 1
    assert svg.find(f"{SVG}rect") is not None
    assert drawn([entry("3", "2020-01-01"), entry("5", "2020-02-01")]).find(f"{SVG}rect") is None


def test_each_of_few_values_has_a_dot_so_that_gaps_are_seen():
    few = [entry(str(at), f"2020-01-{at:02}") for at in range(1, MOST_DOTS + 1)]
    dots = drawn(few).find(f"{SVG}path[@class='dots']").get("d")
    assert dots.count("M") == len(few)
    many = [*few, entry("99", "2021-01-01")]
    assert drawn(many).find(f"{SVG}path[@class='dots']") is None


def test_a_course_that_never_changes_lies_in_the_middle():
    assert {y for _, y in line(drawn([entry("3", "2020-01-01"), entry("3", "2020-02-01")]))} == {HEIGHT / 2}
    assert {x for x, _ in line(drawn([entry("3", "2020-01-01"), entry("4", "2020-01-01")]))} == {WIDTH / 2}


def test_title_and_description_name_the_chart_and_are_escaped():
    svg = drawn([entry("3", "2020-01-01"), entry("4", "2020-02-01")], title="<b>", description='"&"')
    assert svg.get("aria-labelledby") == svg.find(f"{SVG}title").get("id")
    assert svg.get("aria-describedby") == svg.find(f"{SVG}desc").get("id")
    assert (svg.find(f"{SVG}title").text, svg.find(f"{SVG}desc").text) == ("<b>", '"&"')


def test_no_style_attribute_and_no_script():
    svg = course_svg([entry("3", "2020-01-01"), entry("4", "2020-02-01")], title="", description="", identifier="c")
    assert "style" not in svg
    assert "script" not in svg


numbers = st.integers(-(10**6), 10**6)


@given(st.lists(numbers, min_size=2, max_size=300), st.text(max_size=400))
def test_at_most_two_kilobytes_whatever_the_course(values, text):
    entries = [
        entry(str(value), f"20{at // 336:02}-{at // 28 % 12 + 1:02}-{at % 28 + 1:02}", "0", "1")
        for at, value in enumerate(values)
    ]
    svg = course_svg(entries, title=text, description=text, identifier="c200")
    assert len(svg.encode()) <= 2048


@given(st.lists(numbers, min_size=2, max_size=300))
def test_thinning_out_keeps_both_ends_and_the_extremes(values):
    found = points(
        [
            entry(str(value), f"20{at // 336:02}-{at // 28 % 12 + 1:02}-{at % 28 + 1:02}")
            for at, value in enumerate(values)
        ]
    )
    kept = thinned(found)
    assert len(kept) <= MOST_POINTS
    assert (kept[0], kept[-1]) == (found[0], found[-1])
    assert [point.at for point in kept] == sorted(point.at for point in kept)
    for pick in (min, max):
        assert pick(point.number for point in kept) == pick(point.number for point in found)


def test_a_course_without_numbers_has_no_chart():
    assert course_svg([], title="", description="", identifier="c") == ""
