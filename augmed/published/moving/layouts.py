"""AugMed's page_config becomes a page layout, by the importer that any page_config goes through."""

from __future__ import annotations

from django.db import transaction

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import DomainError
from augmed.published.moving.move import Kind, Move
from cases.actions import import_layout
from cases.layouts.parsing import PAGE_CONFIG_NAME
from cases.models import PageLayout

_TABLE = "system_config"


def move_layout(move: Move) -> None:
    """Import the page_config once for each state of it, so that a layout changed here since is left as it is."""
    counts = move.report.of(_TABLE)
    for row in move.staging.rows('SELECT * FROM "system_config" ORDER BY row_number'):
        counts.read += 1
        if row["id"] != "page_config":
            move.report.could_not(_TABLE, row["id"], row["row_number"], "there is no place for it here")
            continue
        text = row["json_config"] or ""
        key = f"page_config {sha256_hex(text)[:16]}"
        if move.known(Kind.PAGE_CONFIG, [key]):
            counts.was_there += 1
            continue
        try:
            _import(move, key, text)
        except DomainError as error:
            said = "; ".join(f"{where}: {texts[0]}" for where, texts in list(error.errors.items())[:5])
            move.report.could_not(_TABLE, row["id"], row["row_number"], f"{error.detail} {said}".strip())
        else:
            counts.came_over += 1
            _say_which_is_default(move, row["row_number"])


def _import(move: Move, key: str, text: str) -> None:
    with transaction.atomic():
        version = import_layout(content=text, by=move.by, name=PAGE_CONFIG_NAME)
        move.store([move.record(Kind.PAGE_CONFIG, key, version)])
        move.audit(Kind.PAGE_CONFIG, {"layout_version": version.pk})


def _say_which_is_default(move: Move, row: int) -> None:
    default = PageLayout.objects.default()
    if default is not None and default.name != PAGE_CONFIG_NAME:
        text = f"the default layout is {default.name!r}, which new display configs use: make this one the default first"
        move.report.note(_TABLE, "page_config", row, text)
