"""The way from a study's page to all its other pages, by what one is about to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from augmed.foundation.permissions import Verb
from experiments.admin_tools import may_in_study
from experiments.admin_views import lifecycle
from experiments.models import Experiment

DESIGN, LOOK, RUN, RESULTS, STEPS = "Design", "Look at it", "While it runs", "Results", "Next step"


@dataclass(frozen=True)
class StudyLink:
    """`page`: the name of a page of the study; or `model` with the filter of its list by study."""

    group: str
    title: str
    verb: Verb
    page: str = ""
    model: str = ""
    by_study: str = ""
    step: str = ""

    def address(self, experiment: Experiment) -> str:
        if self.model:
            listed = reverse(f"admin:experiments_{self.model}_changelist")
            return f"{listed}?{self.by_study}__id__exact={experiment.pk}"
        more = [self.step] if self.step else []
        return reverse(f"admin:experiments_experiment_{self.page}", args=[experiment.pk, *more])


ALWAYS = (
    StudyLink(DESIGN, "Choose cases", Verb.CHANGE_DESIGN, "cases"),
    StudyLink(DESIGN, "Disclosure matrix", Verb.VIEW_ARM, "matrix"),
    StudyLink(
        DESIGN,
        "Questionnaires",
        Verb.VIEW_EXPERIMENT,
        model="questionnaireversion",
        by_study="questionnaire__experiment",
    ),
    StudyLink(DESIGN, "Attention check", Verb.VIEW_EXPERIMENT, "attention_check"),
    StudyLink(DESIGN, "Consent form", Verb.VIEW_EXPERIMENT, "consent"),
    StudyLink(DESIGN, "Training cases", Verb.VIEW_EXPERIMENT, "training"),
    StudyLink(DESIGN, "Languages", Verb.VIEW_EXPERIMENT, "languages"),
    StudyLink(LOOK, "Previews", Verb.VIEW_ARM, "previews"),
    StudyLink(LOOK, "Two arms side by side", Verb.VIEW_ARM, "side_by_side"),
    StudyLink(LOOK, "Cases as the arms show them", Verb.VIEW_ARM, "preview"),
    StudyLink(LOOK, "Links for colleagues", Verb.CHANGE_DESIGN, "preview_links"),
    StudyLink(RUN, "Participants", Verb.VIEW_PROGRESS, model="enrolment", by_study="experiment"),
    StudyLink(RUN, "Roles", Verb.MANAGE_STUDY_ROLES, model="studyrole", by_study="experiment"),
    StudyLink(RUN, "Progress", Verb.VIEW_PROGRESS, "progress"),
    StudyLink(RUN, "Stalled participants", Verb.VIEW_PROGRESS, "stalled"),
    StudyLink(RUN, "Reminders", Verb.VIEW_PROGRESS, "reminders"),
    StudyLink(RESULTS, "Reference standard", Verb.VIEW_REFERENCE, model="referencestandard", by_study="experiment"),
    StudyLink(RESULTS, "Outcomes by arm", Verb.VIEW_OUTCOME_BY_ARM, "outcomes_by_arm"),
    StudyLink(RESULTS, "Exports", Verb.EXPORT, "exports"),
)


def study_links(request: HttpRequest, experiment: Experiment) -> dict[str, list[tuple[str, str]]]:
    """(title, address) of every page of the study that the person may open, by group."""
    found: dict[str, list[tuple[str, str]]] = {}
    for link in (*ALWAYS, *_steps(experiment)):
        if may_in_study(request, link.verb, experiment):
            found.setdefault(link.group, []).append((link.title, link.address(experiment)))
    return found


def _steps(experiment: Experiment) -> Iterator[StudyLink]:
    if experiment.status == Experiment.Status.DRAFT:
        yield StudyLink(STEPS, "Check and activate", Verb.CHANGE_STATUS, "activate")
    if experiment.status in {Experiment.Status.ACTIVE, Experiment.Status.PAUSED} and experiment.protocol_id:
        yield StudyLink(STEPS, "Publish an amendment", Verb.CHANGE_DESIGN, "amend")
    for step, title in lifecycle.possible_steps(experiment):
        yield StudyLink(STEPS, title, Verb.CHANGE_STATUS, "step", step=step)
