"""The consent form of a study: its versions, and the next one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.consent_versions import (
    LONGEST_CHANGE,
    current_document,
    must_say_who_signs_again,
    publish_consent_document,
)
from experiments.admin_tools import add_refusal, may_in_study, study_or_404
from experiments.languages.missing import language_name
from experiments.languages.texts import plain, translations_of
from experiments.models import ConsentDocument, ConsentWording, Experiment
from experiments.screens.joining.blocks import text_blocks

LONGEST = 100_000
AGAIN = [
    ("yes", "Everybody who takes part must sign this version before they go on"),
    ("no", "Nobody: the version is for those who have not signed yet"),
]
_LAYOUT = 'A blank line begins a paragraph; a line that begins with "- " is an item of a list.'

_OTHER = "Empty: as translated before where the text is the same, else readers meet it as it was written."


class ConsentForm(forms.Form):
    """Title and text in the study's own language; then who signs again, where anybody takes part; then the same texts
    in each other language, which may stay empty and never show what was there before."""

    def __init__(self, experiment: Experiment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own, *self.others = experiment.languages
        self.asks = must_say_who_signs_again(experiment)
        self._add_texts(own)
        if self.asks:
            self.fields["asks_again"] = forms.ChoiceField(
                label="Who signs again?",
                choices=AGAIN,
                widget=forms.RadioSelect,
                help_text="Until they have, they read and answer nothing more. What they answered stays as it is. Ask "
                "your ethics board whether the change needs it.",
            )
            self._add_change(own)
        for language in self.others:
            self._add_texts(language, f"_{language}")
            if self.asks:
                self._add_change(language, f"_{language}")

    def _add_texts(self, language: str, ending: str = "") -> None:
        named = f", in {language_name(language)}" if ending else ""
        line = forms.TextInput({"class": "vTextField", "lang": language})
        area = forms.Textarea({"rows": 8 if ending else 24, "class": "vLargeTextField", "lang": language})
        required = not ending
        self.fields[f"title{ending}"] = forms.CharField(
            label=f"Title{named}", max_length=200, required=required, widget=line
        )
        self.fields[f"text{ending}"] = forms.CharField(
            label=f"Text{named}",
            max_length=LONGEST,
            required=required,
            widget=area,
            help_text=_OTHER if ending else _LAYOUT,
        )

    def _add_change(self, language: str, ending: str = "") -> None:
        named = f", in {language_name(language)}" if ending else ""
        area = forms.Textarea({"rows": 3, "class": "vLargeTextField", "lang": language})
        self.fields[f"what_changed{ending}"] = forms.CharField(
            label=f"What has changed{named}",
            max_length=LONGEST_CHANGE,
            required=False,
            widget=area,
            help_text="A few words, which those who are asked to sign again read above the text.",
        )

    @property
    def described(self) -> dict[str, Any]:
        """What the action takes."""
        given = self.cleaned_data
        names = ("title", "text", "what_changed")
        described: dict[str, Any] = {name: given[name] for name in names if name in given}
        if self.asks:
            described["asks_again"] = given["asks_again"] == "yes"
        described["translations"] = {
            language: {name: given.get(f"{name}_{language}", "") for name in names} for language in self.others
        }
        return described


def consent_form(request: HttpRequest, experiment_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.VIEW_EXPERIMENT)
    may_change = not experiment.is_over and may_in_study(request, Verb.CHANGE_DESIGN, experiment)
    current = current_document(experiment)
    form = (
        ConsentForm(experiment, initial={"title": current.title, "text": current.text} if current else None)
        if may_change
        else None
    )
    status = 200
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        form = ConsentForm(experiment, request.POST)
        if _published(request, experiment, form, current):
            return redirect(request.get_full_path())
        status = 422
    context = {
        **admin.site.each_context(request),
        "title": "Consent form",
        "subtitle": experiment.name,
        "experiment": experiment,
        "form": form,
        "current": current,
        "blocks": text_blocks(current.text) if current else [],
        "own_language": experiment.languages[0],
        "translated": _translated(experiment, current),
        "may_change": may_change,
        "versions": _versions(request, experiment),
    }
    return TemplateResponse(request, "admin/experiments/consent_form.html", context, status=status)


def _translated(experiment: Experiment, current: ConsentDocument | None) -> list[dict[str, Any]]:
    """The newest version in the other languages. Not in the form: an old translation of a new text would pass for a
    new one."""
    if current is None:
        return []
    title, text = plain(current.title), plain(current.text)
    return [
        {"code": code, "name": language_name(code), "title": texts[title], "blocks": text_blocks(texts[text])}
        for code, texts in translations_of(experiment).items()
        if title in texts and text in texts
    ]


def _published(
    request: HttpRequest, experiment: Experiment, form: ConsentForm, current: ConsentDocument | None
) -> bool:
    """Whether there is a version now; else the form says why not."""
    if not form.is_valid():
        return False
    try:
        document = publish_consent_document(experiment=experiment, by=request.user, **form.described)
    except DomainError as error:
        add_refusal(form, error)
        return False
    if current is not None and document.pk == current.pk:
        messages.info(request, "Nothing was changed: title and text are those of the newest version.")
        return True
    again = " Those who take part are asked to sign it before they go on." if document.asks_again else ""
    messages.success(request, f"Version {document.number} is signed from now on.{again}")
    missing = [language_name(code) for code in form.others if not form.cleaned_data[f"text_{code}"].strip()]
    if missing:
        own = language_name(experiment.languages[0])
        messages.warning(request, f"Not translated into {', '.join(missing)}: readers meet it in {own}.")
    return True


def _versions(request: HttpRequest, experiment: Experiment) -> list[Any]:
    """The newest first, each with the words that were signed; how often, for those who follow the study's progress."""
    wordings = Prefetch("wordings", ConsentWording.objects.order_by("language", "pk"), to_attr="signed_words")
    versions = ConsentDocument.objects.filter(experiment=experiment).select_related("created_by").order_by("-number")
    versions = versions.prefetch_related(wordings)
    if may_in_study(request, Verb.VIEW_PROGRESS, experiment):
        versions = versions.annotate(signed=Count("signatures"))
    return list(versions)
