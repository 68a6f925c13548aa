"""The canonical JSON of disclosure sets and of the CSV's own words, put together from parts that are written once.

Equal, byte by byte, to `canonical_json` of the whole: the canonical form of a list is the list of its items' forms. A
file of 10,000 different sets has few different features and styles, and the general writer looks at every value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from augmed.foundation.canonical import canonical_json, sha256_hex
from cases.disclosure import PLAIN, DisclosureContent, Show, Style, Supply, style_to_json
from cases.tree import Identity
from experiments.display_configs.written import PathRow

_StyleKey = tuple[bool | None, bool | None, Decimal | None]


def _key(style: Style) -> _StyleKey:
    return style.collapse, style.highlight, style.top


class SetTexts:
    """Remembers the text of every path, style and feature that it has written."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._said: dict[_StyleKey, str] = {}
        self._styles: dict[_StyleKey, str] = {}
        self._features: dict[Identity, str] = {}
        self._hashes: dict[str, tuple[str, str]] = {}
        self._begin, self._between, self._end = canonical_json(DisclosureContent().to_json()).split("[]")
        self.plain = self.style(PLAIN)

    def paths(self, rows: Iterable[PathRow]) -> str:
        """The rows as they are kept beside a set: of a style only what the file says, as AugMed's own entries are."""
        written = [f'{{"path":{self._path(row.path)},"style":{self._said_style(row.style)}}}' for row in rows]
        return f"[{','.join(written)}]"

    def style(self, style: Style) -> str:
        key = _key(style)
        text = self._styles.get(key)
        if text is None:
            text = self._styles[key] = canonical_json(style_to_json(style))
        return text

    def content(self, shows: dict[Identity, str], supplies: Sequence[Supply]) -> tuple[str, str]:
        """The SHA-256 and the text of a set: the style's text of every feature shown, and the values supplied."""
        shown = ",".join([self._show(identity, shows[identity]) for identity in sorted(shows)])
        supplied = canonical_json(DisclosureContent.of(supplies).to_json()["supplies"]) if supplies else "[]"
        text = f"{self._begin}[{shown}]{self._between}{supplied}{self._end}"
        found = self._hashes.get(text)
        if found is None:
            found = self._hashes[text] = (sha256_hex(text), text)
        return found

    def _path(self, path: str) -> str:
        text = self._paths.get(path)
        if text is None:
            text = self._paths[path] = canonical_json(path)
        return text

    def _said_style(self, style: Style) -> str:
        key = _key(style)
        text = self._said.get(key)
        if text is None:
            said = {name: value for name, value in style_to_json(style).items() if value is not None}
            text = self._said[key] = canonical_json(said)
        return text

    def _show(self, identity: Identity, style: str) -> str:
        before = self._features.get(identity)
        if before is None:
            (show,) = DisclosureContent.of([Show(*identity)]).to_json()["shows"]
            before = self._features[identity] = canonical_json(show).removesuffix(f"{self.plain}}}")
        return f"{before}{style}}}"
