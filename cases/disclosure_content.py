"""What a disclosure set holds: a complete, resolved allow list, and its canonical form and hash."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from augmed.foundation.canonical import canonical_decimal, digest
from cases.tree import Identity
from cases.value_text import normalise_label

SET_SCHEMA_VERSION = 1
LONGEST_SUPPLIED_TEXT = 500


class DisclosureError(ValueError):
    """A disclosure set, or a way of using it, is not valid; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Style:
    """How something disclosed is presented; None means: not said.

    `collapse`: starts collapsed, as the author of a set wrote it. `highlight`: marked. `top`: pinned among the
    important items, the smallest first. The published client's inverted `collapse` is its adapter's business.
    """

    collapse: bool | None = None
    highlight: bool | None = None
    top: Decimal | None = None

    def __post_init__(self) -> None:
        if self.top is not None and not self.top.is_finite():
            raise DisclosureError(f"style.top: {self.top} is not a finite number")


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Show:
    """Disclose one feature, with all its entries."""

    node_key: str
    discriminator: str = ""
    style: Style = PLAIN

    @property
    def identity(self) -> Identity:
        return Identity(self.node_key, self.discriminator)


@dataclass(frozen=True, slots=True)
class Supply:
    """Disclose a value given with the set, at an advice node. `source` tells staff where it came from."""

    node_key: str
    label: str
    value: str
    style: Style = PLAIN
    source: str = ""

    def __post_init__(self) -> None:
        for name, text in (("label", self.label), ("value", self.value)):
            if not text.strip():
                raise DisclosureError(f"supplied {name} is empty")
            if len(text) > LONGEST_SUPPLIED_TEXT:
                raise DisclosureError(f"supplied {name} is longer than {LONGEST_SUPPLIED_TEXT} characters")
            # Control and format characters could hide or reorder what a reader sees.
            if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in text):
                raise DisclosureError(f"supplied {name} is not plain text: {text!r}")

    @property
    def identity(self) -> Identity:
        return Identity(self.node_key, f"s:{normalise_label(self.label)}")


DisclosureEntry = Show | Supply


@dataclass(frozen=True, slots=True)
class Heading:
    """A section or category above an advice node."""

    key: str
    label: str
    level: Literal["section", "category"] = "category"


@dataclass(frozen=True, slots=True)
class AdviceNode:
    """A layout's advice node, with the headings above it from the section down."""

    key: str
    label: str
    headings: tuple[Heading, ...]
    accepts_supplies: bool = True

    def __post_init__(self) -> None:
        if not self.headings or self.headings[0].level != "section":
            raise DisclosureError(f"advice node {self.key}: its headings must start with a section")


@dataclass(frozen=True, slots=True)
class DisclosureContent:
    """The entries of a set: shows sorted by identity (their order means nothing), supplies as given."""

    shows: tuple[Show, ...] = ()
    supplies: tuple[Supply, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[DisclosureEntry]) -> "DisclosureContent":
        """Return the content of these entries; DisclosureError when one feature or supply is named twice."""
        listed = tuple(entries)
        _refuse_twice(listed)
        shows = sorted((entry for entry in listed if isinstance(entry, Show)), key=lambda show: show.identity)
        return cls(tuple(shows), tuple(entry for entry in listed if isinstance(entry, Supply)))

    @property
    def entries(self) -> tuple[DisclosureEntry, ...]:
        return (*self.shows, *self.supplies)

    @property
    def sha256(self) -> str:
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        return {
            "schema_version": SET_SCHEMA_VERSION,
            "shows": [_show_to_json(show) for show in self.shows],
            "supplies": [_supply_to_json(supply) for supply in self.supplies],
        }

    @classmethod
    def from_json(cls, value: Any) -> "DisclosureContent":
        """Return the content of such JSON values; DisclosureError says where it is malformed."""
        found = _object(value, {"schema_version", "shows", "supplies"}, "$")
        if found["schema_version"] != SET_SCHEMA_VERSION or isinstance(found["schema_version"], bool):
            raise DisclosureError(f"$.schema_version: {found['schema_version']!r} is not {SET_SCHEMA_VERSION}")
        entries: list[DisclosureEntry] = []
        for name, read in (("shows", _show_from_json), ("supplies", _supply_from_json)):
            if not isinstance(found[name], list):
                raise DisclosureError(f"$.{name}: a list is needed")
            entries += [read(item, f"$.{name}[{index}]") for index, item in enumerate(found[name])]
        return cls.of(entries)


