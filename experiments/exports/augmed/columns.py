"""The columns of AugMed's answer export, derived from a study's layout, questionnaires and participants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cases.disclosure import PathRules
from cases.models import LayoutNode
from cases.tree import Identity, augmed_path
from experiments.exports.augmed.recorded import RecordedPaths, recorded_in
from experiments.exports.cells import Column
from experiments.exports.features import (
    ExportedFeature,
    exported_feature,
    exported_features,
    labels_above,
    layout_versions,
    study_nodes,
)
from experiments.exports.questions import Asked
from experiments.exports.study import Study

IDENTIFIERS = ("person_id", "user_id", "order_id")
ATTRIBUTES = (
    *("professional_role", "professional_role_other", "practice_years", "practice_state"),
    *("experience_screening", "years_screening"),
)
"""What AugMed's analysts joined from their recruitment survey: here attributes of the participants, always there."""
YES_NO = ("Yes", "No")


@dataclass(frozen=True, slots=True)
class NamedFeature:
    name: str
    feature: ExportedFeature

    @property
    def identity(self) -> Identity:
        return self.feature.identity


@dataclass(frozen=True)
class AnswerColumns:
    """`age`, `gender`: keys of the layout's nodes that show them; `asked` and `attributes` by their columns' names."""

    study: Study
    features: tuple[NamedFeature, ...]
    age: frozenset[str]
    gender: frozenset[str]
    asked: Mapping[str, Asked]
    attributes: Mapping[str, str]
    recorded: RecordedPaths

    @classmethod
    def of(cls, study: Study, intakes: Iterable[Mapping[str, Any]]) -> AnswerColumns:
        nodes = study_nodes(study.experiment)
        eligible = _eligible(study, nodes)
        recorded = RecordedPaths.of(eligible)
        features = _features(study, nodes, eligible, recorded)
        taken = set(_fixed_names(features))
        asked = {_free(one.key.replace("-", "_"), "answer", taken): one for one in study.asked}
        others = sorted({name for intake in intakes for name in intake} - set(ATTRIBUTES))
        attributes = {_free(name, "participant", taken): name for name in (*ATTRIBUTES, *others)}
        return cls(
            study, features, _demographic(nodes, "age"), _demographic(nodes, "gender"), asked, attributes, recorded
        )

    def columns(self) -> list[Column]:
        return [
            *self._whose(),
            *_shown_columns(self.features),
            *self._value_columns(),
            *(self._answer(name, asked) for name, asked in self.asked.items()),
            *(Column(name, "text", "Of the participant, as frozen at enrolment.") for name in self.attributes),
        ]

    def _whose(self) -> list[Column]:
        study = self.study
        user = (
            "First 8 bytes of the SHA-256 of the address, as a number" if study.scope.rights.identified else "Pseudonym"
        )
        moment, words = study.time_type, study.time_words.replace("server time", "client's clock, else the server's")
        return [
            Column("person_id", "integer", "OMOP's id of the patient."),
            Column("user_id", "text", f"{user}. One participant."),
            Column("order_id", "integer", "1, 2, 3 ... over the participant's answers, as they were given."),
            Column("case_open_time", moment, f"The case was opened, {words}."),
            Column("answer_open_time", moment, f"The answer form was opened, {words}."),
            Column("answer_submit_time", moment, f"The answers were sent, {words}."),
            Column("to_answer_open_secs", "number", "From the case to the form.", unit="s"),
            Column("to_submit_secs", "number", "From the form to the answers.", unit="s"),
            Column("total_duration_secs", "number", "From the case to the answers.", unit="s"),
            Column("age", "text", "Of the patient, as the layout shows it."),
            Column("gender", "text", "Of the patient, as the layout shows it."),
        ]

    def _value_columns(self) -> list[Column]:
        when = "shown or not." if self.study.scope.rights.cases else "where it was shown."
        return [
            *(
                Column(f"{one.name} (value)", "text", f"What the case holds, {when}", unit=one.feature.unit)
                for one in self.features
            ),
            Column(
                "ai_score (value)", "text", f"The advice's number, else its text, {when} Empty where arms are masked."
            ),
        ]

    @staticmethod
    def _answer(name: str, asked: Asked) -> Column:
        known = asked.answer_column
        return Column(name, known.type, known.meaning, known.unit, known.allowed, known.label)


