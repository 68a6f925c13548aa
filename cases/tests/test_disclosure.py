import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.canonical import canonical_json
from cases.disclosure import (
    AdviceName,
    AdviceNode,
    DisclosureContent,
    DisclosureError,
    FoundFeature,
    Heading,
    MatrixCell,
    MatrixNode,
    PathError,
    PathMatch,
    PathRules,
    Show,
    Style,
    Supply,
    compare,
    disclose,
    disclosed_features,
    disclosed_sha256,
    disclosed_to_json,
    match_augmed_path,
    merge_matches,
    merge_styles,
    path_index,
    resolve,
    resolve_with_report,
    said_style,
    shown_by_visibility,
    style_as_said,
)
from cases.tests.test_tree import trees
from cases.tree import Entry, Feature, Identity, Node, Tree, features

ADVICE = AdviceNode("score", "AI score", (Heading("risk", "Risk", "section"), Heading("ai", "AI")))
styles = st.builds(
    Style,
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.decimals(-3, 3, places=1),
)


@st.composite
def trees_with_entries(draw):
    tree = draw(trees())
    identities = [feature.identity for feature, _ in features(tree)]
    chosen = draw(st.lists(st.sampled_from(identities), unique=True)) if identities else []
    entries = [Show(*identity, style=draw(styles)) for identity in chosen]
    for label in draw(st.lists(st.sampled_from(["AI score", "Second"]), unique=True)):
        entries.append(Supply("score", label, draw(st.text("abc17", min_size=1)), draw(styles), "row 3"))
    return tree, draw(st.permutations(entries))


def give(tree, entries):
    return disclose(tree, entries, [ADVICE], ["n0", "risk", "ai", "score"])


def shown(disclosed):
    return {feature.identity: feature for feature, _ in disclosed_features(disclosed)}