def merge_styles(styles: Iterable[Style]) -> Style:
    """Merge styles in file order as AugMed does: the last collapse and highlight said win, the highest top."""
    collapse = highlight = top = None
    for style in styles:
        collapse = collapse if style.collapse is None else style.collapse
        highlight = highlight if style.highlight is None else style.highlight
        if style.top is not None:
            top = style.top if top is None else max(top, style.top)
    return Style(collapse, highlight, top)


def style_to_json(style: Style) -> dict[str, Any]:
    """Return a style as JSON values, with all its keys."""
    top = None if style.top is None else canonical_decimal(style.top)
    return {"collapse": style.collapse, "highlight": style.highlight, "top": top}


def said_style(style: Style) -> dict[str, Any]:
    """Return what a style says, as display configs write it: nothing that was not said, `top` as a number."""
    top = None if style.top is None else plain_number(style.top)
    said = {"collapse": style.collapse, "highlight": style.highlight, "top": top}
    return {name: value for name, value in said.items() if value is not None}


def style_as_said(value: Any) -> Style:
    """Return the style that a display config says in JSON, where what is absent, null or an empty text was not said.

    DisclosureError says what is wrong and never repeats the value."""
    if value is None:
        return PLAIN
    if not isinstance(value, Mapping):
        raise DisclosureError("a style is an object")
    collapse, highlight = value.get("collapse"), value.get("highlight")
    if not all(flag is None or isinstance(flag, bool) for flag in (collapse, highlight)):
        raise DisclosureError("collapse and highlight are true, false or null")
    style = Style(collapse, highlight, _top_as_said(value.get("top")))
    return PLAIN if style == PLAIN else style


def _top_as_said(value: Any) -> Decimal | None:
    if value in (None, ""):
        return None
    # A float's shortest text is what its sender wrote: 1.5, not the binary neighbour.
    said = repr(value) if isinstance(value, float) else value
    try:
        return Decimal(canonical_decimal(said))
    except (TypeError, ValueError):
        raise DisclosureError("top is a number") from None


def plain_number(value: Decimal) -> int | float:
    """Return a finite decimal as a number of JSON. That has no infinity, so one too large for a float is cut."""
    number = float(value)
    is_whole = value == value.to_integral_value()
    return int(value) if is_whole or not math.isfinite(number) else number


def style_from_json(value: Any, path: str = "$") -> Style:
    """Return the style of such JSON values."""
    found = _object(value, {"collapse", "highlight", "top"}, path)
    for name in ("collapse", "highlight"):
        if found[name] is not None and not isinstance(found[name], bool):
            raise DisclosureError(f"{path}.{name}: {found[name]!r} is neither true, false nor null")
    top = found["top"]
    if top is None:
        return Style(found["collapse"], found["highlight"])
    try:
        return Style(found["collapse"], found["highlight"], Decimal(canonical_decimal(_string(top, f"{path}.top"))))
    except ValueError as error:
        raise DisclosureError(f"{path}.top: {top!r} is not a decimal text") from error


def _refuse_twice(entries: Iterable[DisclosureEntry]) -> None:
    seen: set[Identity] = set()
    for entry in entries:
        if entry.identity in seen:
            raise DisclosureError(f"{tuple(entry.identity)} is named twice in one disclosure set")
        seen.add(entry.identity)


def _show_to_json(show: Show) -> dict[str, Any]:
    style = style_to_json(show.style)
    return {"node_key": show.node_key, "discriminator": show.discriminator, "style": style}


def _supply_to_json(supply: Supply) -> dict[str, Any]:
    return {
        "node_key": supply.node_key,
        "label": supply.label,
        "value": supply.value,
        "style": style_to_json(supply.style),
        "source": supply.source,
    }


def _show_from_json(value: Any, path: str) -> Show:
    found = _object(value, {"node_key", "discriminator", "style"}, path)
    node_key, discriminator = (_string(found[name], f"{path}.{name}") for name in ("node_key", "discriminator"))
    return Show(node_key, discriminator, style_from_json(found["style"], f"{path}.style"))


def _supply_from_json(value: Any, path: str) -> Supply:
    found = _object(value, {"node_key", "label", "value", "style", "source"}, path)
    texts = {name: _string(found[name], f"{path}.{name}") for name in ("node_key", "label", "value", "source")}
    try:
        return Supply(**texts, style=style_from_json(found["style"], f"{path}.style"))
    except DisclosureError as error:
        raise DisclosureError(f"{path}: {error}") from error


def _object(value: Any, keys: set[str], path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DisclosureError(f"{path}: an object is needed")
    if value.keys() != keys:
        wrong = ", ".join(sorted(str(key) for key in value.keys() ^ keys))
        raise DisclosureError(f"{path}: unknown or missing key {wrong}")
    return value


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise DisclosureError(f"{path}: a text is needed")
    return value
