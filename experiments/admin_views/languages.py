"""The languages of a study, and its texts in each. To see them: view_experiment; to change them: change_design. Texts
that tell what some arm has are listed for those who may see the arms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.permissions import Verb
from experiments.actions.translations import Translated, import_translations, set_languages, set_translations
from experiments.admin_tools import may_in_study, show_refusal, study_or_404
from experiments.exports.cells import csv_cells, csv_header, unformula
from experiments.languages.missing import LanguageState, language_name, language_states
from experiments.languages.sources import SourceText
from experiments.models import Experiment

LARGEST_BYTES = 10 * 1024 * 1024
COLUMNS = ("place", "source", "translation")
_PAGE = "admin:experiments_experiment_languages"


def urls(view: Callable[..., Any]) -> list[URLPattern]:
    """Below a study's page; `view` is the admin site's guard."""
    name, place = "experiments_experiment_languages", "<int:experiment_id>/languages/"
    return [
        path(place, view(languages), name=name),
        path(f"{place}<str:code>/", view(texts), name=f"{name}_texts"),
        path(f"{place}<str:code>/list.csv", view(download), name=f"{name}_csv"),
        path(f"{place}<str:code>/import/", view(upload), name=f"{name}_import"),
    ]


def languages(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Which languages, and how far each is."""
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    if request.method == "POST":
        study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
        first = request.POST.get("first", "")
        chosen = [first, *(code for code in request.POST.getlist("languages") if code != first)]
        try:
            set_languages(experiment=experiment, languages=chosen, by=request.user)
        except DomainError as error:
            show_refusal(request, error)
        else:
            messages.success(request, f"The languages are set.{_later(experiment)}")
        return redirect(_PAGE, experiment.pk)
    context = {
        "title": "Languages",
        "offered": [(code, language_name(code)) for code, _ in settings.LANGUAGES],
        "first": experiment.languages[0],
        "first_name": language_name(experiment.languages[0]),
        "is_settled": experiment.protocol_id is not None,
        "states": _states(request, experiment),
    }
    return _page(request, experiment, "languages", context)


def texts(request: HttpRequest, experiment_id: int, code: str) -> HttpResponse:
    """Every text with its translation, what is missing first."""
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    state = _state(request, experiment, code)
    if request.method == "POST":
        study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
        try:
            done = set_translations(experiment=experiment, language=code, texts=_typed(request, state), by=request.user)
        except DomainError as error:
            show_refusal(request, error)
        else:
            messages.success(request, _said(done) + _later(experiment))
        return redirect(f"{_PAGE}_texts", experiment.pk, code)
    context = {
        "title": f"Texts in {state.name}",
        "state": state,
        "source_language": experiment.languages[0],
        "rows": [(source, text, _was(text), _lines(source, text)) for source, text in _missing_first(state)],
    }
    return _page(request, experiment, "language_texts", context)


@require_GET
def download(request: HttpRequest, experiment_id: int, code: str) -> HttpResponse:
    """The list as a CSV that spreadsheets and translators' tools open, and that `upload` takes back."""
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    state = _state(request, experiment, code)
    lines = [
        csv_cells(unformula(cell) for cell in ("; ".join(source.places), source.text, text))
        for source, text in _missing_first(state)
    ]
    content = "\r\n".join([csv_header(COLUMNS), *lines, ""])
    response = HttpResponse(content.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{experiment.code}-{code}.csv"'
    return response


@require_POST
def upload(request: HttpRequest, experiment_id: int, code: str) -> HttpResponse:
    """Take a list in: all its rows or none."""
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    _state(request, experiment, code)
    try:
        content = _content(request)
        done = import_translations(experiment=experiment, language=code, content=content, by=request.user)
    except DomainError as error:
        show_refusal(request, error)
    else:
        messages.success(request, _said(done) + _later(experiment))
    return redirect(f"{_PAGE}_texts", experiment.pk, code)


def _page(request: HttpRequest, experiment: Experiment, template: str, context: dict[str, Any]) -> HttpResponse:
    may_change = not experiment.is_over and may_in_study(request, Verb.CHANGE_DESIGN, experiment)
    shared = {"subtitle": experiment.name, "experiment": experiment, "may_change": may_change}
    everything = {**admin.site.each_context(request), **shared, **context}
    return TemplateResponse(request, f"admin/experiments/{template}.html", everything)


def _states(request: HttpRequest, experiment: Experiment) -> list[LanguageState]:
    return language_states(experiment, of_arms=may_in_study(request, Verb.VIEW_ARM, experiment))


def _state(request: HttpRequest, experiment: Experiment, code: str) -> LanguageState:
    found = next((state for state in _states(request, experiment) if state.code == code), None)
    if found is None:
        raise Http404
    return found


def _missing_first(state: LanguageState) -> list[tuple[SourceText, str]]:
    return sorted(state.texts, key=lambda pair: bool(pair[1]))


def _typed(request: HttpRequest, state: LanguageState) -> dict[str, str]:
    """What was changed on the page. The rest may have been translated by somebody else meanwhile: it stays."""
    typed = {}
    for source, _ in state.texts:
        text = request.POST.get(f"text-{source.key}")
        if text is not None and _was(text) != request.POST.get(f"was-{source.key}"):
            typed[source.key] = text
    return typed


def _was(text: str) -> str:
    """Short, for a hidden field; browsers send other line ends than were stored."""
    return sha256_hex(text.replace("\r\n", "\n").strip())[:16]


def _lines(source: SourceText, text: str) -> int:
    """As high as the longer of the two needs, within reason."""
    longest = max(source.text, text, key=len)
    return min(24, 1 + len(longest) // 60 + longest.count("\n"))


def _content(request: HttpRequest) -> bytes:
    file = request.FILES.get("file")
    if file is None or file.size is None:
        raise Invalid("Choose a file.")
    if file.size > LARGEST_BYTES:
        raise Invalid(f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB.")
    return file.read()


def _said(done: Translated) -> str:
    return f"{done.written} written, {done.removed} removed, {done.kept} as before."


def _later(experiment: Experiment) -> str:
    return " Readers meet it with the next amendment." if experiment.protocol_id else ""
