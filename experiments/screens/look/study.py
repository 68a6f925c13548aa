"""A study's working design as a link shows it: its versions, told apart by letters alone, and made-up cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import NotFound
from cases.building.rules import DEFAULT_KIND, ValueRules
from cases.disclosure import DisclosureContent, FoundFeature, Show, disclose, disclosed_to_json, resolve
from cases.models import LayoutNode, LayoutVersion
from cases.tree import Identity, Tree, features
from experiments.actions.disclosure_sets import cell_from_json
from experiments.answers import QuestionDefinition
from experiments.attention import Check, with_check
from experiments.design.matrix import CountedFeature, counted_features, matrix_nodes, study_layout_version
from experiments.design.question_forms import definition
from experiments.languages.texts import StudyTexts, texts_of_design
from experiments.made_up import LayoutPlace, MadeUpWords, Named, made_up_shows, made_up_tree
from experiments.models import AttentionCheck, ConsentDocument, Experiment, PreviewLink, Question, Stage
from experiments.reviewing.revealing import Hiding, hiding
from experiments.reviewing.review_state import newest_versions

MADE_UP_CASES = 2
_KEPT_SECONDS = 5 * 60
LEAST_CASES = 3
"""A finding is named only if so many of the study's cases have it: else its name could lead to a patient."""
MOST_NAMED = 5
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class LookStage:
    stage: Stage
    questions: tuple[QuestionDefinition, ...]


@dataclass(frozen=True, slots=True)
class LookVersion:
    """An arm without its name."""

    letter: str
    stages: tuple[LookStage, ...]

    @property
    def name(self) -> str:
        return _("Version %(letter)s") % {"letter": self.letter.upper()}


class LookStudy:
    """What a link shows. Each part is read when it is asked for; the number of statements does not depend on how much
    there is."""

    def __init__(self, link: PreviewLink) -> None:
        self.experiment: Experiment = link.experiment

    @classmethod
    def by_secret(cls, secret: str) -> LookStudy:
        """NotFound for a link that is not there, is over or was revoked. One statement."""
        link = (
            PreviewLink.objects.usable()
            .filter(secret_hash=sha256_hex(secret))
            .select_related("experiment__layout")
            .first()
        )
        if link is None:
            raise NotFound(_("This link shows nothing any more. Ask whoever gave it to you for a new one."))
        return cls(link)

    @cached_property
    def texts(self) -> StudyTexts:
        return texts_of_design(self.experiment)

    @cached_property
    def consent(self) -> ConsentDocument | None:
        if not self.experiment.consent_required:
            return None
        return self.experiment.consent_documents.order_by("-number").first()

    @cached_property
    def intake(self) -> tuple[QuestionDefinition, ...]:
        pk = self.experiment.intake_questionnaire_id
        return self._questions({pk}).get(pk, ()) if pk is not None else ()

    @cached_property
    def versions(self) -> tuple[LookVersion, ...]:
        """Arms without stages have nothing to show."""
        found: dict[int, list[Stage]] = {}
        stages = Stage.objects.filter(arm__experiment=self.experiment, disclosure_set__isnull=False)
        for stage in stages.select_related("disclosure_set").order_by("arm__position", "arm_id", "position"):
            found.setdefault(stage.arm_id, []).append(stage)
        asked = self._questions({stage.questionnaire_id for arm in found.values() for stage in arm})
        return tuple(
            LookVersion(letter, tuple(LookStage(stage, asked.get(stage.questionnaire_id, ())) for stage in arm))
            for letter, arm in zip(LETTERS, found.values(), strict=False)
        )

    def version(self, letter: str) -> LookVersion:
        for version in self.versions:
            if version.letter == letter:
                return version
        raise NotFound(_("There is no such page."))

    def questions(self, at: LookStage, case: int) -> tuple[QuestionDefinition, ...]:
        """With the study's attention check at the first stage of the last made-up case."""
        check = self._check
        if check is None or case != MADE_UP_CASES or at.stage.position != 1:
            return at.questions
        return with_check(at.questions, check)

    def disclosed(self, at: LookStage, case: int) -> Mapping[str, Any]:
        """A made-up case as this stage discloses it, as JSON values."""
        tree = self._tree(case)
        identities = [feature.identity for feature, _path in features(tree)]
        shows = [*_shows(at.stage), *self._by_cells(at.stage, identities)]
        return disclosed_to_json(disclose(tree, made_up_shows(identities, shows)))

    def hiding(self, at: LookStage, disclosed: Mapping[str, Any], revealed: frozenset[str]) -> Hiding | None:
        if not at.stage.hidden_until_asked:
            return None
        cost: Decimal | None = at.stage.reveal_cost
        terms = [None if cost is None else str(cost), at.stage.reveal_cost_unit]
        return hiding(terms, tuple(revealed), disclosed)

    @cached_property
    def _layout(self) -> LayoutVersion | None:
        return study_layout_version(self.experiment)

    @cached_property
    def _nodes(self) -> list[LayoutNode]:
        return list(self._layout.nodes.select_related("parent").order_by("position")) if self._layout else []

    @cached_property
    def _check(self) -> Check | None:
        found = AttentionCheck.objects.current(self.experiment)
        if found is None or found.every is None:
            return None
        return Check(found.pk, found.place, found.text, tuple(found.options), found.right_answer)

    @cached_property
    def _named(self) -> list[Named]:
        """Findings that many of the study's cases have: what some version shows goes before what is commoner."""
        if self._layout is None:
            return []
        shown = {show.identity for version in self.versions for at in version.stages for show in _shows(at.stage)}
        splits = {node.key for node in self._nodes if node.label_rule != LayoutNode.LabelRule.NODE}
        found = [one for one in _common_features(self.experiment, self._layout) if one.found.node_key in splits]
        chosen = {one.found.identity for key in splits for one in _first_named(found, key, shown)}
        return [Named(one.found.identity, one.label) for one in found if one.found.identity in chosen]

    def _tree(self, case: int) -> Tree:
        places = [_place(node, self.texts) for node in self._nodes]
        return made_up_tree(places, self._named, number=case, words=_words())

    def _by_cells(self, stage: Stage, identities: list[Identity]) -> tuple[Show, ...]:
        """What the matrix says of places where no case of the study has anything yet."""
        if self._layout is None:
            return ()
        known = {node.key for node in self._nodes}
        cells = [cell_from_json(cell, str(stage.pk)) for cell in stage.cells]
        found = [FoundFeature(*identity) for identity in identities]
        return resolve([cell for cell in cells if cell.node_key in known], self._matrix_nodes, found)

    @cached_property
    def _matrix_nodes(self) -> Any:
        return matrix_nodes(self._layout) if self._layout else []

    def _questions(self, questionnaires: set[int | None]) -> dict[int | None, tuple[QuestionDefinition, ...]]:
        """Of each questionnaire's newest version that has questions. Two statements."""
        newest: dict[int, int] = {}
        rows = newest_versions(self.experiment).filter(
            questionnaire__in={pk for pk in questionnaires if pk is not None}
        )
        for questionnaire, version in rows.values_list("questionnaire_id", "pk"):
            newest.setdefault(questionnaire, version)
        asked: dict[int, list[QuestionDefinition]] = {}
        for question in Question.objects.filter(version__in=newest.values()).order_by("version", "position"):
            asked.setdefault(question.version_id, []).append(definition(question))
        return {questionnaire: tuple(asked.get(version, ())) for questionnaire, version in newest.items()}


