"""The codebook: every column of every file, every question by version, every feature, every arm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from experiments.answers import NUMERIC
from experiments.exports.attention import checks_content
from experiments.exports.cells import Column, csv_encoder, csv_header, json_schema
from experiments.exports.questions import Asked
from experiments.exports.study import Study
from experiments.exports.tables import Table
from experiments.models import Question

_COLUMNS = [
    Column("file", "text", ""),
    Column("column", "text", ""),
    Column("type", "text", ""),
    Column("unit", "text", ""),
    Column("meaning", "text", ""),
    Column("allowed_values", "list", ""),
    Column("label", "text", ""),
    Column("questionnaire", "text", ""),
    Column("questionnaire_version", "integer", ""),
    Column("question_text", "text", ""),
]
HEADER = csv_header(column.name for column in _COLUMNS) + "\r\n"


def codebook_lines(study: Study, tables: Sequence[Table]) -> Iterator[str]:
    """codebook.csv: one row per column; of an answer's column one per questionnaire version that asks it."""
    encode = csv_encoder(_COLUMNS)
    for table in tables:
        for column in table.columns:
            own = [table.name, column.name, column.type, column.unit or None, column.meaning]
            asked = table.asked.get(column.name)
            plain = [[list(column.allowed) or None, column.label or None]]
            for more in _question_rows(study, asked) if asked else plain:
                yield encode([*own, *more, *[None] * (len(_COLUMNS) - len(own) - len(more))]) + "\r\n"


def _question_rows(study: Study, asked: Asked) -> Iterator[list[Any]]:
    for question in asked.versions:
        name, number = _version(study, question)
        yield [list(question.options) or None, question.key, name, number, question.text]


def codebook_json(study: Study, tables: Sequence[Table]) -> str:
    """codebook.json: the same, structured, with a JSON Schema of each table's lines."""
    content = {
        "study": {"code": study.experiment.code, "name": study.experiment.name},
        "files": [_file(table) for table in tables],
        "questions": [
            {"key": asked.key, "versions": [_question(study, question) for question in asked.versions]}
            for asked in study.asked
        ],
        "questions_about_readers": [
            {"key": asked.key, "versions": [_question(study, question, always=True) for question in asked.versions]}
            for asked in study.asked_of_readers
        ],
        "attention_checks": checks_content(study.attention_checks),
        "features": [
            {
                "key": feature.key,
                "node": feature.identity.node_key,
                "discriminator": feature.identity.discriminator,
                "label": feature.label,
                "path": list(feature.path),
                "role": feature.role,
                "unit": feature.unit or None,
            }
            for feature in study.features
        ],
        "arms": [
            {"key": arm.key, "name": arm.name, "description": arm.description, "weight": arm.weight}
            for arm in study.arms
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _file(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "csv": f"{table.name}.csv",
        "json_lines": f"{table.name}.jsonl",
        "about": table.about,
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "unit": column.unit or None,
                "meaning": column.meaning,
                "allowed": list(column.allowed) or None,
                "label": column.label or None,
            }
            for column in table.columns
        ],
        "json_schema": json_schema(table.columns),
    }


def _version(study: Study, question: Question, *, always: bool = False) -> tuple[str | None, int | None]:
    """Questionnaire and version; not named where they would tell the arm (`always`: they never do)."""
    if not (always or study.visible.questionnaire_version):
        return None, None
    return question.version.questionnaire.name, question.version.number


def _question(study: Study, question: Question, *, always: bool = False) -> dict[str, Any]:
    name, number = _version(study, question, always=always)
    numeric = question.type in NUMERIC
    return {
        "questionnaire": name,
        "version": number,
        "type": question.type,
        "text": question.text,
        "help": question.help,
        "required": question.required,
        "options": list(question.options) or None,
        "minimum": str(question.minimum) if numeric and question.minimum is not None else None,
        "maximum": str(question.maximum) if numeric and question.maximum is not None else None,
        "decimals": question.decimals,
        "unit": question.unit or None,
        "low_label": question.low_label or None,
        "high_label": question.high_label or None,
        "scoring": question.scoring,
        "tolerance": None if question.tolerance is None else str(question.tolerance),
    }