def strings_of(value):
    """Every string among the values of a JSON value (keys are the schema's, not the case's)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)


def headings_above(node, identities):
    """The headings of the original tree that have one of these features below, with the features."""
    below = []
    for child in node.children:
        if isinstance(child, Feature):
            below += [child] if child.identity in identities else []
        else:
            below += headings_above(child, identities)
    return [node, *below] if below else []


@given(trees_with_entries())
def test_every_string_comes_from_a_shown_feature_a_heading_above_one_or_a_supply(case):
    tree, entries = case
    shows = {entry.identity: entry for entry in entries if isinstance(entry, Show)}
    supplies = [entry for entry in entries if isinstance(entry, Supply)]
    allowed = {"section", "category", "feature"}
    for item in [item for section in tree.sections for item in headings_above(section, shows)]:
        if isinstance(item, Node):
            allowed |= {item.key, item.label}
        else:
            allowed |= {item.node_key, item.discriminator, item.label, item.kind, item.role}
            for entry in item.entries:
                allowed |= {entry.text, entry.number, entry.unit, entry.low, entry.high, entry.operator}
                allowed |= {entry.date, entry.blob}
                if entry.model:
                    allowed |= {entry.model.model, entry.model.version, entry.model.produced_at, entry.model.caveat}
    for supply in supplies:
        allowed |= {"text", "advice", supply.label, supply.value, *supply.identity}
        allowed |= {text for heading in ADVICE.headings for text in (heading.key, heading.label)}
    disclosed = json.loads(canonical_json(disclosed_to_json(give(tree, entries))))
    tops = {str(entry.style.top.normalize() + 0) for entry in entries if entry.style.top is not None}
    for text in strings_of(disclosed):
        assert text in allowed or Decimal(text) in {Decimal(top) for top in tops}


@given(trees_with_entries(), st.data())
def test_features_that_are_not_shown_never_change_a_byte(case, data):
    tree, entries = case
    named = {entry.identity for entry in entries}
    counter = iter(range(1000))

    def hidden():
        number = next(counter)
        feature = Feature(f"h{number}", "", "secret", "note", "advice", (Entry("secret text"),))
        headings = [feature, Node(f"x{number}", "secret heading", "category", (feature,))]
        return data.draw(st.sampled_from(headings))

    def grow(node):
        children = []
        for child in node.children:
            if isinstance(child, Node):
                child = grow(child)
            elif child.identity not in named:
                change = data.draw(st.sampled_from(["keep", "drop", "relabel"]))
                if change == "drop":
                    continue
                child = child if change == "keep" else replace(child, label="other", entries=())
            children += [hidden(), child] if data.draw(st.booleans()) else [child]
        return replace(node, children=(*children, hidden()))

    sections = [grow(section) for section in tree.sections]
    extra = Node("risk-hidden", "Hidden section", "section", (hidden(),))
    grown = Tree(1, (extra, *sections) if data.draw(st.booleans()) else (*sections, extra))
    assert canonical_json(disclosed_to_json(give(grown, entries))) == canonical_json(
        disclosed_to_json(give(tree, entries))
    )


@given(trees_with_entries(), st.data())
def test_more_shows_never_disclose_less(case, data):
    tree, entries = case
    fewer = data.draw(st.lists(st.sampled_from(entries), unique=True)) if entries else []
    few, many = shown(give(tree, fewer)), shown(give(tree, entries))
    assert few.items() <= many.items()


@given(trees_with_entries())
def test_exactly_what_is_named_is_disclosed_in_tree_order_with_its_path(case):
    tree, entries = case
    disclosed = give(tree, entries)
    assert set(shown(disclosed)) == {entry.identity for entry in entries}
    from_tree = [(feature.identity, path) for feature, path in disclosed_features(disclosed) if not feature.supplied]
    named = {entry.identity for entry in entries}
    assert from_tree == [(f.identity, path) for f, path in features(tree) if f.identity in named]


@given(trees_with_entries(), st.randoms(use_true_random=False))
def test_order_of_shows_is_irrelevant(case, random):
    tree, entries = case
    shows = [entry for entry in entries if isinstance(entry, Show)]
    again = [*shows]
    random.shuffle(again)
    assert DisclosureContent.of(shows).sha256 == DisclosureContent.of(again).sha256
    assert disclosed_sha256(disclose(tree, shows)) == disclosed_sha256(disclose(tree, again))


@given(trees_with_entries())
def test_importants_come_by_top_then_tree_order(case):
    tree, entries = case
    disclosed = give(tree, entries)
    order = list(shown(disclosed))
    pinned = {entry.identity: entry.style.top for entry in entries if entry.style.top is not None}
    expected = sorted(pinned, key=lambda identity: (pinned[identity], order.index(identity)))
    assert [important.identity for important in disclosed.importants] == expected


@given(trees())
def test_the_empty_set_discloses_nothing_at_all(tree):
    assert disclosed_to_json(disclose(tree, [])) == {"schema_version": 1, "sections": [], "importants": []}


@given(trees_with_entries())
def test_content_survives_json(case):
    content = DisclosureContent.of(case[1])
    assert DisclosureContent.from_json(json.loads(canonical_json(content.to_json()))).sha256 == content.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra"),
        ({"schema_version": 2}, "schema_version"),
        ({"shows": {}}, r"\$\.shows"),
        ({"shows": [{"node_key": "a", "discriminator": "", "style": {}}]}, r"\$\.shows\[0\]\.style"),
        ({"supplies": [{"node_key": "a"}]}, r"\$\.supplies\[0\]"),
    ],
)
def test_malformed_content_is_refused_with_its_place(change, message):
    with pytest.raises(DisclosureError, match=message):
        DisclosureContent.from_json(DisclosureContent().to_json() | change)


def test_one_feature_named_twice_is_refused():
    with pytest.raises(DisclosureError, match="twice"):
        DisclosureContent.of([Show("a"), Show("a", style=Style(collapse=True))])


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\u202eb", "x" * 501])
def test_a_supplied_value_is_limited_plain_text(value):
    with pytest.raises(DisclosureError, match="supplied value"):
        Supply("score", "AI score", value)


def test_a_supply_at_a_node_that_takes_none_is_refused():
    for nodes in ([], [replace(ADVICE, accepts_supplies=False)]):
        with pytest.raises(DisclosureError, match="takes no supplied values"):
            disclose(Tree(1, ()), [Supply("score", "AI score", "7")], nodes)


def feature(key, label, *texts, discriminator="", role="clinical"):
    return Feature(key, discriminator, label, "text", role, tuple(Entry(text) for text in texts))


HISTORY = Node(
    "history",
    "Medical History",
    "category",
    (
        feature("mh", "Fatigue", "Yes", discriminator="t:fatigue"),
        feature("mh", "B.M.I. class", "22.5 kg", discriminator="t:b.m.i. class"),
        feature("smoke", "Smoke", "10 per day", "Former"),
    ),
)
PULSE = feature("pulse", "Pulse", "72.5")
SKIN = Node("skin", "Skin", "category", (feature("rash", "Rash", "none seen"),))
CASE = Tree(
    1,
    (
        Node("background", "BACKGROUND", "section", (HISTORY,)),
        Node("exam", "PHYSICAL EXAMINATION", "section", (PULSE, SKIN)),
        Node(
            "risk",
            "MODEL",
            "section",
            (
                feature("crc", "CRC Score", "7", discriminator="t:crc score", role="advice"),
                feature("crc", "Adjusted CRC", "9", discriminator="t:adjusted crc", role="advice"),
            ),
        ),
    ),
)
CRC = AdviceNode("crc", "CRC risk assessments", (Heading("risk", "MODEL", "section"),))
RULES = PathRules(
    last_label_sections=("PHYSICAL EXAMINATION",),
    label_aliases=(("Heart rate", "Pulse"),),
    advice_section="RISK ASSESSMENT",
    advice_names=(
        AdviceName("Colorectal Cancer Score", "crc", "Predicted Colorectal Cancer Score"),
        AdviceName("Colorectal", "crc"),
        AdviceName("first of them", "crc", prefer=("t:none", "t:adjusted crc", "t:crc score")),
    ),
)


def match(path):
    return match_augmed_path(path, features(CASE), RULES, [CRC], "row 7")


@pytest.mark.parametrize(
    ("path", "identities"),
    [
        ("BACKGROUND.Medical History.Fatigue: Yes", [("mh", "t:fatigue")]),
        (" BACKGROUND.Medical History.Fatigue ", [("mh", "t:fatigue")]),
        ("BACKGROUND.Medical History.B.M.I. class: 22.5 kg", [("mh", "t:b.m.i. class")]),
        ("BACKGROUND.Medical History.Smoke.10 per day", [("smoke", "")]),
        ("BACKGROUND.Medical History", [("mh", "t:fatigue"), ("mh", "t:b.m.i. class"), ("smoke", "")]),
        ("PHYSICAL EXAMINATION.Pulse", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Pulse: 72.5", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Vital signs.Pulse", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Vital signs.Pulse: 72.5", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Vital signs.Heart rate", [("pulse", "")]),
        ("PHYSICAL EXAMINATION.Anything.Skin", [("rash", "")]),
        ("PHYSICAL EXAMINATION.Anything.Rash", [("rash", "")]),
        ("RISK ASSESSMENT.CRC risk assessments", [("crc", "t:crc score"), ("crc", "t:adjusted crc")]),
        ("RISK ASSESSMENT.first of them", [("crc", "t:adjusted crc")]),
        ("MODEL.CRC Score: 7", [("crc", "t:crc score")]),
    ],
)
def test_paths_that_name_features(path, identities):
    found = match(path)
    assert isinstance(found, PathMatch)
    assert [tuple(identity) for identity in found.identities] == identities
    assert found.supply is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "a section"),
        ("BACKGROUND", "a section"),
        ("BACKGROUND.", "a section"),
        ("BACKGROUND.Medical History.fatigue", "called so"),
        ("BACKGROUND.Medical History.Fatigue: No", "called so"),
        ("BACKGROUND.Anything.Fatigue", "called so"),
        ("PHYSICAL EXAMINATION.Vital signs.Pulse: 80", "called so"),
        ("RISK ASSESSMENT.Unknown", "no advice node"),
        ("RISK ASSESSMENT.Colorectal Cancer Score: ", "empty"),
    ],
)
def test_paths_that_name_nothing_say_why(path, reason):
    found = match(path)
    assert isinstance(found, PathError)
    assert reason in found.reason


def test_a_value_given_in_the_path_is_supplied_to_the_advice_node():
    found = match("RISK ASSESSMENT.Colorectal Cancer Score: 7.5")
    assert found.supply == Supply("crc", "Predicted Colorectal Cancer Score", "7.5", source="row 7")
    assert disclose(CASE, [found.supply], [CRC]).sections[0].label == "MODEL"


def test_a_value_for_a_node_that_takes_none_is_an_error():
    found = match_augmed_path(
        "RISK ASSESSMENT.Colorectal: 1", features(CASE), RULES, [replace(CRC, accepts_supplies=False)]
    )
    assert "takes no values" in found.reason


def test_advice_that_the_case_has_not_is_an_error():
    found = match_augmed_path("RISK ASSESSMENT.Colorectal", [], RULES, [CRC])
    assert "has no advice" in found.reason


def test_the_special_sections_are_data_not_code():
    assert isinstance(match_augmed_path("PHYSICAL EXAMINATION.x.Pulse", features(CASE)), PathError)
    assert isinstance(match_augmed_path("RISK ASSESSMENT.Colorectal", features(CASE)), PathError)
    assert PathRules.from_json(json.loads(json.dumps(RULES.to_json()))) == RULES
    with pytest.raises(DisclosureError, match="unknown key"):
        PathRules.from_json({"sections": []})


def test_other_values_shown_beside_the_one_spelled_out_are_reported():
    assert match("BACKGROUND.Medical History.Smoke.10 per day").also_discloses == ("Former",)
    assert match("BACKGROUND.Medical History.Smoke").also_discloses == ()


@given(trees())
def test_every_feature_is_found_by_its_own_path(tree):
    index = path_index(features(tree))
    for found, labels in features(tree):
        path = ".".join(labels)
        if path.strip().partition(".")[2].strip():
            assert found.identity in match_augmed_path(path, index).identities


@given(st.lists(styles, max_size=6))
def test_styles_merge_as_in_augmed(listed):
    merged = merge_styles(listed)
    for name in ("collapse", "highlight"):
        said = [getattr(style, name) for style in listed if getattr(style, name) is not None]
        assert getattr(merged, name) == (said[-1] if said else None)
    assert merged.top == max((style.top for style in listed if style.top is not None), default=None)


@given(styles)
def test_a_style_comes_back_as_it_was_said(style):
    said = json.loads(json.dumps(said_style(style)))
    assert style_as_said(said) == style
    assert None not in said.values()


@pytest.mark.parametrize(
    "value", [1, "", [], {"collapse": "TRUE"}, {"highlight": 1}, {"top": "secret"}, {"top": True}, {"top": [1]}]
)
def test_what_is_no_style_is_refused_without_its_words(value):
    with pytest.raises(DisclosureError) as refused:
        style_as_said(value)
    assert "secret" not in str(refused.value)


def test_rows_of_one_case_are_merged_by_heading():
    first, second = Style(collapse=True, top=Decimal(2)), Style(collapse=False, highlight=True, top=Decimal(1))
    entries = merge_matches(
        [
            (match("BACKGROUND.Medical History.Fatigue"), first),
            (match("BACKGROUND.Medical History.Smoke"), second),
            (match("PHYSICAL EXAMINATION.Pulse"), Style()),
            (match("RISK ASSESSMENT.Colorectal: 7"), Style()),
            (match("RISK ASSESSMENT.Colorectal: 7"), Style(top=Decimal(3))),
        ]
    )
    merged = Style(collapse=False, highlight=True, top=Decimal(2))
    assert entries == (
        Show("mh", "t:fatigue", merged),
        Show("smoke", "", merged),
        Show("pulse"),
        Supply("crc", "Colorectal", "7", Style(top=Decimal(3)), "row 7"),
    )


def test_two_values_for_one_supply_are_refused():
    with pytest.raises(DisclosureError, match="two values"):
        merge_matches([(match(f"RISK ASSESSMENT.Colorectal: {n}"), Style()) for n in (7, 8)])


def test_a_supply_finds_its_place_in_the_layout_whatever_is_hidden():
    order = ["background", "risk", "crc", "exam"]
    entries = [Show("smoke"), Show("pulse"), Supply("crc", "Score", "7")]
    assert [s.label for s in disclose(CASE, entries, [CRC], order).sections] == [
        "BACKGROUND",
        "MODEL",
        "PHYSICAL EXAMINATION",
    ]
    assert disclose(CASE, entries, [CRC]).sections[-1].label == "MODEL"


def test_comparison_of_two_arms_by_identity():
    first = disclose(CASE, [Show("mh", "t:fatigue"), Show("pulse"), Show("smoke"), Supply("crc", "S", "7")], [CRC])
    second = disclose(
        CASE,
        [Show("mh", "t:fatigue"), Show("pulse", style=Style(highlight=True)), Show("rash"), Supply("crc", "S", "8")],
        [CRC],
    )
    assert {(d.identity.node_key, d.kind) for d in compare(first, second)} == {
        ("mh", "same"),
        ("pulse", "style_differs"),
        ("smoke", "only_a"),
        ("rash", "only_b"),
        ("crc", "entries_differ"),
    }


@given(trees_with_entries(), st.data())
def test_comparing_the_other_way_round_mirrors(case, data):
    tree, entries = case
    first = give(tree, entries)
    second = give(tree, data.draw(st.lists(st.sampled_from(entries), unique=True)) if entries else [])
    mirror = {"only_a": "only_b", "only_b": "only_a"}
    forward = {d.identity: d.kind for d in compare(first, second)}
    backward = {d.identity: mirror.get(d.kind, d.kind) for d in compare(second, first)}
    assert forward == backward
    assert all(d.kind == "same" for d in compare(first, first))


NODES = (
    MatrixNode("s"),
    MatrixNode("c", "s"),
    MatrixNode("f", "c"),
    MatrixNode("g", "c", discloses_new_values=True),
    MatrixNode("age", "s", visibility="always"),
    MatrixNode("e"),
    MatrixNode("pulse", "e", visibility="unless_restricted"),
    MatrixNode("rash", "e", visibility="unless_restricted"),
)
FOUND = (
    FoundFeature("f", "t:a"),
    FoundFeature("f", "t:b"),
    FoundFeature("g", "c:1"),
    FoundFeature("age"),
    FoundFeature("pulse"),
    FoundFeature("rash"),
)


def resolved(*cells, found=FOUND):
    return {tuple(show.identity) for show in resolve(cells, NODES, found)}


ALWAYS, EXAM = ("age", ""), {("pulse", ""), ("rash", "")}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], {ALWAYS} | EXAM),
        ([MatrixCell("f", None, True)], {("f", "t:a"), ("f", "t:b"), ALWAYS} | EXAM),
        ([MatrixCell("f", None, True), MatrixCell("f", "t:a", False)], {("f", "t:b"), ALWAYS} | EXAM),
        ([MatrixCell("f", None, False), MatrixCell("f", "t:a", True)], {("f", "t:a"), ALWAYS} | EXAM),
        ([MatrixCell("c", None, True), MatrixCell("g", None, False)], {("f", "t:a"), ("f", "t:b"), ALWAYS} | EXAM),
        ([MatrixCell("s", None, False), MatrixCell("g", None, True)], {("g", "c:1")} | EXAM),
        ([MatrixCell("age", None, False)], EXAM),
        ([MatrixCell("pulse", None, True)], {("pulse", ""), ALWAYS}),
        ([MatrixCell("e", None, False)], {ALWAYS}),
        ([MatrixCell("pulse", None, None, Style(highlight=True))], {ALWAYS} | EXAM),
    ],
)
def test_cells_are_inherited_and_what_none_decides_is_hidden(cells, expected):
    assert resolved(*cells) == expected


@given(st.sets(st.sampled_from(FOUND)))
def test_cells_that_each_show_a_feature_replace_and_complete_what_visibilities_show(shown):
    style = Style(highlight=True)
    cells = [MatrixCell(one.node_key, one.discriminator, True, style) for one in shown]
    sections = {"f": "s", "g": "s", "age": "s", "pulse": "e", "rash": "e"}
    by_itself = shown_by_visibility(NODES, FOUND, {sections[one.node_key] for one in shown})
    expected = {show.identity: show.style for show in by_itself} | {
        one.identity: Style(highlight=True) for one in shown
    }
    assert {show.identity: show.style for show in resolve(cells, NODES, FOUND)} == expected


def test_styles_are_inherited_field_by_field():
    cells = [
        MatrixCell("c", None, True, Style(collapse=True, top=Decimal(2))),
        MatrixCell("f", "t:a", None, Style(collapse=False, highlight=True)),
    ]
    shows = {show.identity: show.style for show in resolve(cells, NODES, FOUND)}
    assert shows[Identity("f", "t:a")] == Style(False, True, Decimal(2))
    assert shows[Identity("f", "t:b")] == Style(True, None, Decimal(2))


def test_new_values_are_hidden_and_reported_unless_their_node_discloses_them():
    found = [
        FoundFeature("f", "t:new", new=True),
        FoundFeature("f", "t:named", new=True),
        FoundFeature("g", "c:9", new=True),
        FoundFeature("pulse", "", new=True),
    ]
    cells = [MatrixCell("c", None, True), MatrixCell("f", "t:named", True), MatrixCell("pulse", None, True)]
    result = resolve_with_report(cells, NODES, found)
    assert {tuple(show.identity) for show in result.shows} == {("f", "t:named"), ("g", "c:9"), ("pulse", "")}
    assert result.hidden_new == (Identity("f", "t:new"),)


@pytest.mark.parametrize(
    ("cells", "nodes", "found", "message"),
    [
        ([MatrixCell("zz")], NODES, (), "no such node"),
        ([MatrixCell("f"), MatrixCell("f")], NODES, (), "twice"),
        ([], NODES, [FoundFeature("zz")], "no such node"),
        ([], [MatrixNode("a", "b")], (), "no parent"),
        ([], [MatrixNode("a", "b"), MatrixNode("b", "a")], (), "below itself"),
    ],
)
def test_an_inconsistent_matrix_is_refused(cells, nodes, found, message):
    with pytest.raises(DisclosureError, match=message):
        resolve(cells, nodes, found)


cells_of_clinical_nodes = st.lists(
    st.builds(
        MatrixCell,
        st.sampled_from(["s", "c", "f", "g"]),
        st.sampled_from([None, "t:a", "c:1"]),
        st.none() | st.booleans(),
    ),
    unique_by=lambda cell: (cell.node_key, cell.discriminator),
)


@given(cells_of_clinical_nodes)
def test_nothing_is_shown_that_no_cell_shows(cells):
    clinical = [feature for feature in FOUND if feature.node_key in ("f", "g")]
    asked = {cell.node_key for cell in cells if cell.shown}
    for node_key, _ in resolved(*cells, found=clinical):
        assert asked & {node_key, "c", "s"}


@given(cells_of_clinical_nodes)
def test_an_explicit_hide_of_a_feature_always_holds(cells):
    cells = [cell for cell in cells if (cell.node_key, cell.discriminator) != ("f", "t:a")]
    assert ("f", "t:a") not in resolved(*cells, MatrixCell("f", "t:a", False))


def test_a_section_alone_is_too_much_even_when_its_label_has_a_dot():
    tree = Tree(1, (Node("s", "SEC. A", "section", (PULSE,)),))
    assert isinstance(match_augmed_path("SEC. A", features(tree)), PathError)
    assert match_augmed_path("SEC. A.Pulse", features(tree)).identities == (PULSE.identity,)


def test_of_two_advice_names_the_longer_one_is_meant():
    rules = replace(RULES, advice_names=(AdviceName("Score", "crc"), AdviceName("Score: adjusted", "crc")))
    found = match_augmed_path("RISK ASSESSMENT.Score: adjusted: 5", features(CASE), rules, [CRC])
    assert (found.supply.label, found.supply.value) == ("Score: adjusted", "5")
