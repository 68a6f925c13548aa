"""Begin a study from one description: its cases, arms by text paths, participants; and activate it where it is ready.

For those who design studies in scripts. The questionnaire is the newest of the display configs, copied."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from augmed.foundation.errors import Forbidden, Invalid
from augmed.foundation.permissions import Verb
from cases.actions import build_snapshots, put_forward
from cases.disclosure import path_index
from cases.layouts.reading import layout_nodes
from cases.models import Case, CaseSnapshot, LayoutVersion, PageLayout
from cases.tree import features, from_json
from experiments.actions.design import add_arm, create_experiment, set_case_list
from experiments.actions.disclosure_sets import cell_to_json
from experiments.actions.display_configs import cases_numbered
from experiments.actions.enrolment import enrol_together
from experiments.actions.lifecycle import activate
from experiments.actions.questionnaires import QUESTION_FIELDS, create_questionnaire
from experiments.design.arm_paths import StudyPaths, StyledPath
from experiments.design.matrix import study_snapshots
from experiments.design.readiness import ActivationProblem, activation_problems
from experiments.display_configs.sets import layout_paths
from experiments.models import Experiment, Questionnaire, QuestionnaireVersion
from experiments.roles import may
from participants.models import User

MOST_VISITS = 200  # put forward within one request
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class WrittenArm:
    name: str
    paths: tuple[StyledPath, ...] = ()
    weight: int = 1


@dataclass(frozen=True, slots=True)
class WrittenStudy:
    """`cases` by case number, else by visit; everybody of `emails` reads all of them."""

    name: str
    arms: tuple[WrittenArm, ...]
    description: str = ""
    cases: tuple[int, ...] = ()
    emails: tuple[str, ...] = ()
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Begun:
    """The study; a draft where something is missing."""

    experiment: Experiment
    missing: tuple[ActivationProblem, ...]


def begin_study(*, written: WrittenStudy, by: Any) -> Begun:
    """Make the study, all of it or nothing, and activate it unless something stands against that.

    Invalid names arms, paths, cases and people that do not exist. `by` needs what each step needs by itself."""
    with transaction.atomic():
        study = create_experiment(name=written.name, description=written.description, by=by)
        _need(by, Verb.CHANGE_DESIGN, study)
        version = _layout_version(study)
        cases = _cases(written.cases, study.layout, version, by)
        set_case_list(experiment=study, cases=cases, by=by)
        _add_arms(study, version, written.arms, by)
        _enrol_all(study, written.emails, by)
        missing = _missing(study, written.confirmed, by)
        if not missing:
            activate(experiment=study, by=by, reason="begun complete", confirmed=written.confirmed)
    study.refresh_from_db()
    return Begun(study, tuple(missing))


def _need(by: Any, verb: Verb, study: Experiment) -> None:
    if by is not None and not may(by, verb, study):
        raise Forbidden(f"This needs the right '{verb}'.")


def _layout_version(study: Experiment) -> LayoutVersion:
    version = study.layout.current() if study.layout else None
    if version is None:
        raise Invalid("There is no page layout yet. Import one first: the first one becomes the default.")
    return version


def _cases(numbers: tuple[int, ...], layout: PageLayout | None, version: LayoutVersion, by: Any) -> list[Case]:
    """The cases in order, visits put forward where `by` may, with their snapshots under the layout."""
    found = cases_numbered(set(numbers))
    if missing := [number for number in numbers if number not in found]:
        _put_forward(missing, layout, by)
        found = cases_numbered(set(numbers))
    if missing := [number for number in numbers if number not in found]:
        raise _no_such("case_pool", "There is no case and no visit of the number", [str(one) for one in missing])
    cases = list({found[number].pk: found[number] for number in numbers}.values())
    snapshots = CaseSnapshot.objects.filter(layout_version=version, case__in=cases)
    have = set(snapshots.values_list("case_id", flat=True))
    if lacking := [case for case in cases if case.pk not in have and case.person_id is not None]:
        build_snapshots(cases=lacking, layout_version=version, by=by)
    return cases


def _put_forward(visits: list[int], layout: PageLayout | None, by: Any) -> None:
    if by is not None and not by.may(Verb.CHANGE_CASES):
        return
    if len(visits) > MOST_VISITS:
        raise Invalid(
            f"{len(visits)} visits are not cases yet; at most {MOST_VISITS} are made at once. "
            "Put them forward first, with 'manage.py make_cases'."
        )
    put_forward(visit_ids=visits, by=by, layout=layout)


def _add_arms(study: Experiment, version: LayoutVersion, arms: tuple[WrittenArm, ...], by: Any) -> None:
    questionnaire = _copied_questionnaire(study, by)
    paths = _study_paths(study, version)
    errors: dict[str, list[str]] = {}
    for place, arm in enumerate(arms):
        cells, wrong = paths.cells(arm.paths)
        for index, reason in wrong.items():
            errors[f"arms[{place}].path_config[{index}]"] = [f"{arm.paths[index][0][:200]!r}: {reason}"]
        if not errors:
            stage = {"questionnaire": questionnaire, "cells": [cell_to_json(cell) for cell in cells]}
            add_arm(experiment=study, name=arm.name, by=by, weight=arm.weight, stages=[stage])
    if errors:
        raise Invalid("Some paths name nothing that an arm could show.", errors=errors)


def _study_paths(study: Experiment, version: LayoutVersion) -> StudyPaths:
    """The layout and every case's features. Four queries and one a thousand cases."""
    contents = study_snapshots(study, version).values_list("content", flat=True).order_by("case_id")
    indices = [path_index(features(from_json(json.loads(text)))) for text in contents.iterator(chunk_size=_CHUNK)]
    return StudyPaths(layout_nodes(version), layout_paths(version), indices)


def _copied_questionnaire(study: Experiment, by: Any) -> Questionnaire | None:
    """The newest questionnaire of the display configs, as the study's own; None where there is none."""
    newest = (
        QuestionnaireVersion.objects.filter(questionnaire__experiment__kind=Experiment.Kind.CONFIGS)
        .select_related("questionnaire")
        .order_by("-pk")
        .first()
    )
    if newest is None:
        return None
    questions = [
        {name: getattr(question, name) for name in QUESTION_FIELDS}
        for question in newest.questions.order_by("position")
    ]
    name = newest.questionnaire.name
    return create_questionnaire(experiment=study, name=name, questions=questions, by=by).questionnaire


def _enrol_all(study: Experiment, emails: tuple[str, ...], by: Any) -> None:
    if not emails:
        return
    _need(by, Verb.MANAGE_ENROLMENT, study)
    people = {user.email: user for user in User.objects.active().filter(email__in=emails)}
    if missing := [email for email in emails if email not in people]:
        raise _no_such("case_pool", "Nobody active on the roster has the address", missing)
    enrol_together(experiment=study, users=[people[email] for email in emails], by=by)


def _missing(study: Experiment, confirmed: Collection[str], by: Any) -> list[ActivationProblem]:
    problems = activation_problems(study)
    missing = [problem for problem in problems if not (problem.confirmable and problem.code in confirmed)]
    if not missing and by is not None and not may(by, Verb.CHANGE_STATUS, study):
        missing = [ActivationProblem("not_allowed", "Somebody who may change its status has to activate the study.")]
    return missing


def _no_such(place: str, what: str, names: list[str]) -> Invalid:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return Invalid(f"{what} {shown}.", errors={place: [f"{what} {shown}."]})