def _common_features(experiment: Experiment, layout: LayoutVersion) -> list[CountedFeature]:
    """Those that enough cases have. Every snapshot of the study is counted for this, so that it is kept for some
    minutes: a link shows what cases bring that were added since a little later."""
    key = f"look-features-{experiment.pk}-{layout.pk}"
    found: list[CountedFeature] | None = cache.get(key)
    if found is None:
        found = [one for one in counted_features(experiment, layout) if one.case_count >= LEAST_CASES]
        cache.set(key, found, _KEPT_SECONDS)
    return found


def _shows(stage: Stage) -> tuple[Show, ...]:
    assert stage.disclosure_set is not None
    return tuple(DisclosureContent.from_json(json.loads(stage.disclosure_set.content)).shows)


def _first_named(found: list[CountedFeature], key: str, shown: set[Identity]) -> list[CountedFeature]:
    of_place = [one for one in found if one.found.node_key == key]
    return sorted(of_place, key=lambda one: (one.found.identity not in shown, -one.case_count))[:MOST_NAMED]


def _place(node: LayoutNode, texts: StudyTexts) -> LayoutPlace:
    rules = ValueRules.from_json(node.value_rules)
    return LayoutPlace(
        key=node.key,
        parent=node.parent.key if node.parent else None,
        label=texts(node.label),
        level=node.level,
        source=node.source,
        demographic=node.demographic,
        unit=_unit(rules),
        decimals=rules.decimals,
        low=rules.low,
        high=rules.high,
        shows_range=rules.show_range,
        classes=rules.value_map,
        is_coded=(rules.kind or DEFAULT_KIND.get(node.source)) == "coded",
        splits=node.label_rule != LayoutNode.LabelRule.NODE,
        is_advice=node.role == LayoutNode.Role.ADVICE,
    )


def _unit(rules: ValueRules) -> str:
    """The one that the layout fixes, or the first that it writes in its own way."""
    if not rules.show_unit:
        return ""
    return rules.unit if rules.unit is not None else next((shown for _written, shown in rules.unit_map), "")


def _words() -> MadeUpWords:
    return MadeUpWords(
        example=_("example"),
        text=_("Made-up entry"),
        finding=_("Made-up finding"),
        note=_("This is a made-up note. In the study, the text of a note stands here."),
        gender=_("female"),
        model=_("Example model"),
        caveat=_("Made-up advice. In the study, the model's own caveat stands here."),
    )
