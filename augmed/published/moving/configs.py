"""Tasks that nobody has answered yet: they come as an upload of display configs does, by the same action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction

from augmed.foundation.canonical import digest
from augmed.foundation.errors import DomainError
from augmed.published.models import CameOver
from augmed.published.moving.cases import cases_for
from augmed.published.moving.cells import CellError, json_value, whole
from augmed.published.moving.move import Kind, Move, address
from augmed.published.moving.readings import task_details
from augmed.published.moving.staging import Row
from cases.disclosure import DisclosureError, Style, style_as_said
from cases.models import Case
from experiments.actions.display_configs import ConfigOutcome, UploadResult, apply_parsed
from experiments.display_configs.written import ParsedFile, PathRow, WrittenConfig
from experiments.models import Assignment, Experiment, Review

_TABLE = "display_config"
_UNANSWERED = """
SELECT * FROM display_config WHERE NOT EXISTS (SELECT 1 FROM answer WHERE answer.task_id = display_config.id)
ORDER BY row_number
"""
_ANSWERED = "it was read in AugMed, as another task: here one reads a case again only by a study's design"
_TWICE = "another task of the same participant and case came first: here one reads a case once"


def move_configs(move: Move, study: Experiment) -> None:
    """A chunk is one upload, and one transaction. (Answered tasks came with their answers.)"""
    seen: set[tuple[str, int]] = set()
    for rows in move.staging.chunks(_UNANSWERED, size=2000):
        move.report.of(_TABLE).read += len(rows)
        known = move.known(Kind.DISPLAY_CONFIG, [row["id"] for row in rows])
        move.report.of(_TABLE).was_there += len(known)
        new = [row for row in rows if row["id"] not in known]
        try:
            with transaction.atomic():
                _Chunk(move, study, new, seen).upload()
        except DomainError as error:
            for row in new:
                move.report.could_not(_TABLE, row["id"], row["row_number"], error.detail)


class _Chunk:
    def __init__(self, move: Move, study: Experiment, rows: Sequence[Row], seen: set[tuple[str, int]]) -> None:
        self.move, self.study, self.seen = move, study, seen
        self.rows = {int(row["row_number"]): row for row in rows}

    def upload(self) -> None:
        written = {config.row: config for config in self._written()}
        cases = cases_for(self.move, {one.case_number for one in written.values()}, self.study.layout, read=False)
        parsed = ParsedFile(row_count=len(written))
        for row, config in written.items():
            case = cases.get(config.case_number)
            if case is None:
                self._could_not(row, f"{config.case_number}: there is no such visit: import OMOP's tables first")
                continue
            config.case_number = case.number
            parsed.configs[config.experiment, config.user, config.case_number] = config
        if parsed.configs:
            result = apply_parsed(
                parsed=parsed, by=self.move.by, sha256=self._sha256(written.values()), leave_out_wrong=True
            )
            self._report(result, cases)

    def _written(self) -> Iterator[WrittenConfig]:
        for number, row in self.rows.items():
            try:
                config = _config(row)
            except CellError as error:
                self._could_not(number, str(error))
                continue
            pair = (config.user, config.case_number)
            if pair in self.seen:
                self._could_not(number, _TWICE)
                continue
            self.seen.add(pair)
            yield config

    def _report(self, result: UploadResult, cases: Mapping[int, Case]) -> None:
        reasons: dict[int, list[str]] = {}
        for error in result.errors:
            # An upload's words are for who uploaded the address; a report is passed around.
            message = error.message.replace(repr(address(self.rows[error.row]["user_email"])), "its reader")
            reasons.setdefault(error.row, []).append(f"{error.column}: {message}" if error.column else message)
        for number, texts in reasons.items():
            self._could_not(number, "; ".join(texts))
        done = [one for one in result.outcomes if one.outcome != "kept"]
        reviews = self._reviews(done)
        counts = self.move.report.of(_TABLE)
        records: list[CameOver] = []
        for one in done:
            counts.came_over += one.outcome != "unchanged"
            counts.was_there += one.outcome == "unchanged"
            row = self.rows[one.row]
            review = reviews[one.assignment_id or 0]
            records.append(self.move.record(Kind.DISPLAY_CONFIG, row["id"], review, **task_details(row)))
        self.move.store(records)
        self._report_kept([one for one in result.outcomes if one.outcome == "kept"])

    def _report_kept(self, kept: Sequence[ConfigOutcome]) -> None:
        pks = [one.assignment_id for one in kept if one.assignment_id]
        read = Assignment.objects.filter(pk__in=pks, drawn_by=Assignment.DrawnBy.AUGMED)
        read_there = set(read.values_list("pk", flat=True))
        for one in kept:
            self._could_not(one.row, _ANSWERED if one.assignment_id in read_there else one.reason)

    def _reviews(self, outcomes: Sequence[ConfigOutcome]) -> dict[int, Review]:
        pks = [one.assignment_id for one in outcomes if one.assignment_id]
        return {one.assignment_id: one for one in Review.objects.filter(assignment__in=pks, stage_position=1)}

    def _sha256(self, written: Any) -> str:
        """Of what was read, for the audit trail, as of a file's bytes."""
        return digest(
            [[one.user, one.case_number, [[path.path, _said(path.style)] for path in one.paths]] for one in written]
        )

    def _could_not(self, number: int, reason: str) -> None:
        self.move.report.could_not(_TABLE, self.rows[number]["id"], number, reason)


def _config(row: Row) -> WrittenConfig:
    number = int(row["row_number"])
    entries = json_value("path_config", row["path_config"])
    if entries in (None, {}):
        entries = []  # as AugMed read them
    if not isinstance(entries, list):
        raise CellError("path_config is no list")
    config = WrittenConfig(number, "", address(row["user_email"]), whole("case_id", row["case_id"]), "", "")
    kept: dict[tuple[str, Style], PathRow] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("path"), str):
            raise CellError("path_config has an entry without a path")
        path = PathRow(number, entry["path"].strip(), _style(entry.get("style")))
        if path.path:
            kept.setdefault((path.path, path.style), path)
    config.paths = list(kept.values())
    return config


def _style(given: Any) -> Style:
    try:
        return style_as_said(given)
    except DisclosureError as error:
        raise CellError(f"path_config: {error}") from error


def _said(style: Style) -> list[Any]:
    return [style.collapse, style.highlight, style.top]
