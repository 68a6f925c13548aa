"""Marks around every text that goes through gettext, and what of a page stands outside of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from cases.models import CaseSnapshot, LayoutNode
from experiments.models import ConsentDocument, Experiment, Question, TrainingCase
from experiments.screens.answering.tests.questions import posted
from participants.models import Profile, User

BACKEND = "django.contrib.auth.backends.ModelBackend"
PASSWORD = "a long Passphrase 1!"  # what conftest.make_user sets

BEGIN, END = "\u27e6", "\u27e7"
READ_ALOUD = {"title", "placeholder", "aria-label", "aria-valuetext", "alt"}
"""Attributes whose text reaches people."""
_NOT_OURS = {"script", "style", "kbd", "code", "option"}
"""`option`: the languages, each by its own name. `code`: secrets. `kbd`: what is printed on keys."""
_SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
_ALLOWED = ("AugMed", "UTC", "Uhr")  # the last is of a time in German
_VOID = {"meta", "link", "input", "br", "img", "hr"}


def mark_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on every translated text stands in marks, Django's own too."""
    for name in ("gettext", "ngettext", "pgettext", "npgettext"):
        real = getattr(translation._trans, name)
        monkeypatch.setattr(translation._trans, name, _marking(real))


def _marking(real: Any) -> Any:
    return lambda *args: f"{BEGIN}{real(*args)}{END}"


def unmarked(page: str, own: Iterable[str]) -> list[str]:
    """Texts of a page that are neither marked nor the study's or the reader's own."""
    reader = _Reader()
    reader.feed(page)
    assert reader.texts, "a page without a text"
    return [left for text in reader.texts for left in _words_outside(text, own)]


def unmarked_in_mail(text: str, own: Iterable[str]) -> list[str]:
    without_links = re.sub(r"https?://\S+", "", text)
    return list(_words_outside(without_links, own))


def _words_outside(text: str, own: Iterable[str]) -> Iterator[str]:
    for piece in _outside(text):
        left = piece
        for known in sorted({*own, *_ALLOWED}, key=len, reverse=True):
            left = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", " ", left)
        if re.search(r"[^\W\d_]", left):
            yield piece.strip()


def _outside(text: str) -> Iterator[str]:
    """What stands in no marks; marks may stand within marks."""
    depth, start = 0, 0
    for found in re.finditer(f"[{BEGIN}{END}]", text):
        if depth == 0:
            yield text[start : found.start()]
        depth += 1 if found[0] == BEGIN else -1
        start = found.end()
    assert depth == 0, f"a text was cut: {text!r}"
    yield text[start:]


class _Reader(HTMLParser):
    """Collects texts by element, so that one whose marks stand around tags stays whole."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[str] = []
        self._kept = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name in READ_ALOUD or (name.startswith("data-") and _is_text(value))):
                self.texts.append(value)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not _NOT_OURS.isdisjoint(self._open) or not (self._kept or data.strip()):
            return
        self._kept += data
        if self._kept.count(BEGIN) == self._kept.count(END):
            self.texts.append(self._kept)
            self._kept = ""


def _is_text(value: str) -> bool:
    """Not a key, an address or JSON."""
    return BEGIN in value or (bool(_SENTENCE.search(value)) and not value.startswith(("[", "{")))


class Reader:
    """A browser all of whose pages are looked at."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(headers={"accept-language": "de"})
        if user is not None:
            self.client.force_login(user, backend=BACKEND)

    def get(self, path: str, status: int = 200) -> Any:
        return self._looked_at(self.client.get(path, follow=True), status)

    def post(self, path: str, data: Any = None, status: int = 200) -> Any:
        return self._looked_at(self.client.post(path, data or {}, follow=True), status)

    def _looked_at(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.request["PATH_INFO"]
        assert unmarked(answer.content.decode(), own()) == [], answer.request["PATH_INFO"]
        return answer


def own() -> set[str]:
    """What studies and people brought with them."""
    found = {text for user in User.objects.all() for text in (user.email, PASSWORD)}
    found |= set(Profile.objects.values_list("name", flat=True))
    for model in (Experiment, ConsentDocument, Question, LayoutNode, TrainingCase):
        for row in model.objects.values():
            found |= set(_texts(list(row.values())))
    for content in CaseSnapshot.objects.values_list("content", flat=True):
        found |= set(_texts(json.loads(content)))
    found |= {answer for value in posted().values() for answer in _texts(value)} | {"Dr. Ada Reader", "2020"}
    return found - {""}


def _texts(value: Any) -> Iterator[str]:
    """All that a value of JSON says, a line at a time as pages show it."""
    if isinstance(value, str):
        yield value
        for line in value.splitlines():
            yield line.removeprefix("- ").strip()
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
