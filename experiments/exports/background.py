"""The tables of what the study rests on: reference standard and protocol versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.exports.cells import Column
from experiments.exports.features import study_cases
from experiments.exports.study import Study
from experiments.exports.tables import Table, table
from experiments.models import ReferenceStandard


def references_table(study: Study) -> Table:
    columns = [
        Column("case_number", "integer", "The case."),
        Column("question_key", "text", "The question whose true answer it is."),
        Column("version", "integer", "From 1; a correction is the next."),
        Column("is_current", "boolean", "Whether answers are scored against this version."),
        Column("value", "json", "The truth: an answer, or a distribution over answers."),
        Column("rule", "text", "How it was found."),
        Column("created_at", study.time_type, f"When it was accepted, {study.time_words}."),
    ]
    about = "One row per version of the reference standard of a case and question."
    return table("references", about, columns, lambda: _references(study))


def _references(study: Study) -> Iterator[list[Any]]:
    cases = study_cases(study.experiment).order_by().values("pk")  # without those to practise on
    rows = ReferenceStandard.objects.filter(experiment=study.experiment, case__in=cases)
    current = set(rows.current().order_by().values_list("pk", flat=True))
    read = rows.order_by("case__number", "question_key", "version").values_list(
        "pk", "case__number", "question_key", "version", "value", "rule", "created_at"
    )
    for pk, case, question, version, value, rule, created in read.iterator(chunk_size=2000):
        if question not in study.visible.hidden_questions:
            yield [case, question, version, pk in current, value or None, rule, study.time(created)]


def protocols_table(study: Study) -> Table:
    by_arm = study.visible.by_arm
    listed = [
        Column("version", "integer", "1 is what activation froze; an amendment is the next."),
        Column("layout", "text", "Name of the page layout."),
        Column("layout_version", "integer", "Its version."),
        Column("created_at", study.time_type, f"When it was frozen, {study.time_words}."),
        Column("reason", "text", "Why it was amended.") if by_arm else None,
        Column("sha256", "text", "Hash of its content.") if by_arm else None,
        Column("content", "json", "Arms, stages, hashes of disclosure sets, allocation rule, cases.")
        if by_arm
        else None,
    ]
    columns = [column for column in listed if column is not None]
    about = "One row per protocol version."
    return table("protocols", about, columns, lambda: _protocols(study))


def _protocols(study: Study) -> Iterator[list[Any]]:
    for protocol in study.protocols:
        layout = protocol.layout_version
        values: list[Any] = [protocol.number, layout.layout.name, layout.number, study.time(protocol.created_at)]
        if study.visible.by_arm:
            values += (protocol.reason or None, protocol.sha256, protocol.content)
        yield values
