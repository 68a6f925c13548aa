"""Load the demo study: every step is the action that the admin or a command calls; nothing is written directly."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from augmed.demo import joining
from augmed.demo.accounts import DemoAccount
from augmed.demo.readings import answer_some_reviews
from cases.actions import import_layout, put_forward
from cases.models import Case, PageLayout
from experiments.actions.design import add_arm, create_experiment, set_case_list, update_experiment
from experiments.actions.enrolment import enrol
from experiments.actions.lifecycle import activate
from experiments.actions.questionnaires import create_questionnaire
from experiments.actions.references import set_reference
from experiments.actions.roles import grant_role
from experiments.models import Enrolment, Experiment, Questionnaire
from omop.actions import import_files
from participants.models import Profile, User

FOLDER = settings.BASE_DIR / "fixtures" / "demo"
KEY_FINDINGS = ("sbp", "cholesterol", "hdl")
ADVICE = ("cvd_risk_10y",)
NEW_FROM = 2  # the first two clinicians have read some cases; the next begin at the beginning
Say = Callable[[str], None]


def load(*, accounts: list[DemoAccount], say: Say) -> Experiment:
    """Make whatever of the demo is not there yet; what was done since stays."""
    people = create_accounts(accounts)
    description = json.loads((FOLDER / "study.json").read_text())
    experiment = Experiment.objects.filter(name=description["title"]).first()
    if experiment:
        say("The demo study is there already; it stays as it is.")
    else:
        experiment = make_study(description, people=people, say=say)
    for at, clinician in enumerate(people["clinician"]):
        if not Enrolment.objects.filter(experiment=experiment, user=clinician).exists():
            enrolment = enrol(experiment=experiment, user=clinician, by=people["researcher"][0])
            if at < NEW_FROM:
                joining.join(enrolment)
                answered = answer_some_reviews(enrolment=enrolment)
                say(f"Enrolled a clinician and answered {answered} of their reviews.")
            else:
                say("Enrolled a clinician who begins with the consent form.")
    return experiment


def make_study(description: dict[str, Any], *, people: dict[str, list[User]], say: Say) -> Experiment:
    """OMOP rows, layout, cases and the activated study. Each step can be run again."""
    administrator, data_staff, researcher = (people[role][0] for role in ("administrator", "data staff", "researcher"))
    load_omop(by=data_staff, say=say)
    layout = load_layout(by=administrator)
    cases = load_cases(by=data_staff, layout=layout, say=say)
    with transaction.atomic():
        experiment = build_study(description, layout=layout, cases=cases, by=administrator)
        for role in ("lead", "unblinded_analyst"):
            grant_role(user=researcher, experiment=experiment, role=role, by=administrator)
        activate(experiment=experiment, by=administrator, reason="The demo begins.")
    say(f"Activated the study {experiment.name!r}.")
    return experiment


def create_accounts(accounts: list[DemoAccount]) -> dict[str, list[User]]:
    """The accounts by role; one that exists keeps its password."""
    people: dict[str, list[User]] = {}
    for account in accounts:
        user = User.objects.filter(email=account.email).first()
        if user is None:
            with transaction.atomic():
                user = _create(account)
        people.setdefault(account.role, []).append(user)
    return people


def _create(account: DemoAccount) -> User:
    if account.role == "administrator":
        user = User.objects.create_superuser(account.email, account.password)
    else:
        is_data_staff = account.role == "data staff"
        user = User.objects.create_user(
            account.email, account.password, is_staff=is_data_staff, is_data_staff=is_data_staff
        )
    Profile.objects.update_or_create(
        user=user, defaults={"name": account.name, "position": account.position, "employer": "Demo hospital"}
    )
    return user


def load_omop(*, by: User, say: Say) -> None:
    """Three runs, because files of one name hold different rows of one table."""
    for part in ("omop", "estimates", "handmade"):
        report = import_files(paths=[FOLDER / part], by=by).report
        if report.status == "refused":
            raise RuntimeError(f"The demo's own data were refused: {report.to_json()}")
        loaded = sum(counts.loaded for counts in report.tables.values())
        say(f"Loaded {loaded} OMOP rows from fixtures/demo/{part}.")


def load_layout(*, by: User) -> PageLayout:
    version = import_layout(content=json.loads((FOLDER / "layout.json").read_text()), by=by)
    return version.layout


def load_cases(*, by: User, layout: PageLayout, say: Say) -> list[Case]:
    rows = _rows(FOLDER / "cases.csv")
    numbers = {int(row["visit_occurrence_id"]): int(row["case_number"]) for row in rows}
    result = put_forward(visit_ids=list(numbers), by=by, layout=layout, numbers=numbers)
    if result.refused:
        raise RuntimeError(f"Visits of the demo were refused: {result.refused}")
    say(f"Put {len(result.created)} visits forward for review.")
    return list(Case.objects.filter(number__in=numbers.values()).order_by("number"))


def build_study(description: dict[str, Any], *, layout: PageLayout, cases: list[Case], by: User) -> Experiment:
    """The study in draft: texts, questionnaire, arms with what they disclose, case list, reference standard."""
    experiment = create_experiment(
        name=description["title"],
        description=description["description"],
        instructions=description["instructions"],
        layout=layout,
        by=by,
        person_once=description["allocation"]["person_once_per_reader"],
    )
    questionnaire = create_questionnaire(
        experiment=experiment,
        name=description["questionnaire"]["name"],
        questions=[_question(question) for question in description["questionnaire"]["questions"]],
        by=by,
    ).questionnaire
    set_case_list(experiment=experiment, cases=cases, by=by)
    update_experiment(experiment=experiment, by=by, block_multiples=[1, 2])
    for arm in description["arms"]:
        add_arm(
            experiment=experiment,
            name=arm["name"],
            weight=arm["weight"],
            by=by,
            stages=[_stage(stage, questionnaire) for stage in arm["stages"]],
        )
    joining.prepare(experiment, layout=layout, by=by)
    joining.translate(experiment, by=by)
    _load_references(experiment, cases, by)
    experiment.refresh_from_db()
    return experiment


def _question(question: dict[str, Any]) -> dict[str, Any]:
    known = {name: question[name] for name in ("key", "type", "text", "required", "scoring")}
    if "options" in question:
        known["options"] = [option["label"] for option in question["options"]]
    if question["type"] == "scale":
        known |= {"minimum": question["min"], "maximum": question["max"]}
        known |= {"low_label": question["low_label"], "high_label": question["high_label"]}
    return known


def _stage(stage: dict[str, Any], questionnaire: Questionnaire) -> dict[str, Any]:
    return {
        "name": stage["name"],
        "questionnaire": questionnaire,
        "not_before_days": stage["available_after_days"],
        "cells": [
            *({"node": section, "shown": True} for section in stage["show_sections"]),
            *({"node": node, "shown": True, "top": str(at)} for at, node in enumerate(_pinned(stage), start=1)),
        ],
    }


def _pinned(stage: dict[str, Any]) -> tuple[str, ...]:
    """What stands on top of the case page: the measurements that the estimate rests on, and the advice where shown."""
    return (*KEY_FINDINGS, *(ADVICE if "risk_assessment" in stage["show_sections"] else ()))


def _load_references(experiment: Experiment, cases: list[Case], by: User) -> None:
    by_number = {case.number: case for case in cases}
    for row in _rows(FOLDER / "reference.csv"):
        set_reference(
            experiment=experiment,
            case=by_number[int(row["case_number"])],
            question_key=row["question_key"],
            value=row["value"],
            rule=row["rule"],
            by=by,
        )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
