"""Keys and references of staged rows, set by set: one question to the database for a whole column.

A row that fails is marked in the staging table; its errors are listed by file and line while there is room.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omop.imports.backends import FILE, LINE, REJECTED, Backend, execute, query, quoted, staging
from omop.imports.report import LISTED, ImportReport
from omop.imports.schema import NATURAL_KEYS, ColumnSchema, TableSchema, is_vocabulary

_ROW = f"s.{quoted(FILE)}, s.{quoted(LINE)}"


class Checker:
    """Checks what was staged. `file_names` are the names behind the file numbers."""

    def __init__(self, backend: Backend, report: ImportReport, file_names: Mapping[int, str]) -> None:
        self._backend = backend
        self._report = report
        self._file_names = file_names

    def check(self, schema: TableSchema) -> None:
        """All checks of one table."""
        self._duplicates(schema)
        if _exists(schema):
            self._conflicts(schema)
        for column in schema.columns.values():
            if column.reference is not None:
                self._reference(schema, column)
        if schema.name == "death":
            self._several_deaths(schema)
        if {"person_id", "visit_occurrence_id"} <= schema.columns.keys() and schema.name != "visit_occurrence":
            self._visits_of_others(schema)

    def count(self, schema: TableSchema, unstaged: int) -> None:
        """The counts that are only known when every check has marked its rows."""
        counts = self._report.tables[schema.name]
        counts.rejected = self._count(schema, f"s.{quoted(REJECTED)} = 1") + unstaged
        if _exists(schema):
            counts.unchanged = self._count(schema, f"{_fine()} AND EXISTS ({self._twin(schema)})")
        counts.new = counts.read - counts.rejected - counts.unchanged

    # --- keys

    def _duplicates(self, schema: TableSchema) -> None:
        key = ", ".join(quoted(name) for name in schema.key)
        filled = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in schema.key if _required(schema, name))
        table = quoted(staging(schema.name))
        grouped = f"FROM {table} WHERE {filled} GROUP BY {key} HAVING count(*) > 1"
        if not query(f"SELECT 1 {grouped} LIMIT 1"):
            return
        window = f"(PARTITION BY {key} ORDER BY {quoted(FILE)}, {quoted(LINE)})"
        later = (
            f"SELECT {quoted(FILE)}, {quoted(LINE)}, {key}, row_number() OVER {window} AS _n,"
            f" first_value({quoted(FILE)}) OVER {window} AS _first_file,"
            f" first_value({quoted(LINE)}) OVER {window} AS _first_line FROM {table} WHERE {filled}"
        )
        place = f"{quoted(FILE)}, {quoted(LINE)}"
        total = execute(
            f"UPDATE {table} SET {quoted(REJECTED)} = 1"
            f" WHERE ({place}) IN (SELECT {place} FROM ({later}) w WHERE _n > 1)"
        )
        rows = query(
            f"SELECT {quoted(FILE)}, {quoted(LINE)}, _first_file, _first_line, {key} FROM ({later}) w"
            f" WHERE _n > 1 ORDER BY 1, 2 LIMIT %s",
            [self._report.room],
        )
        code = "natural_key_unique" if schema.name in NATURAL_KEYS else "primary_key_unique"
        for file, line, first_file, first_line, *values in rows:
            reason = f"the same key is in {self._file_names[first_file]}, line {first_line}"
            self._row_error(code, schema, file, line, values, reason)
        self._uncounted(code, schema, ", ".join(schema.key), total - len(rows))

    def _conflicts(self, schema: TableSchema) -> None:
        others = [name for name in schema.columns if name not in schema.key]
        if not others:
            return
        where = f"{_fine()} AND EXISTS ({self._same_key(schema)}) AND NOT EXISTS ({self._twin(schema)})"
        differing = " || ".join(
            f"CASE WHEN t.{quoted(name)} {self._backend.same} s.{quoted(name)} THEN '' ELSE ' {name}' END"
            for name in others
        )
        key = ", ".join(f"s.{quoted(name)}" for name in schema.key)
        rows = query(
            f"SELECT {_ROW}, {differing}, {key} FROM {quoted(staging(schema.name))} s"
            f" JOIN {quoted(schema.name)} t ON {self._on_key(schema)} WHERE {where} ORDER BY 1, 2 LIMIT %s",
            [max(1, self._report.room)],
        )
        if not rows:
            return
        total = self._reject(schema, where)
        for file, line, names, *values in rows:
            reason = f"is already there with different content in {', '.join(names.split())}"
            self._row_error("key_conflict", schema, file, line, values, reason)
        self._uncounted("key_conflict", schema, ", ".join(schema.key), total - len(rows))

    def _row_error(
        self, code: str, schema: TableSchema, file: int, line: int, values: Sequence[Any], reason: str
    ) -> None:
        shown = ", ".join("" if value is None else str(value) for value in values)
        self._report.found(
            code,
            schema.name,
            reason,
            file=self._file_names[file],
            line=line,
            column=", ".join(schema.key),
            value=shown,
        )

    def _uncounted(self, code: str, schema: TableSchema, column: str, rows: int) -> None:
        """Rows that are wrong, but for which there was no room in the list."""
        self._report.check(code, schema.name, column).count += max(0, rows)
        self._report.error_count += max(0, rows)

    def _on_key(self, schema: TableSchema) -> str:
        return " AND ".join(
            f"t.{quoted(name)} {'=' if _required(schema, name) else self._backend.same} s.{quoted(name)}"
            for name in schema.key
        )

    def _same_key(self, schema: TableSchema) -> str:
        return f"SELECT 1 FROM {quoted(schema.name)} t WHERE {self._on_key(schema)}"

    def _twin(self, schema: TableSchema) -> str:
        others = [name for name in schema.columns if name not in schema.key]
        same = "".join(f" AND t.{quoted(name)} {self._backend.same} s.{quoted(name)}" for name in others)
        return self._same_key(schema) + same

    def _several_deaths(self, schema: TableSchema) -> None:
        key = ", ".join(quoted(name) for name in schema.key)
        rows = query(
            f"SELECT count(*), coalesce(sum(n), 0) FROM (SELECT person_id, count(*) AS n FROM"
            f" (SELECT {key} FROM {quoted(staging(schema.name))} UNION SELECT {key} FROM {quoted(schema.name)}) u"
            f" GROUP BY person_id HAVING count(*) > 1) d"
        )
        persons, count = rows[0]
        if persons:
            reason = f"{persons} persons have more than one death"
            self._report.found("death_single", schema.name, reason, column="person_id", rows=int(count))

    def _visits_of_others(self, schema: TableSchema) -> None:
        visits = [quoted("visit_occurrence")]
        if "visit_occurrence" in self._backend.tables:
            visits.append(quoted(staging("visit_occurrence")))
        rows = 0
        for table in visits:
            rows += self._count(
                schema,
                f"EXISTS (SELECT 1 FROM {table} v WHERE v.visit_occurrence_id = s.visit_occurrence_id"
                " AND v.person_id <> s.person_id)",
            )
        if rows:
            reason = "the visit is another person's"
            self._report.found("visit_same_person", schema.name, reason, column="visit_occurrence_id", rows=rows)

    # --- references

    def _reference(self, schema: TableSchema, column: ColumnSchema) -> None:
        reference = column.reference
        assert reference is not None
        name = quoted(column.name)
        places = [quoted(reference.table)]
        if reference.table in self._backend.tables:
            places.append(quoted(staging(reference.table)))
        missing = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {place} r WHERE r.{quoted(reference.column)} = v.{name})" for place in places
        )
        values = (
            f"SELECT v.{name}, v.n FROM (SELECT {name}, count(*) AS n FROM {quoted(staging(schema.name))}"
            f" WHERE {name} IS NOT NULL GROUP BY {name}) v WHERE {missing}"
        )
        found = query(f"{values} ORDER BY 2 DESC, 1 LIMIT %s", [LISTED + 1])
        if not found:
            return
        if is_vocabulary(reference.table):
            self._unknown_vocabulary(schema, column, found, values)
            return
        where = f"s.{name} IN (SELECT m.{name} FROM ({values}) m)"
        rows = query(
            f"SELECT {_ROW}, s.{name} FROM {quoted(staging(schema.name))} s WHERE {where} ORDER BY 1, 2 LIMIT %s",
            [self._report.room],
        )
        code = "person_exists" if reference.table == "person" else "reference_exists"
        for file, line, value in rows:
            self._report.found(
                code,
                schema.name,
                f"no row of {reference.table} has this {reference.column}",
                file=self._file_names[file],
                line=line,
                column=column.name,
                value=value,
            )
        self._uncounted(code, schema, column.name, self._reject(schema, where) - len(rows))

    def _unknown_vocabulary(
        self, schema: TableSchema, column: ColumnSchema, found: Sequence[tuple[Any, int]], values: str
    ) -> None:
        assert column.reference is not None
        for value, count in found[:LISTED]:
            code = "concept_exists" if column.reference.table == "concept" else "vocabulary_exists"
            reason = f"not in {column.reference.table}"
            self._report.found(code, schema.name, reason, column=column.name, value=value, rows=count)

    # --- marks and counts

    def _reject(self, schema: TableSchema, where: str) -> int:
        table = quoted(staging(schema.name))
        return execute(
            f"UPDATE {table} SET {quoted(REJECTED)} = 1 WHERE ({quoted(FILE)}, {quoted(LINE)}) IN"
            f" (SELECT {_ROW} FROM {table} s WHERE {where})"
        )

    def _count(self, schema: TableSchema, where: str) -> int:
        return int(query(f"SELECT count(*) FROM {quoted(staging(schema.name))} s WHERE {where}")[0][0])


def load(schema: TableSchema, backend: Backend) -> int:
    """Insert the staged rows whose key is not there yet; the number inserted."""
    names = ", ".join(map(quoted, schema.columns))
    source = ", ".join(f"s.{quoted(name)}" for name in schema.columns)
    on_key = " AND ".join(
        f"t.{quoted(name)} {'=' if _required(schema, name) else backend.same} s.{quoted(name)}" for name in schema.key
    )
    table = quoted(schema.name)
    return execute(
        f"INSERT INTO {table} ({names}) SELECT {source} FROM {quoted(staging(schema.name))} s"
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {on_key})"
    )


def _exists(schema: TableSchema) -> bool:
    """Whether the table has any row: a first load need not be compared with anything."""
    return bool(query(f"SELECT 1 FROM {quoted(schema.name)} LIMIT 1"))


def _fine() -> str:
    return f"s.{quoted(REJECTED)} = 0"


def _required(schema: TableSchema, name: str) -> bool:
    return schema.columns[name].required


def staged_tables(tables: Iterable[str], schemas: Mapping[str, TableSchema]) -> list[TableSchema]:
    """Schemas of the given tables in the order of loading."""
    wanted = set(tables)
    return [schema for name, schema in schemas.items() if name in wanted]
