"""AugMed's page_config becomes a layout. All that is AugMed's own is here, as data of the layout that is made.

A page_config is an ordered object of three sections, each an ordered object of names and lists of concept ids.
Its readers saw the age, the gender and the complaint always, the examination unless some path restricted it, and the
rest only when disclosed: this is kept as the visibility of the nodes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cases.layouts.content import CATEGORY, FEATURE, SECTION, LayoutContent, LayoutError, NodeData, NodeProblem

BACKGROUND = "BACKGROUND"
COMPLAINT = "PATIENT COMPLAINT"
EXAMINATION = "PHYSICAL EXAMINATION"
SECTIONS = (BACKGROUND, COMPLAINT, EXAMINATION)
RISK = "RISK ASSESSMENT"

SCORE_CONCEPT = 45614722
SCORE_CATEGORY = "CRC risk assessments"
SCORE_NAME = "Colorectal Cancer Score"
SHOWN_SCORE_NAME = "Predicted Colorectal Cancer Score"
SCORE_LABELS = ("t:colorectal cancer score", "t:adjusted crc risk")
SHOWN_SCORE_LABELS = ((SCORE_NAME, SHOWN_SCORE_NAME), ("Adjusted CRC Risk", "AI-Predicted CRC Risk Score"))
CHIEF_COMPLAINT = "Chief Complaint"

BMI_CONCEPT = 40490382
BMI_CENTILE, BMI_RANGE = "BMI (body mass index) centile", "BMI (body mass index) range"
BMI_CLASSES = (("18", "Underweight"), ("22", "Normal"), ("27", "Overweight"), ("30", "Obese"))

RELATIONSHIPS = ("Subsumes", "Is characterized by")
OBSERVATION_TEXT = ("value_as_string", "value_as_number", "value_as_concept", "unit_source_value")
MEASUREMENT_TEXT = ("value_as_number", "value_as_concept", "unit_source_value")
_SHOWN_PLAINLY = {"show_date": False, "show_range": False, "unit_from": ["concept"], "order": "oldest", "kind": "text"}


def is_page_config(value: Any) -> bool:
    return isinstance(value, Mapping) and any(section in value for section in SECTIONS)


def content_from_page_config(
    value: Mapping[str, Any], name: str, concept_names: Callable[[Sequence[int]], Mapping[int, str]]
) -> LayoutContent:
    """Return the layout of a page_config; LayoutError names the section or sub-key that cannot be read.

    `concept_names` looks names up: a card of the examination is called after the first concept of its list.
    """
    maker = _Maker(concept_names)
    for section, content in value.items():
        if section not in SECTIONS:
            known = ", ".join(SECTIONS)
            maker.problems.append(NodeProblem(str(section), f"unknown section; a page_config has {known}"))
        elif not isinstance(content, Mapping):
            maker.problems.append(NodeProblem(section, "an object of names and lists of concept ids is needed"))
        else:
            maker.section(section, content)
    maker.score_section()
    if maker.problems:
        raise LayoutError(maker.problems)
    description = "Imported from an AugMed page_config."
    return LayoutContent(name, tuple(maker.nodes), description, _path_rules(maker))


def _path_rules(maker: "_Maker") -> dict[str, Any]:
    first = maker.score_keys[0]
    shown_labels = [list(pair) for pair in SHOWN_SCORE_LABELS]
    return {
        "last_label_sections": [EXAMINATION],
        "label_aliases": [[BMI_CENTILE, BMI_RANGE]],
        "advice_section": RISK,
        "advice_names": [
            {"name": SCORE_CATEGORY, "node_key": first, "supply_label": "", "prefer": list(SCORE_LABELS)},
            {"name": SCORE_NAME, "node_key": first, "supply_label": SHOWN_SCORE_NAME, "prefer": []},
        ],
        "score_nodes": [{"node_key": key, "labels": shown_labels} for key in maker.score_keys],
        "complaint_nodes": maker.complaint_keys,
    }


class _Maker:
    """Collects the nodes of one import, and what is wrong."""

    def __init__(self, concept_names: Callable[[Sequence[int]], Mapping[int, str]]) -> None:
        self.concept_names = concept_names
        self.nodes: list[NodeData] = []
        self.problems: list[NodeProblem] = []
        self.score_keys: list[str] = []
        self.complaint_keys: list[str] = []
        self._keys: set[str] = set()

    def section(self, name: str, content: Mapping[str, Any]) -> None:
        key = self._heading((name,), SECTION, None)
        if name == BACKGROUND:
            self._demographics(key)
        for label, below in content.items():
            if name == BACKGROUND:
                self._background((name, str(label)), below, key)
            elif name == COMPLAINT:
                self._complaint((name, str(label)), below, key)
            else:
                self._examination((name, str(label)), below, key)

    def score_section(self) -> None:
        """The original read the score from the database whether the page_config named it or not."""
        if self.score_keys:
            return
        section = self._heading((RISK,), SECTION, None)
        category = self._heading((RISK, SCORE_CATEGORY), CATEGORY, section)
        self._score((RISK, SCORE_CATEGORY, "score"), (SCORE_CONCEPT,), category)

    def _demographics(self, section: str) -> None:
        path = (BACKGROUND, "Patient Demographics")
        category = self._heading(path, CATEGORY, section)
        for label, demographic in (("Age", "age"), ("Gender", "gender")):
            self._feature(
                (*path, label), category, label, source="demographics", demographic=demographic, visibility="always"
            )

    def _background(self, path: tuple[str, ...], content: Any, parent: str) -> None:
        if isinstance(content, Mapping):
            category = self._heading(path, CATEGORY, parent)
            for label, below in content.items():
                self._background((*path, str(label)), below, category)
            return
        ids = self._ids(path, content)
        category = self._heading(path, CATEGORY, parent)
        rest = tuple(concept_id for concept_id in ids if concept_id != SCORE_CONCEPT)
        if SCORE_CONCEPT in ids:
            self._score((*path, "score"), (SCORE_CONCEPT,), category)
        if rest:
            rules = {**_SHOWN_PLAINLY, "text_from": list(OBSERVATION_TEXT), "without_value": "drop"}
            self._feature(
                (*path, "values"),
                category,
                path[-1],
                source="observation",
                concept_ids=rest,
                window="visit",
                label_rule="split",
                value_rules=rules,
            )

    def _complaint(self, path: tuple[str, ...], content: Any, parent: str) -> None:
        category = self._heading(path, CATEGORY, parent)
        key = self._feature(
            (*path, "values"),
            category,
            path[-1],
            source="observation",
            type_concept_ids=self._ids(path, content),
            window="visit",
            label_rule="concept",
            value_rules={**_SHOWN_PLAINLY, "text_from": list(OBSERVATION_TEXT), "without_value": "blank"},
            visibility="always",
        )
        if path[-1] == CHIEF_COMPLAINT:
            self.complaint_keys.append(key)

    def _examination(self, path: tuple[str, ...], content: Any, parent: str) -> None:
        ids = self._ids(path, content)
        if not ids:
            return
        card = self.concept_names(ids[:1]).get(ids[0], path[-1])
        rules: dict[str, Any] = {
            **_SHOWN_PLAINLY,
            "text_from": list(MEASUREMENT_TEXT),
            "without_value": "blank",
            "label_map": [[BMI_CENTILE, BMI_RANGE]],
        }
        visibility = "unless_restricted"
        if BMI_CONCEPT in ids:
            card = BMI_RANGE if card == BMI_CENTILE else card
            rules |= {
                "value_map": [{"comparison": "truncates_to", "value": n, "text": text} for n, text in BMI_CLASSES],
                "value_map_concept_ids": [BMI_CONCEPT],
            }
            if ids == (BMI_CONCEPT,):
                rules |= {"decimals": 0, "truncate": True}
            # The original hid this card until a path named it: its study showed it in one arm only.
            visibility = "when_disclosed"
        category = self._heading(path, CATEGORY, parent, card)
        self._feature(
            (*path, "values"),
            category,
            card,
            source="measurement",
            concept_ids=ids,
            relationship_ids=RELATIONSHIPS,
            window="visit",
            value_rules=rules,
            visibility=visibility,
        )

    def _score(self, path: tuple[str, ...], ids: tuple[int, ...], parent: str) -> None:
        # Not the category's name, by which files mean the preferred one of the node's features (_path_rules).
        key = self._feature(
            path,
            parent,
            SHOWN_SCORE_NAME,
            source="observation",
            concept_ids=ids,
            window="visit",
            label_rule="split",
            role="advice",
            takes_supplied_values=True,
            value_rules={**_SHOWN_PLAINLY, "text_from": list(OBSERVATION_TEXT), "without_value": "drop"},
        )
        self.score_keys.append(key)

    def _heading(self, path: tuple[str, ...], level: str, parent: str | None, label: str = "") -> str:
        key = self._key(path)
        self.nodes.append(NodeData(key, label or path[-1], level, parent))
        return key

    def _feature(self, path: tuple[str, ...], parent: str, label: str, **fields: Any) -> str:
        key = self._key(path)
        self.nodes.append(NodeData(key, label, FEATURE, parent, **fields))
        return key

    def _ids(self, path: tuple[str, ...], content: Any) -> tuple[int, ...]:
        whole = isinstance(content, list) and all(
            isinstance(item, int) and not isinstance(item, bool) for item in content
        )
        if not whole:
            self.problems.append(NodeProblem(".".join(path), "a list of concept ids is needed"))
            return ()
        return tuple(dict.fromkeys(content))

    def _key(self, path: tuple[str, ...]) -> str:
        """A key from the labels above a node, told apart by a number where two would be alike."""
        base = "-".join(filter(None, map(_slug, path)))[:70].strip("-") or "node"
        key = next(name for name in _numbered(base) if name not in self._keys)
        self._keys.add(key)
        return key


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
