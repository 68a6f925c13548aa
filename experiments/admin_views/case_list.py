"""The case list of a study: numbers in order, and a list of cases to pick from."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions.design import set_case_list
from experiments.admin_tools import study_or_404
from experiments.models import Experiment

MOST_LISTED = 200
_RANGE = re.compile(r"(-?\d{1,18})(?:\s*\.\.\s*(-?\d{1,18}))?", re.ASCII)


def case_list(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    listed = list(experiment.study_cases.order_by("position").values_list("case__number", flat=True))
    numbers = "\n".join(map(str, listed))
    refusal = None
    if request.method == "POST":
        numbers = "\n".join([request.POST.get("numbers", ""), *request.POST.getlist("add")]).strip()
        try:
            cases = _cases(request, numbers)
            set_case_list(experiment=experiment, cases=cases, by=request.user)
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, f"The study has {len(cases)} case{'' if len(cases) == 1 else 's'}.")
            return redirect(request.get_full_path())
    found = _search(request, experiment)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Cases of the study",
        "subtitle": experiment.name,
        "experiment": experiment,
        "numbers": numbers,
        "count": len(listed),
        "refusal": refusal,
        "found": found[:MOST_LISTED],
        "found_count": found.count(),
        "most": MOST_LISTED,
        "q": request.GET.get("q", ""),
    }
    status = refusal.status_code if refusal else 200
    return TemplateResponse(request, "admin/experiments/case_list.html", context, status=status)


def read_numbers(text: str) -> list[int]:
    """Numbers separated by commas, spaces or lines, in order; 'a..b' is every number from a to b."""
    numbers: list[int] = []
    for word in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*\.\.\s*", "..", text))):
        match = _RANGE.fullmatch(word)
        if match is None:
            raise Invalid(f"{word[:40]!r} is neither a case number nor a range such as 101..120.")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < 100_000:
            raise Invalid(f"The range {word!r} runs backwards or is too long.")
        numbers += range(first, last + 1)
    return numbers


def _cases(request: HttpRequest, text: str) -> list[Case]:
    numbers = read_numbers(text)
    found = {case.number: case for case in Case.objects.visible_to(request.user).filter(number__in=set(numbers))}
    if missing := [number for number in dict.fromkeys(numbers) if number not in found]:
        shown = ", ".join(map(str, missing[:20])) + (" …" if len(missing) > 20 else "")
        raise Invalid(f"There is no case {shown}. Put the visit forward for review first.")
    return [found[number] for number in numbers]


def _search(request: HttpRequest, experiment: Experiment) -> QuerySet[Case]:
    cases = Case.objects.visible_to(request.user).exclude(study_cases__experiment=experiment).order_by("number")
    wanted = request.GET.get("q", "").strip()
    if not wanted:
        return cases
    clause = Q(source_label__icontains=wanted)
    if wanted.lstrip("-").isascii() and wanted.lstrip("-").isdigit() and len(wanted) < 19:
        value = int(wanted)
        clause |= Q(number=value) | Q(visit_occurrence_id=value) | Q(person_id=value)
    return cases.filter(clause)
