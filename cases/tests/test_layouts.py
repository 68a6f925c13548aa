from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from cases.actions import import_layout, make_default, new_layout_version
from cases.building.rules import RulesError, ValueRules
from cases.disclosure import FoundFeature, PathMatch, match_augmed_path, resolve
from cases.layouts import (
    advice_nodes,
    export_layout,
    layout_content,
    layout_nodes,
    matrix_nodes,
    node_order,
    path_rules,
)
from cases.layouts.checks import problems_of
from cases.layouts.content import LayoutContent, NodeData, depth_first
from cases.layouts.own_format import content_from_json, content_to_json
from cases.models import LayoutVersion, PageLayout
from cases.tests import omop_rows
from cases.tests.conftest import EVERYTHING, feature, layout_json

DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"


def refused(content: Any, **options: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as caught:
        import_layout(content=content, by=None, **options)
    assert not PageLayout.objects.exists()
    return dict(caught.value.errors)


@pytest.mark.django_db
class TestImport:
    def test_the_first_layout_becomes_the_default_one(self, data_staff: Any) -> None:
        omop_rows.concept(1, "One")
        first = import_layout(content=layout_json(feature("a", "drug", concept_ids=[1])), by=data_staff)
        second = import_layout(content=layout_json(feature("a", "drug"), name="Second"), by=data_staff)
        assert PageLayout.objects.default() == first.layout
        make_default(layout=second.layout, by=data_staff)
        assert PageLayout.objects.default() == second.layout
        assert AuditEvent.objects.filter(action="layout_imported").count() == 2

    def test_the_same_again_is_the_same_version_and_a_change_the_next(self) -> None:
        first = import_layout(content=layout_json(feature("a", "drug")), by=None)
        assert import_layout(content=json.dumps(layout_json(feature("a", "drug"))), by=None) == first
        second = import_layout(content=layout_json(feature("a", "drug", label="Drugs")), by=None)
        assert (second.layout, second.number) == (first.layout, 2)
        assert layout_content(first).nodes[2].label == "A"

    def test_what_is_exported_comes_back_unchanged(self) -> None:
        rules = {"value_map": [["1", "low"]], "low": "0.5", "order": "oldest"}
        more = feature(
            "ai",
            "observation",
            role="advice",
            takes_supplied_values=True,
            discloses_new_values=True,
            concept_ids=[3, 1],
            include_descendants=True,
            type_concept_ids=[5],
            window="latest",
            window_number=2,
            value_rules=rules,
        )
        content = layout_json(*EVERYTHING, more)
        content["description"] = "About."
        content["path_rules"] = {"advice_section": "RISK", "advice_names": [{"name": "x", "node_key": "ai"}]}
        version = import_layout(content=content, by=None, allow_unknown_concepts=True)
        assert export_layout(version) == content

    def test_the_demo_layout_holds_together(self) -> None:
        text = (DEMO / "layout.json").read_text()
        version = import_layout(content=text, by=None, allow_unknown_concepts=True)
        assert export_layout(version) == json.loads(text)
        sections = [node["key"] for node in json.loads(text)["sections"]]
        study = json.loads((DEMO / "study.json").read_text())
        assert {key for arm in study["arms"] for stage in arm["stages"] for key in stage["show_sections"]} == set(
            sections
        )

    @pytest.mark.parametrize(
        ("node", "message"),
        [
            (feature("x", "laboratory"), "unknown table 'laboratory'"),
            (feature("x", "drug", concept_ids=[77]), "concept 77 is not in the vocabulary"),
            (feature("x", "drug", type_concept_ids=[78]), "concept 78 is not in the vocabulary"),
            (feature("x", "drug", window="days"), "needs a number"),
            (feature("x", "drug", window="visit", window_number=3), "has no number"),
            (feature("x", "drug", window="month"), "none of all, visit"),
            (feature("x", "drug", label_rule="text"), "label rule 'text'"),
            (feature("x", "drug", include_descendants=True), "start from concepts"),
            (feature("x", "drug", takes_supplied_values=True), "only advice"),
            (feature("x", "drug", role="advice", visibility="always"), "only ever shown when disclosed"),
            (feature("x", "drug", demographic="age"), "belongs to the source demographics"),
            (feature("x", "demographics", demographic="height"), "demographic 'height'"),
            (feature("x", "demographics", demographic="age", concept_ids=[1]), "have no concepts"),
            (feature("x", "drug", value_rules={"unit": 3}), "value rule unit: 3 is not a text"),
            (feature("x", "drug", value_rules={"low": 1.5}), 'value rule low: write 1.5 as a text: "1.5"'),
            (feature("x", "drug", value_rules={"colour": "red"}), "there is no such value rule"),
            (feature("x", "drug", value_rules={"model": {"name": "m"}}), "only advice names a model"),
            (feature("x", "drug", label=" "), "the label is empty"),
            (feature("x", "drug", children=[]), "cannot have nodes below"),
            (feature("x", "drug", concept_ids=["1"]), "concept_ids: '1' is not a whole number"),
            (feature("x", "drug", colour="red"), "unknown key colour"),
        ],
    )
    def test_an_error_names_its_node(self, node: dict[str, Any], message: str) -> None:
        errors = refused(layout_json(feature("fine", "drug"), node))
        assert list(errors) == ["x"]
        assert message in " ".join(errors["x"])

    def test_keys_must_be_single_and_well_formed(self) -> None:
        assert refused(layout_json(feature("a", "drug"), feature("a", "note"))) == {"a": ["this key is used twice"]}
        assert "lower-case" in refused(layout_json(feature("A b", "drug")))["A b"][0]
        nameless = {"source": "drug", "label": "x"}
        assert refused(layout_json(nameless))["sections[0].children[0].children[0]"] == ["key is missing"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("[1]", "a layout is a JSON object"),
            ("{", "not valid JSON"),
            ('{"a": 1}', "its keys are a"),
            ('{"BACKGROUND": {"A": [1], "A": [2]}}', "this key occurs twice in one object"),
            ('{"format": "other", "version": 1, "sections": []}', "this reads format"),
            ('{"format": "augmed-layout", "version": 1, "name": "x", "sections": {}}', "a list is needed"),
            ('{"format": "augmed-layout", "version": 1, "name": "x", "sections": []}', "has no section"),
            ('{"format": "augmed-layout", "version": 1, "sections": []}', "needs a name"),
            ('{"BACKGROUND": {"A": "1"}}', "a list of concept ids is needed"),
            ('{"BACKGROUND": {"A": [true]}}', "a list of concept ids is needed"),
            ('{"BACKGROUND": {}, "LABS": {"A": [1]}}', "unknown section"),
        ],
    )
    def test_what_is_no_layout_is_refused_with_a_reason(self, content: str, message: str) -> None:
        assert message in str(refused(content))

    def test_advice_labels_mark_features_and_unknown_ones_are_named(self) -> None:
        content = layout_json(feature("a", "observation", label="AI score"), feature("b", "observation"))
        assert "no node is labelled 'Score'" in str(refused(content, advice_labels=["Score"]))
        version = import_layout(content=content, by=None, advice_labels=["ai SCORE "])
        (advice,) = advice_nodes(layout_nodes(version))
        assert (advice.key, advice.accepts_supplies) == ("a", True)
        assert [heading.key for heading in advice.headings] == ["section", "category"]

    def test_a_draft_needs_no_new_version(self) -> None:
        version = import_layout(content=layout_json(feature("a", "drug")), by=None)
        with pytest.raises(Conflict, match="can still be edited"):
            new_layout_version(layout=version.layout, by=None)

    def test_nodes_are_described_for_the_disclosure_matrix(self, django_assert_max_num_queries: Any) -> None:
        version = import_layout(content=layout_json(*(feature(f"n{i}", "drug") for i in range(30))), by=None)
        with django_assert_max_num_queries(1):
            nodes = layout_nodes(version)
        assert nodes[2].path == ("Section", "Category", "N0")
        assert (nodes[2].parent, nodes[2].depth, nodes[2].is_feature) == ("category", 2, True)
        assert node_order(nodes)[:3] == ["section", "category", "n0"]
        assert resolve([], matrix_nodes(nodes), [FoundFeature("n0")]) == ()


