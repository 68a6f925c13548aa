"""Every text of a study that a reader may meet and that can be translated, in the order in which readers meet them.

What a case holds (values, notes, names of concepts) is data and stays as it was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Max

from augmed.foundation.canonical import sha256_hex
from cases.models import LayoutNode
from experiments.design.matrix import study_layout_version
from experiments.languages.texts import plain
from experiments.models import AttentionCheck, ConsentDocument, Experiment, Question, QuestionnaireVersion, Stage

_OF_QUESTION = ("text", "help", "unit", "low_label", "high_label")


@dataclass(frozen=True, slots=True)
class SourceText:
    """One text, once, however often the study uses it. `places` says where, for whoever translates it."""

    text: str
    places: tuple[str, ...]

    @property
    def key(self) -> str:
        return source_key(self.text)


def source_key(text: str) -> str:
    """By what a translation knows its source: neither line ends nor white space around it make another text."""
    return sha256_hex(plain(text))


def study_sources(experiment: Experiment, *, of_arms: bool = True) -> list[SourceText]:
    """The texts of the working design. The number of statements does not depend on how many there are. Not `of_arms`:
    without those that tell what some arm has, a cost of asking or the headings of what a case may show."""
    places: dict[str, list[str]] = {}
    for text, place in _found(experiment, of_arms=of_arms):
        said = plain(text)
        if any(character.isalpha() for character in said):  # a number is the same in every language
            places.setdefault(said, []).append(place)
    return [SourceText(text, tuple(dict.fromkeys(named))) for text, named in places.items()]


def _found(experiment: Experiment, *, of_arms: bool) -> Iterator[tuple[str, str]]:
    yield experiment.name, "Name of the study"
    document = ConsentDocument.objects.filter(experiment=experiment).order_by("-number").first()
    if document is not None:
        yield document.title, "Consent, title"
        yield document.text, "Consent"
        yield document.what_changed, "Consent, what has changed"
    yield from _questions(experiment, [experiment.intake_questionnaire_id], "About the reader")
    yield experiment.instructions, "Instructions"
    for number, feedback in enumerate(experiment.training_cases.values_list("feedback", flat=True), start=1):
        yield feedback, f"Training case {number}, feedback"
    stages = Stage.objects.filter(arm__experiment=experiment).order_by("arm__position", "arm_id", "position")
    asked = list(stages.values_list("questionnaire_id", "reveal_cost_unit"))
    if of_arms:
        yield from _headings(experiment)
    yield from _questions(experiment, [questionnaire for questionnaire, _ in asked], "Question")
    for _, unit in asked if of_arms else ():
        yield unit, "Cost of asking for a finding, unit"
    check = AttentionCheck.objects.current(experiment)
    if check is not None and check.every is not None:
        yield check.text, "Attention check"
        for option in check.options:
            yield option, "Attention check, option"


def _questions(experiment: Experiment, wanted: Iterable[int | None], name: str) -> Iterator[tuple[str, str]]:
    """Of the newest versions of these questionnaires; a study by display configs asks its newest, of any."""
    versions = QuestionnaireVersion.objects.filter(questionnaire__experiment=experiment, questions__position=1)
    if not (name == "Question" and experiment.kind == Experiment.Kind.CONFIGS):
        versions = versions.filter(questionnaire__in={pk for pk in wanted if pk is not None})
    newest = versions.order_by().values("questionnaire").annotate(newest=Max("pk")).values("newest")
    for question in Question.objects.filter(version__in=newest).order_by("version", "position"):
        for field in _OF_QUESTION:
            yield getattr(question, field), f"{name}: {question.key}" + _part(field)
        for option in question.options:
            yield option, f"{name}: {question.key}, option"


def _part(field: str) -> str:
    return "" if field == "text" else ", " + field.replace("_", " ")


def _headings(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Sections, categories and features that the layout names itself."""
    version = study_layout_version(experiment)
    if version is None:
        return
    nodes = version.nodes.filter(label_rule=LayoutNode.LabelRule.NODE).order_by("position")
    for label, level in nodes.values_list("label", "level"):
        yield label, f"Case page, {level}"
