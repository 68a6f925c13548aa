"""Text paths as matrix cells of an arm, and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.disclosure import PLAIN, AdviceName, AdviceNode, Heading, MatrixCell, PathRules, Style, path_index
from cases.layouts.reading import LayoutNodeDescription
from cases.tree import Identity, features
from experiments.design.arm_paths import StudyPaths, paths_of_cells
from experiments.display_configs.case_paths import LayoutPaths
from experiments.tests.factories import make_tree

HEMOGLOBIN, CREATININE = (3000963, "Hemoglobin"), (3016723, "Creatinine")


def node(key: str, *path: str, level: str = "feature", role: str = "clinical") -> LayoutNodeDescription:
    return LayoutNodeDescription(
        key=key,
        parent=None,
        label=path[-1],
        level=level,
        source="",
        demographic="",
        role=role,
        visibility="when_disclosed",
        discloses_new_values=False,
        takes_supplied_values=True,
        path=path,
        headings=(),
    )


NODES = [
    node("patient", "Patient", level="section"),
    node("age", "Patient", "Age"),
    node("findings", "Findings", level="section"),
    node("laboratory", "Findings", "Laboratory", level="category"),
    node("lab", "Findings", "Laboratory", "Laboratory value"),
    node("advice", "Advice", "Risk estimate", role="advice"),
]
SECTION = (Heading("advice-section", "Advice", "section"),)
ADVICE = (AdviceNode("advice", "Risk estimate", SECTION, True),)


def study(*labs: dict[int, tuple[str, str]], rules: PathRules | None = None) -> StudyPaths:
    """A study with a case for each of these laboratories."""
    layout = LayoutPaths(nodes=(), sections={}, advice=ADVICE, rules=rules or PathRules())
    return StudyPaths(NODES, layout, [path_index(features(make_tree(labs=lab))) for lab in labs])


def lab(concept: tuple[int, str], value: str) -> dict[int, tuple[str, str]]:
    return {concept[0]: (concept[1], value)}


def test_what_one_case_has_is_shown_in_all():
    paths = study(lab(HEMOGLOBIN, "13"), lab(CREATININE, "1"))
    cells, wrong = paths.cells(
        [("Findings.Laboratory.Creatinine", PLAIN), ("Findings.Laboratory.Hemoglobin: 13 u", PLAIN)]
    )
    assert not wrong
    assert {(cell.node_key, cell.discriminator, cell.shown) for cell in cells} == {
        ("lab", "c:3016723", True),
        ("lab", "c:3000963", True),
    }


def test_a_node_of_the_layout_needs_no_case():
    cells, wrong = study().cells([("Findings.Laboratory", Style(highlight=True)), (" Patient.Age ", PLAIN)])
    assert not wrong
    assert cells == [MatrixCell("laboratory", None, True, Style(highlight=True)), MatrixCell("age", None, True, PLAIN)]


def test_styles_of_paths_under_one_heading_are_merged_as_in_display_configs():
    paths = study(lab(HEMOGLOBIN, "13") | lab(CREATININE, "1"))
    cells, _ = paths.cells(
        [
            ("Findings.Laboratory.Creatinine", Style(collapse=True, top=Decimal(1))),
            ("Findings.Laboratory.Hemoglobin", Style(highlight=True)),
        ]
    )
    assert {cell.style for cell in cells} == {Style(True, True, Decimal(1))}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("Findings.Laboratory.Sodium", "no feature or category of this case is called so (looked up in every case"),
        ("Findings", "a path names a section and"),
        ("Findings.", "a path names a section and"),
        ("RISK ASSESSMENT.Risk estimate: 7", "a value is given for one participant's case"),
    ],
)
def test_a_path_that_names_nothing_is_told_by_its_place(path, reason):
    paths = study(lab(HEMOGLOBIN, "13"), rules=PathRules(advice_section="RISK ASSESSMENT"))
    cells, wrong = paths.cells([("Patient.Age", PLAIN), (path, PLAIN)])
    assert [cell.node_key for cell in cells] == ["age"]
    assert list(wrong) == [1]
    assert reason in wrong[1]


def test_of_advice_in_several_forms_one_is_shown_even_where_cases_differ():
    rules = PathRules(
        advice_section="RISK ASSESSMENT",
        advice_names=(AdviceName("Score", "lab", prefer=("c:3000963", "c:3016723")),),
    )
    paths = study(lab(HEMOGLOBIN, "13") | lab(CREATININE, "1"), lab(CREATININE, "1"), rules=rules)
    paths.layout = LayoutPaths((), {}, (AdviceNode("lab", "Other", SECTION, True),), rules)
    cells, wrong = paths.cells([("RISK ASSESSMENT.Score", PLAIN)])
    assert not wrong
    assert [cell.discriminator for cell in cells] == ["c:3000963"]


PATHS = ["Patient.Age", "Findings.Laboratory", "Findings.Laboratory.Hemoglobin", "Findings.Laboratory.Creatinine"]
STYLES = st.builds(
    Style, st.none() | st.booleans(), st.none() | st.booleans(), st.none() | st.integers(0, 9).map(Decimal)
)


@given(st.lists(st.tuples(st.sampled_from(PATHS), STYLES), max_size=6))
def test_cells_written_as_paths_make_the_same_cells(written):
    """Whatever order paths come in, what they disclose and how survives being shown and sent back."""
    paths = study(lab(HEMOGLOBIN, "13") | lab(CREATININE, "1"))
    labels = {Identity("lab", f"c:{concept}"): label for concept, label in (HEMOGLOBIN, CREATININE)}
    cells, wrong = paths.cells(written)
    shown = paths_of_cells(cells, NODES, labels)
    assert not wrong
    assert {path for path, _ in shown} == {path for path, _ in written}
    assert set(paths.cells(shown)[0]) == set(cells)


def test_cells_that_hide_or_name_no_node_have_no_path():
    cells = [MatrixCell("age", None, False), MatrixCell("age", None, None, Style(highlight=True)), MatrixCell("x")]
    assert paths_of_cells(cells, NODES, {}) == []