def _shown_columns(features: Iterable[NamedFeature]) -> list[Column]:
    return [
        *(Column(f"{one.name} (shown)", "boolean", "Whether this review showed the feature.") for one in features),
        Column("ai_score (shown)", "text", "Whether it showed advice. Empty where arms are masked.", allowed=YES_NO),
    ]


def _eligible(study: Study, nodes: Mapping[str, LayoutNode]) -> dict[str, LayoutNode]:
    """Nodes whose features are disclosed or not one by one: clinical, never shown by themselves, and not in a section
    of cards, where AugMed discloses whole cards."""
    rules = layout_versions(study.experiment).values_list("path_rules", flat=True)
    cards = {(section,) for one in rules for section in PathRules.from_json(one or {}).last_label_sections}
    return {
        key: node
        for key, node in nodes.items()
        if node.level == LayoutNode.Level.FEATURE
        and node.role == LayoutNode.Role.CLINICAL
        and node.visibility == LayoutNode.Visibility.WHEN_DISCLOSED
        and not node.demographic
        and labels_above(node)[:1] not in cards
    }


def _features(
    study: Study, nodes: Mapping[str, LayoutNode], eligible: Mapping[str, LayoutNode], recorded: RecordedPaths
) -> tuple[NamedFeature, ...]:
    """Those of the study's cases, and of AugMed's records; category by category, by label. With masked arms what every
    review shows; and what no review shows only for who may see whole cases."""
    visible, rights = study.visible, study.scope.rights
    whole = exported_features(study.experiment, visible, undisclosed=rights.cases and visible.by_arm)
    found = {one.identity: one for one in whole if one.identity.node_key in eligible}
    if visible.by_arm:
        for identity, label in recorded_in(study.experiment, recorded).items():
            found.setdefault(identity, exported_feature(identity, label, nodes))
    ranks = {key: rank for rank, key in enumerate(nodes)}
    ordered = sorted(found.values(), key=lambda one: (ranks[one.identity.node_key], one.label.casefold(), one.identity))
    return _named(ordered)


def _named(features: Sequence[ExportedFeature]) -> tuple[NamedFeature, ...]:
    """'Category.Feature'; with all that is above where two would be alike, and then with the key."""
    short = [augmed_path((*one.path[-1:], one.label)) for one in features]
    alike = {name for name, count in Counter(short).items() if count > 1}
    taken = set(short) - alike
    named = []
    for one, name in zip(features, short, strict=True):
        if name in alike:
            path = augmed_path((*one.path, one.label))
            name = path if path not in taken else f"{path} [{one.key}]"
            taken.add(name)
        named.append(NamedFeature(name, one))
    return tuple(named)


def _fixed_names(features: Iterable[NamedFeature]) -> Iterable[str]:
    yield from (*IDENTIFIERS, "case_open_time", "answer_open_time", "answer_submit_time", "age", "gender")
    yield from ("to_answer_open_secs", "to_submit_secs", "total_duration_secs", "ai_score (shown)", "ai_score (value)")
    for one in features:
        yield from (f"{one.name} (shown)", f"{one.name} (value)")


def _free(name: str, kind: str, taken: set[str]) -> str:
    """The name, led by its kind (and numbered) where another column has it."""
    wanted, number = name, 1
    while wanted in taken:
        wanted = f"{kind}.{name}" if number == 1 else f"{kind}.{name}.{number}"
        number += 1
    taken.add(wanted)
    return wanted


def _demographic(nodes: Mapping[str, LayoutNode], name: str) -> frozenset[str]:
    return frozenset(key for key, node in nodes.items() if node.demographic == name)
