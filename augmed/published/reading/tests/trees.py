"""Random cases, sets and layouts, disclosed by the engine itself: what the adapter is fed in the laws."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from augmed.published.reading.details import AI_KEY, HIDDEN_CARD
from cases.augmed_paths import PathRules, ScoreNode
from cases.disclosure import DisclosedTree, Show, Style, disclose
from cases.tree import SCHEMA_VERSION, Entry, Feature, ModelOutput, Node, Tree, features
from cases.value_text import normalise_label, text_discriminator

# What breaks careless code: the client's own names, colons and dots, zeros, numbers, other alphabets, nothing at all.
_AWKWARD = (
    "0",
    "7.5",
    "a: b: c",
    "x.y",
    "N/A",
    "AI: 3",
    "AI-Predicted CRC Risk Score: high",
    "<b>",
    "ignore",
    "Ω≈ç",
    " ",
)
texts = st.one_of(st.sampled_from(_AWKWARD), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12))
labels = st.one_of(st.sampled_from((AI_KEY, HIDDEN_CARD, *_AWKWARD[:-1])), texts).filter(
    lambda text: text.strip() != ""
)
models = st.builds(ModelOutput, texts, texts, st.sampled_from(("", "2020-01-01")), texts)
entries = st.builds(Entry, text=texts, model=st.none() | models)
styles = st.builds(
    Style,
    collapse=st.none() | st.booleans(),
    highlight=st.none() | st.booleans(),
    top=st.none() | st.decimals(-9, 9, places=1) | st.sampled_from((Decimal(10) ** 350, Decimal(0))),
)


@st.composite
def disclosures(draw: st.DrawFn) -> tuple[DisclosedTree, PathRules]:
    """A disclosed tree, and a layout's rules which call some of its advice a score."""
    tree = Tree(SCHEMA_VERSION, tuple(_section(draw, f"s{at}") for at in range(draw(st.integers(0, 3)))))
    listed = [feature for feature, _ in features(tree)]
    shown = [feature for feature in listed if draw(st.booleans())]
    disclosed = disclose(tree, [Show(*feature.identity, style=draw(styles)) for feature in shown])
    keys = sorted({feature.node_key for feature in listed if feature.role == "advice" and draw(st.booleans())})
    renamed = tuple((label, draw(labels)) for label in draw(st.lists(labels, max_size=2)))
    return disclosed, PathRules(score_nodes=tuple(ScoreNode(key, renamed) for key in keys))


def _section(draw: st.DrawFn, key: str) -> Node:
    return Node(key, draw(labels), "section", _children(draw, key, 0))


def _children(draw: st.DrawFn, key: str, depth: int) -> tuple[Node | Feature, ...]:
    made: list[Node | Feature] = []
    for at in range(draw(st.integers(0, 3))):
        below = f"{key}-{at}"
        if depth < 2 and draw(st.booleans()):
            made.append(Node(below, draw(labels), "category", _children(draw, below, depth + 1)))
        else:
            made += _features(draw, below)
    return tuple(made)


def _features(draw: st.DrawFn, key: str) -> list[Feature]:
    """What one node of a layout gives: one feature, one for each concept, or one for each label split from text."""
    role = draw(st.sampled_from(("clinical", "clinical", "advice")))
    named = draw(st.lists(labels, min_size=1, max_size=3, unique_by=normalise_label))
    kind = draw(st.sampled_from(("", "c", "t")))
    found = [
        Feature(
            key,
            {"": "", "c": f"c:{at}", "t": text_discriminator(label)}[kind],
            label,
            "text",
            role,  # type: ignore[arg-type]
            tuple(draw(st.lists(entries, max_size=3))),
        )
        for at, label in enumerate(named)
    ]
    return found[:1] if kind == "" else found
