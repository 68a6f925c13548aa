"""The translations of the screens are complete, keep the places for values, and are compiled from what is there."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command

LOCALE = Path(settings.BASE_DIR) / "augmed" / "locale"
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
SOURCES = ("augmed", "cases", "experiments", "omop", "participants")
PLACES = re.compile(r"%\(\w+\)[sd]|(?<!%)%[sd]|\{\w*\}|</?\w+[^>]*>")
INFORMAL = {
    "de": r"\b(du|dich|dir|dein\w*)\b",
    "fr": r"\b(tu|toi|ton|tes|ta)\b",
    "es": r"\b(tú|tu|tus|ti|contigo)\b",
}

MISPRINTS = {
    "de": r"[\"'”’«»]|(?<!\S)“|\.\.\.| [:;?!]",
    "fr": r"[\"'“”„]|\.\.\.|[^\u00a0]:(?!\S)|[^\u202f][;?!]|«[^\u00a0]|[^\u00a0]»",
    "es": r"[\"'“”„]|\.\.\.| [:;?!]",
}
"""Quotation marks, apostrophes and spaces that are another language's, or a typewriter's."""


def catalogue(language):
    return polib.pofile(str(LOCALE / language / "LC_MESSAGES" / "django.po"))


def entries(language):
    return [entry for entry in catalogue(language) if not entry.obsolete]


def forms(entry):
    """Every form of a translation."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def names(found):
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in found}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language):
    missing = [entry.msgid for entry in entries(language) if entry.fuzzy or not all(forms(entry))]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_same_places_for_values_and_the_same_tags(language):
    wrong = []
    for entry in entries(language):
        of_many = Counter(PLACES.findall(entry.msgid_plural or entry.msgid))
        found = [Counter(PLACES.findall(form)) for form in forms(entry)]
        if found[-1] != of_many or any(form - of_many for form in found):  # a singular may spell its number out
            wrong.append(entry.msgid)
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_readers_are_addressed_formally(language):
    informal = re.compile(INFORMAL[language], re.IGNORECASE)
    assert [form for entry in entries(language) for form in forms(entry) if informal.search(form)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_and_spaces_are_those_of_the_language(language):
    misprint = re.compile(MISPRINTS[language])
    plain = {form: PLACES.sub("x", form) for entry in entries(language) for form in forms(entry)}
    assert [form for form, text in plain.items() if misprint.search(text)] == []


def test_spanish_questions_and_exclamations_open_with_a_mark():
    wrong = [f for entry in entries("es") for f in forms(entry) for o, c in ("¿?", "¡!") if f.count(o) != f.count(c)]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_its_source(language):
    compiled = polib.mofile(str(LOCALE / language / "LC_MESSAGES" / "django.mo"))
    assert {(one.msgctxt, one.msgid, *forms(one)) for one in compiled} == {
        (one.msgctxt, one.msgid, *forms(one)) for one in entries(language)
    }


def test_the_catalogues_have_the_same_texts():
    first, *others = (names(entries(language)) for language in LANGUAGES)
    assert all(other == first for other in others)


@pytest.mark.skipif(
    shutil.which("xgettext") is None and not os.environ.get("CI"), reason="xgettext (Debian: gettext) is not installed"
)
def test_no_text_of_the_code_is_missing_in_the_catalogues(tmp_path, monkeypatch, settings):
    """Collected from a copy, as collecting writes beside the sources. Mend with `make messages`."""
    for name in SOURCES:
        shutil.copytree(settings.BASE_DIR / name, tmp_path / name, ignore=_not_a_source)
    monkeypatch.chdir(tmp_path)
    settings.LOCALE_PATHS = [tmp_path / "augmed" / "locale"]
    settings.LOCALE_PATHS[0].mkdir()
    call_command("makemessages", all=True, keep_pot=True, extensions=["html", "txt", "py"], verbosity=0)
    collected = polib.pofile(str(settings.LOCALE_PATHS[0] / "django.pot"))
    assert names(collected) == names(entries(LANGUAGES[0]))


def _not_a_source(folder, inside):
    """The administration and the page of the API are English, though some of their templates are marked."""
    left = {"tests", "locale", "migrations", "static", "__pycache__", "drf_spectacular"}
    if Path(folder).name == "templates":
        left.add("admin")
    return [name for name in inside if name in left or ((Path(folder) / name).is_file() and not _is_source(name))]


def _is_source(name):
    return name.endswith((".py", ".html", ".txt"))