PAGE_CONFIG = """{
 "BACKGROUND": {
  "Family History": [1],
  "Social History": {"Smoke": [2], "Alcohol": [3, 4]},
  "CRC risk assessments": [45614722]
 },
 "PATIENT COMPLAINT": {"Chief Complaint": [38000282]},
 "PHYSICAL EXAMINATION": {"Abdominal": [5, 6], "Body Mass Index": [40490382]}
}"""


@pytest.mark.django_db
class TestPageConfig:
    @pytest.fixture
    def version(self) -> LayoutVersion:
        for concept_id in (1, 2, 3, 4, 6, 45614722, 38000282):
            omop_rows.concept(concept_id, f"Concept name {concept_id}")
        omop_rows.concept(5, "Abdomen finding")
        omop_rows.concept(40490382, "BMI (body mass index) centile")
        return import_layout(content=PAGE_CONFIG, by=None)

    def test_order_sections_and_demographics_first(self, version: LayoutVersion) -> None:
        paths = [".".join(node.path) for node in layout_nodes(version) if not node.is_feature]
        assert paths == [
            "BACKGROUND",
            "BACKGROUND.Patient Demographics",
            "BACKGROUND.Family History",
            "BACKGROUND.Social History",
            "BACKGROUND.Social History.Smoke",
            "BACKGROUND.Social History.Alcohol",
            "BACKGROUND.CRC risk assessments",
            "PATIENT COMPLAINT",
            "PATIENT COMPLAINT.Chief Complaint",
            "PHYSICAL EXAMINATION",
            "PHYSICAL EXAMINATION.Abdomen finding",
            "PHYSICAL EXAMINATION.BMI (body mass index) range",
        ]

    def test_it_comes_in_with_the_visibility_of_the_original(self, version: LayoutVersion) -> None:
        found = {node.key: node.visibility for node in layout_nodes(version) if node.is_feature}
        assert found == {
            "background-patient-demographics-age": "always",
            "background-patient-demographics-gender": "always",
            "background-family-history-values": "when_disclosed",
            "background-social-history-smoke-values": "when_disclosed",
            "background-social-history-alcohol-values": "when_disclosed",
            "background-crc-risk-assessments-score": "when_disclosed",
            "patient-complaint-chief-complaint-values": "always",
            "physical-examination-abdominal-values": "unless_restricted",
            "physical-examination-body-mass-index-values": "when_disclosed",
        }

    def test_paths_of_the_study_match_the_cases_built_with_it(self, version: LayoutVersion, one_visit: int) -> None:
        from cases.actions import put_forward
        from cases.models import Case
        from cases.tree import features, from_json
        from omop.models import ConceptRelationship

        ConceptRelationship.objects.create(
            concept_id_1=5,
            concept_id_2=50,
            relationship_id="Is characterized by",
            valid_start_date="1970-01-01",
            valid_end_date="2099-12-31",
        )
        omop_rows.concept(50, "Tenderness")
        omop_rows.event("observation", 1, value_as_string="Diabetes: Yes")
        omop_rows.event("observation", 1, value_as_string="")
        omop_rows.event("observation", 2, value_as_number=10, unit_source_value="per day", visit_id=99)
        omop_rows.event("observation", 3, value_as_string="1.5 units: daily")
        omop_rows.event("observation", 45614722, value_as_string="Colorectal Cancer Score: 7")
        omop_rows.event("observation", 45614722, value_as_string="Adjusted CRC Risk: 0.3")
        omop_rows.event("observation", 8, type_id=38000282, observation_source_value="Fatigue")
        omop_rows.event("measurement", 50)
        omop_rows.event("measurement", 40490382, value_as_number="27.4")
        put_forward(visit_ids=[one_visit], by=None)
        tree = from_json(json.loads(Case.objects.get().snapshots.get().content))
        listed = list(features(tree))
        assert {".".join(path): [entry.text for entry in f.entries] for f, path in listed} == {
            "BACKGROUND.Patient Demographics.Age": ["59"],
            "BACKGROUND.Patient Demographics.Gender": ["F"],
            "BACKGROUND.Family History.Diabetes": ["Yes"],
            "BACKGROUND.Social History.Alcohol.1.5 units": ["daily"],
            "BACKGROUND.CRC risk assessments.Adjusted CRC Risk": ["0.3"],
            "BACKGROUND.CRC risk assessments.Colorectal Cancer Score": ["7"],
            "PATIENT COMPLAINT.Chief Complaint.Fatigue": [""],
            "PHYSICAL EXAMINATION.Abdomen finding.Tenderness": [""],
            "PHYSICAL EXAMINATION.BMI (body mass index) range.BMI (body mass index) range": ["Overweight"],
        }
        advice = advice_nodes(layout_nodes(version))

        def matched(path: str) -> Any:
            return match_augmed_path(path, listed, path_rules(version), advice)

        def keys(path: str) -> list[str]:
            found = matched(path)
            assert isinstance(found, PathMatch), found
            return [f"{f.identity.node_key} {f.identity.discriminator}".strip() for f in found.features]

        assert keys("BACKGROUND.Family History.Diabetes: Yes") == ["background-family-history-values t:diabetes"]
        assert keys("BACKGROUND.Social History") == ["background-social-history-alcohol-values t:1.5 units"]
        assert keys("PHYSICAL EXAMINATION.Abdominal.Tenderness") == ["physical-examination-abdominal-values c:50"]
        assert keys("PHYSICAL EXAMINATION.x.BMI (body mass index) centile") == [
            "physical-examination-body-mass-index-values"
        ]
        assert keys("RISK ASSESSMENT.CRC risk assessments") == [
            "background-crc-risk-assessments-score t:colorectal cancer score"
        ]
        supplied = matched("RISK ASSESSMENT.Colorectal Cancer Score: 7.5")
        assert supplied.supply is not None
        assert (supplied.supply.label, supplied.supply.value) == ("Predicted Colorectal Cancer Score", "7.5")

    def test_without_the_score_it_gets_a_section_of_its_own(self) -> None:
        version = import_layout(content='{"BACKGROUND": {}}', by=None, allow_unknown_concepts=True, name="Bare")
        assert version.layout.name == "Bare"
        assert [node.key for node in layout_nodes(version) if node.role == "advice"] == [
            "risk-assessment-crc-risk-assessments-score"
        ]

    def test_unknown_concepts_are_named_with_their_nodes(self) -> None:
        errors = refused('{"BACKGROUND": {"A b": [9], "A-b": [45614722]}}')
        assert errors["background-a-b-values"] == ["concept 9 is not in the vocabulary"]

    def test_a_row_of_the_original_s_own_table_can_be_given(self) -> None:
        content = json.dumps({"id": "page_config", "json_config": json.loads(PAGE_CONFIG)})
        assert import_layout(content=content, by=None, allow_unknown_concepts=True).nodes.count() > 10


