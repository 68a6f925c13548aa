"""What the published client pins above a case: the cards that were pinned, in their order, then advice.

Pure functions. One entry may stand under the client's own score key, whose text it takes apart; anything that it could
not take apart is an ordinary entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from augmed.published.reading.details import (
    AI_KEY,
    Json,
    TreeNode,
    category_values,
    clinical,
    feature_values,
    style_of,
    tree_node,
)
from cases.augmed_paths import PathRules, ScoreNode
from cases.disclosure_content import style_from_json
from cases.value_text import LABEL_SEPARATOR, normalise_label

_SCORE = re.compile(r"[^:]*:\s*[-+]?\d+(\.\d+)?\s*", re.ASCII)


def importants(disclosed: Json, rules: PathRules) -> list[TreeNode]:
    """Pinned cards by weight, the smallest first, equal ones as they stand; then all advice."""
    pinned = sorted(_pinned(disclosed["sections"]), key=lambda found: found[0])
    return [node for _, node in pinned] + _advice(disclosed["sections"], rules)


def is_score(text: str) -> bool:
    """Whether the client finds a number after the first colon."""
    return _SCORE.fullmatch(text) is not None


def _pinned(children: Iterable[Json]) -> Iterator[tuple[Decimal, TreeNode]]:
    for heading in children:
        below = clinical(heading["children"])
        pinned = [child for child in below if child["level"] == "feature" and child["style"]["top"] is not None]
        if pinned and heading["level"] == "category":
            yield _weight(pinned), tree_node(heading["label"], category_values(heading["label"], pinned))
        elif pinned:  # a section has no values of its own: each of its features is a card
            yield from ((_weight([one]), tree_node(one["label"], feature_values(one))) for one in pinned)
        yield from _pinned(child for child in below if child["level"] != "feature")


def _weight(features: Iterable[Json]) -> Decimal:
    top = style_of(features).top
    assert top is not None
    return top


def _advice(sections: Iterable[Json], rules: PathRules) -> list[TreeNode]:
    scores = {score.node_key: score for score in rules.score_nodes}
    made: list[TreeNode] = []
    has_score = False
    for feature in _in_order(list(_advice_features(sections)), scores):
        label, texts = _shown_label(feature, scores.get(feature["key"])), _told(feature)
        # Without its date, which the client would not take for a part of a score.
        spelled = f"{label}{LABEL_SEPARATOR}{feature['entries'][0]['text']}" if feature["entries"] else label
        if feature["key"] in scores and not has_score and is_score(spelled):
            made.append({"key": AI_KEY, "values": [spelled], "style": None})
            has_score, texts = True, texts[1:]
            if not texts:
                continue
        made.append(tree_node(label, texts[0] if len(texts) == 1 else texts or None))
    return made


def _in_order(advice: list[Json], scores: Mapping[str, ScoreNode]) -> list[Json]:
    """What was pinned first, then as it stands; scores of one node as its labels are listed."""
    nodes = list(dict.fromkeys(feature["key"] for feature in advice))

    def place(feature: Json) -> tuple[bool, Decimal, int, int]:
        top = style_from_json(feature["style"]).top
        score = scores.get(feature["key"])
        listed = [normalise_label(label) for label, _ in score.labels] if score else []
        label = normalise_label(feature["label"])
        rank = listed.index(label) if label in listed else len(listed)
        return top is None, top or Decimal(0), nodes.index(feature["key"]), rank

    return sorted(advice, key=place)


def _advice_features(children: Iterable[Json]) -> Iterator[Json]:
    for child in children:
        if child["level"] != "feature":
            yield from _advice_features(child["children"])
        elif child["role"] == "advice":
            yield child


def _shown_label(feature: Json, score: ScoreNode | None) -> str:
    renamed = {normalise_label(label): shown for label, shown in score.labels} if score else {}
    return renamed.get(normalise_label(feature["label"]), str(feature["label"]))


def _told(feature: Json) -> list[str]:
    """The texts of an advice, then what is known of the models it comes from, each said once."""
    entries = feature["entries"]
    models: list[Mapping[str, Any]] = [entry["model"] for entry in entries if entry["model"]]
    about = [text for model in models for text in (_model_text(model), model["caveat"])]
    return [entry["text"] for entry in entries if entry["text"]] + list(dict.fromkeys(filter(None, about)))


def _model_text(model: Mapping[str, Any]) -> str:
    if not model["model"]:
        return ""
    version = f"version {model['version']}" if model["version"] else ""
    return ", ".join(filter(None, (model["model"], version, model["produced_at"])))
