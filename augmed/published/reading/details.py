"""The disclosed tree as the published client draws it: sections > cards > values.

Pure functions on the JSON of a disclosed tree (cases.disclosure). A list never mixes texts and nodes, which the client
cannot draw. Advice is not here: it stands among the important items (importants.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cases.disclosure_content import PLAIN, Style, merge_styles, said_style, style_from_json
from cases.value_text import LABEL_SEPARATOR, range_text

Json = Mapping[str, Any]
TreeNode = dict[str, Any]
Values = str | list[str] | list[TreeNode] | None

AI_KEY = "AI CRC Risk Score (<6: Low; 6-11: Medium; >11: High)"
"""The client shows what stands under this key, and no other, as a score."""
HIDDEN_CARD = "CRC risk assessments"
"""The client hides a card of this name, whatever it holds."""
UNNAMED = "ignore"
"""The client does not show this name above a pinned item."""


def tree_node(key: str, values: Values, style: Style = PLAIN) -> TreeNode:
    return {"key": client_key(key), "values": values, "style": client_style(style)}


def client_key(label: str) -> str:
    """The label, told apart from the three that the client does not treat as names. The space does not show."""
    return f"{label} " if label in (AI_KEY, HIDDEN_CARD, UNNAMED) else label


def client_style(style: Style) -> dict[str, Any] | None:
    """What was said of the style. The client takes `collapse` for the opposite of what a CSV means by it."""
    said = said_style(style)
    if "collapse" in said:
        said["collapse"] = not said["collapse"]
    return said or None


def sections(disclosed: Json) -> list[TreeNode]:
    """Every section with the cards that it has; none without."""
    made = [(section["label"], _cards(section["children"])) for section in disclosed["sections"]]
    return [tree_node(label, cards) for label, cards in made if cards]


def clinical(children: Iterable[Json]) -> list[Json]:
    """What stands in the details: headings, and features that are no advice."""
    return [child for child in children if child["level"] != "feature" or child["role"] != "advice"]


def style_of(features: Iterable[Json]) -> Style:
    """The style of what these features make together, as AugMed merges the rows of one card."""
    return merge_styles(style_from_json(feature["style"]) for feature in features)


def shown_text(entry: Json) -> str:
    """The value with its reference range and its date, which the client has no place of their own for. (A layout made
    from a page_config discloses neither, as AugMed did.)"""
    said = [range_text(entry["low"], entry["high"]), entry["date"] or ""]
    beside = ", ".join(filter(None, said))
    if entry["text"] and beside:
        return f"{entry['text']} ({beside})"
    return entry["text"] or beside


def feature_values(feature: Json) -> Values:
    """One value is a text, several are a list, none is nothing. A zero is a value."""
    texts = [text for text in map(shown_text, feature["entries"]) if text]
    if len(feature["entries"]) == 1:
        return texts[0] if texts else None
    return texts or None


def leaf_texts(label: str, feature: Json) -> list[str]:
    """'Label: value' for each value, as display configs name them; the label alone where there is none."""
    texts = [shown_text(entry) for entry in feature["entries"]] or [""]
    return [f"{label}{LABEL_SEPARATOR}{text}" if text else label for text in texts]


def category_values(label: str, features: Sequence[Json]) -> Values:
    """The values of a heading that has only features below it."""
    if len(features) == 1 and features[0]["label"] == label:
        return feature_values(features[0])
    if all(_is_split(feature) for feature in features):
        return [text for feature in features for text in leaf_texts(feature["label"], feature)]
    return [tree_node(feature["label"], feature_values(feature)) for feature in features]


def _cards(children: Iterable[Json]) -> list[TreeNode]:
    made = [_child(child) for child in clinical(children)]
    return [card for card in made if card is not None]


def _child(child: Json) -> TreeNode | None:
    if child["level"] == "feature":
        return _leaf(child)
    return _category(child)


def _category(category: Json) -> TreeNode | None:
    """A card, or a category inside one; None where nothing clinical is left below it.

    Its style is that of its features, unless each is drawn for itself and they differ: then each has its own."""
    label, below = category["label"], clinical(category["children"])
    features = [child for child in below if child["level"] == "feature"]
    if len(features) == len(below):
        values = category_values(label, features)
        if not _is_nodes(values) or _alike(features):
            return tree_node(label, values, style_of(features)) if features else None
    nodes = [node for node in map(_child, below) if node is not None]
    return tree_node(label, nodes) if nodes else None


def _leaf(feature: Json) -> TreeNode:
    return tree_node(feature["label"], feature_values(feature), style_from_json(feature["style"]))


def _is_nodes(values: Values) -> bool:
    return isinstance(values, list) and bool(values) and isinstance(values[0], dict)


def _is_split(feature: Json) -> bool:
    """Whether its label was the first part of a text, which it becomes again."""
    return bool(feature["discriminator"].startswith("t:"))


def _alike(features: Sequence[Json]) -> bool:
    return all(feature["style"] == features[0]["style"] for feature in features)
