"""A made-up AugMed database: its tables as rows, to be written as CSV files or as tables of PostgreSQL."""

from __future__ import annotations

import csv
import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from augmed.published.tests.augmed_study import PAGE_CONFIG, QUESTIONS

PASSWORD, SALT = "Old-passw0rd!", "q80qRmRtWgGHg4zKlzJ9Xw=="
CHECK = "Attention Check – please read carefully and select 'All of the above' below"
RISK, ORDERS, YEARS, MORE = (question["title"] for question in QUESTIONS)
PATHS = [
    {"path": "BACKGROUND.Family History.Cancer: Yes", "style": {"collapse": False, "highlight": True}},
    {"path": "BACKGROUND.Medical History.Asthma: Yes", "style": {"top": 1.0}},
]
ANSWER = {RISK: "High", ORDERS: ["FIT", "Colonoscopy"], YEARS: "5"}

# The types that matter here, as AugMed declares them: json keeps its order, and times have no zone but for analytics.
_TYPES = {
    "path_config": "json",
    "json_config": "json",
    "config": "json",
    "answer": "json",
    "display_configuration": "json",
    "arms": "json",
    "case_pool": "json",
    "run_params": "json",
    "active": "boolean",
    "admin_flag": "boolean",
    "ai_score_shown": "boolean",
    "created_timestamp": "timestamp",
    "created_at": "timestamp",
    "case_open_time": "timestamptz",
    "answer_open_time": "timestamptz",
    "answer_submit_time": "timestamptz",
    "case_id": "integer",
}


def augmed_hash(password: str = PASSWORD) -> str:
    made = hashlib.scrypt(password.encode(), salt=b64encode(SALT.encode()), n=2**14, r=8, p=1, maxmem=2**26, dklen=128)
    return b64encode(made).decode()


@dataclass
class Dump:
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **cells: Any) -> dict[str, Any]:
        rows = self.tables.setdefault(table, [])
        row = {"id": len(rows) + 1, **cells}
        rows.append(row)
        return row

    def page_config(self, config: Any = PAGE_CONFIG) -> None:
        self.add("system_config", id="page_config", json_config=config)

    def user(self, email: str, *, password: str | None = PASSWORD, **cells: Any) -> dict[str, Any]:
        given = {
            "name": email.split("@")[0],
            "email": email,
            "password": augmed_hash(password) if password else None,
            "salt": SALT if password else None,
            "admin_flag": False,
            "position": "GP",
            "employer": "",
            "area_of_clinical_ex": "general",
            "active": password is not None,
            "created_timestamp": "2024-01-02 03:04:05.6",
        }
        return self.add("user", **{**given, **cells})

    def questions(self, key: str = "c-1", config: Any = QUESTIONS, at: str = "2024-01-03 00:00:00") -> None:
        self.add("answer_config", id=key, config=config, created_timestamp=at)

    def task(self, key: str, email: str, case: int, paths: Any = PATHS, **cells: Any) -> None:
        given = {"experiment_id": None, "rl_run_id": None, "arm": None}
        self.add("display_config", id=key, user_email=email, case_id=case, path_config=paths, **{**given, **cells})

    def answer(self, task: str, email: str, case: int, answer: Any = ANSWER, **cells: Any) -> None:
        given = {
            "display_configuration": PATHS,
            "answer_config_id": "c-1",
            "ai_score_shown": True,
            "created_timestamp": "2024-02-03 10:05:00.25",
        }
        self.add("answer", task_id=task, case_id=case, user_email=email, answer=answer, **{**given, **cells})

    def times(self, task: str, email: str, case: int, opened: str = "10:00:00") -> None:
        self.add(
            "analytics",
            user_email=email,
            case_config_id=task,
            case_id=case,
            case_open_time=f"2024-02-03 {opened}+00",
            answer_open_time="2024-02-03 10:02:00.5+00",
            answer_submit_time="2024-02-03 10:04:59.123+00",
            to_answer_open_secs=120.5,
            to_submit_secs=178.6,
            total_duration_secs=299.1,
            created_timestamp="2024-02-03 10:05:01",
        )

    def answered(self, task: str, email: str, case: int, **cells: Any) -> None:
        self.task(task, email, case)
        self.answer(task, email, case, **cells)
        self.times(task, email, case)

    def to_folder(self, folder: Path) -> str:
        folder.mkdir(exist_ok=True)
        for table, rows in self.tables.items():
            with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows({name: _cell(name, value) for name, value in row.items()} for row in rows)
        return str(folder)

    def to_database(self, connection: psycopg.Connection[Any], schema: str) -> None:
        for table, rows in self.tables.items():
            name = sql.Identifier(schema, table)
            columns = [sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(_TYPES.get(c, "text"))) for c in rows[0]]
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(columns)))
            marks = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
            for row in rows:
                cells = [None if value is None else _cell(column, value) for column, value in row.items()]
                connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(name, marks), cells)


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if _TYPES.get(column) == "json" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def small_study() -> Dump:
    """Two readers, two answered tasks and two that wait."""
    dump = Dump()
    dump.page_config()
    dump.user("Ada@example.org")
    dump.user("ben@example.org", password=None)
    dump.questions()
    dump.answered("t-1", "Ada@example.org", 1)
    dump.answered("t-2", "Ada@example.org", 2, created_timestamp="2024-02-04 09:00:00", ai_score_shown=False)
    dump.task("t-3", "Ada@example.org", 3)
    dump.task("t-4", "ben@example.org", 1, arm="with score", experiment_id="exp-0123456789ab", rl_run_id=4)
    dump.add(
        "experiment",
        experiment_id="exp-0123456789ab",
        name="Scores",
        description="",
        status="active",
        arms=[{"name": "with score"}],
        case_pool=[{"user_email": "ben@example.org", "case_id": 1}],
        created_at="2024-01-01 00:00:00",
    )
    dump.add("rl_run", experiment_id="exp-0123456789ab", status="pending", triggered_by="cli", run_params={"a": 0.5})
    return dump
