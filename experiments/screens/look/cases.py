"""Made-up cases as a link shows them, stage by stage: in one version of the study, and for practice."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from augmed.foundation.errors import NotFound
from experiments.answers import AnswerErrors, CanonicalAnswer, QuestionDefinition, validate
from experiments.screens.answering.panel import answer_panel
from experiments.screens.answering.written import answers_from_post, values_from_post
from experiments.screens.look.banner import PreviewBanner
from experiments.screens.look.base import Look
from experiments.screens.look.designs import LookStage
from experiments.screens.look.practice import made_up_feedback
from experiments.screens.look.study import MADE_UP_CASES, PRACTICE_CASE
from experiments.screens.reading.page import CasePage, case_page
from experiments.screens.reading.shown import cost_in_words

LONGEST_FIRST = 100_000
Answers = dict[str, CanonicalAnswer]


class StagePage(Look, ABC):
    """One stage of a made-up case. What was answered at the stage before, and what was asked for, come with the
    request."""

    stages: tuple[LookStage, ...] = ()
    case = 0
    shared: dict[str, Any] = {}
    """For the templates."""

    def get(self, request: HttpRequest, stage: int, **_place: Any) -> HttpResponse:
        return self._show(request, self._at(stage))

    def post(self, request: HttpRequest, stage: int, **_place: Any) -> HttpResponse:
        at = self._at(stage)
        if "begin" in request.POST or "feature" in request.POST:
            return self._show(request, at)
        questions = self.study.questions(at, self.case)
        values = values_from_post(questions, request.POST)
        try:
            given = validate(questions, answers_from_post(questions, request.POST))
        except AnswerErrors as wrong:
            return self._show(request, at, status=422, values=values, errors=wrong.problems)
        if stage == len(self.stages):
            return self.done(request, at, given)
        return self._sent(
            request,
            again=self.stage_address(stage + 1),
            first=json.dumps(given),
            days=self.stages[stage].not_before_days,
        )

    @abstractmethod
    def place(self) -> None:
        """Set `stages`, `case` and `shared` from the address."""

    @abstractmethod
    def stage_address(self, stage: int) -> str: ...

    @abstractmethod
    def done(self, request: HttpRequest, at: LookStage, given: Answers) -> HttpResponse:
        """What comes after the last stage."""

    def first(self, request: HttpRequest) -> Answers | None:
        """What was answered at the stage before, as the page before sent it along; None at the first stage, nothing
        where that is not valid."""
        if self.kwargs["stage"] == 1:
            return None
        sent = request.POST.get("first", "")[:LONGEST_FIRST]
        questions: list[QuestionDefinition] = [
            replace(question, required=False) for question in self.stages[self.kwargs["stage"] - 2].questions
        ]
        try:
            return validate(questions, json.loads(sent or "{}"))
        except (ValueError, RecursionError, AnswerErrors):
            return {}

    def _at(self, stage: int) -> LookStage:
        self.place()
        if not 1 <= stage <= len(self.stages):
            raise NotFound(_("There is no such page."))
        return self.stages[stage - 1]

    def _show(self, request: HttpRequest, at: LookStage, *, status: int = 200, **form: Any) -> HttpResponse:
        texts, first = self.design.texts, self.first(request)
        asked_for = frozenset(request.POST.getlist("feature")) | frozenset(request.POST.getlist("open"))
        shown = self._case(at, asked_for, request.path)
        if request.headers.get("HX-Request") and (feature := shown.by_key(request.POST.get("feature", ""))):
            return render(request, "screens/reading/feature.html", {"feature": feature, "case": shown})
        questions = self.study.questions(at, self.case)
        panel = answer_panel(questions, texts=texts, first_answers=first, action=request.path, **form)
        return self.page(
            request,
            "case",
            status=status,
            title=_("Case %(number)s") % {"number": self.case},
            case=shown,
            panel=panel,
            first=None if first is None else json.dumps(first),
            asked_for=sorted(asked_for & {feature.key for feature in shown.features}),
            **self.shared,
        )

    def _case(self, at: LookStage, asked_for: frozenset[str], address: str) -> CasePage:
        disclosed = self.study.disclosed(at, self.case)
        hiding = self.study.hiding(at, disclosed, asked_for)
        return case_page(
            disclosed,
            hidden=frozenset() if hiding is None else hiding.hidden,
            texts=self.design.texts,
            charts="",
            reveal_url=address,
            reveal_cost="" if hiding is None else cost_in_words(hiding, self.design.texts),
        )

    def _sent(self, request: HttpRequest, **context: Any) -> HttpResponse:
        return self.page(request, "sent", title=_("Saved"), **self.shared, **context)


class Case(StagePage):
    """In one version of the study."""

    def place(self) -> None:
        version, case = self.study.version(self.kwargs["letter"]), self.kwargs["case"]
        if not 1 <= case <= MADE_UP_CASES:
            raise NotFound(_("There is no such page."))
        self.stages, self.case, self.shared = version.stages, case, {"version": version}

    def stage_address(self, stage: int) -> str:
        return self.address("look_case", self.kwargs["letter"], self.case, stage)

    def done(self, request: HttpRequest, at: LookStage, given: Answers) -> HttpResponse:
        following = self.case + 1 if self.case < MADE_UP_CASES else None
        onward = "" if following is None else self.address("look_case", self.kwargs["letter"], following, 1)
        return self._sent(request, onward=onward)


class PracticeCase(StagePage):
    """Whoever takes part practises on the same pages, and is told how they did."""

    def place(self) -> None:
        self.stages, self.case = self.design.practised, PRACTICE_CASE
        self.shared = {"preview": PreviewBanner(is_practice=True)}

    def stage_address(self, stage: int) -> str:
        return self.address("look_practice_case", stage)

    def done(self, request: HttpRequest, at: LookStage, given: Answers) -> HttpResponse:
        first = self.first(request)
        readings = [given] if first is None else [first, given]
        return self.page(
            request,
            "feedback",
            title=_("Practice"),
            one=made_up_feedback(self.case, at.questions, readings, self.design.texts),
        )


class Practice(Look):
    """What is said before it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.design.practised:
            raise NotFound(_("There is nothing to practise in this study."))
        begin = self.address("look_practice_case", 1)
        return self.page(request, "practice", title=_("Practice"), total=self.design.practice_cases, begin=begin)
