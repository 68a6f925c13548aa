"""What researchers write as plain text, as paragraphs and lists for a page. Pure; templates escape what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

_ITEM = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (its lines as they were broken), or a list (one line an item)."""

    is_list: bool
    lines: tuple[str, ...]


def text_blocks(text: str) -> list[Block]:
    """A blank line begins a paragraph; a line that begins with "- " is an item, and an indented line after it belongs
    to it."""
    parts = re.split(r"\n[^\S\n]*\n", text.replace("\r\n", "\n").strip("\n"))
    return [block for part in parts if part.strip() for block in _blocks(part.split("\n"))]


def _blocks(lines: list[str]) -> Iterator[Block]:
    merged: list[str] = []
    for line in lines:
        belongs = line[:1] in (" ", "\t") and bool(merged) and merged[-1].startswith(_ITEM)
        if belongs:
            merged[-1] += " " + line.strip()
        elif line.strip():
            merged.append(line.strip())
    for is_list, group in groupby(merged, key=lambda line: line.startswith(_ITEM)):
        yield Block(is_list, tuple(line.removeprefix(_ITEM).strip() if is_list else line for line in group))