def test_a_node_that_stands_below_itself_is_named() -> None:
    nodes = (
        NodeData("s", "S", "section"),
        NodeData("a", "A", "category", "b"),
        NodeData("b", "B", "category", "a"),
        NodeData("f", "F", "feature", "missing", source="drug"),
        NodeData("g", "G", "feature", None, source="drug"),
        NodeData("h", "H", "feature", "f", source="drug"),
    )
    found = {problem.key: problem.message for problem in problems_of(LayoutContent("x", depth_first(nodes)))}
    assert found["a"] == found["b"] == "it stands below itself"
    assert "'missing' is not in the layout" in found["f"]
    assert "stands below a section" in found["g"]


keys = st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True), unique=True, min_size=3, max_size=12)


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow])
@given(keys, st.data())
def test_every_layout_survives_its_json(names: list[str], data: Any) -> None:
    nodes = [NodeData(names[0], "Section", "section")]
    for name in names[1:]:
        parent = data.draw(st.sampled_from([node.key for node in nodes if node.level != "feature"]))
        if data.draw(st.booleans()):
            nodes.append(NodeData(name, data.draw(st.text(min_size=1)), "category", parent))
        else:
            concepts = data.draw(st.lists(st.integers(1, 99), unique=True).map(tuple))
            nodes.append(
                NodeData(name, "F", "feature", parent, "drug", concept_ids=concepts, include_descendants=bool(concepts))
            )
    content = LayoutContent("Name", depth_first(nodes), "About.")
    assert content_from_json(json.loads(json.dumps(content_to_json(content)))) == content


@given(st.dictionaries(st.sampled_from(sorted(ValueRules.__dataclass_fields__)), st.none() | st.text() | st.integers()))
def test_value_rules_are_read_or_refused_by_name_but_never_crash(value: dict[str, Any]) -> None:
    refusal = ""
    try:
        ValueRules.from_json(value)
    except RulesError as error:
        refusal = str(error)
    assert not refusal or refusal.partition(":")[0] in value
