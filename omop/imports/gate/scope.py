"""What is asked, and where its parents are: the staged rows of a run, or the live tables themselves.

SQL of the gate speaks of the row asked as `s`, and of what a column refers to by two more names: the row of the run
and the live row. Nothing that a user wrote goes into SQL but through dates and whole numbers.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from omop.imports.backends import FILE, LINE, REJECTED, execute, query, quoted, staging
from omop.imports.gate.definitions import AFTER_DEATH_DAYS, PERSON, VISIT, VISIT_DETAIL, WITHIN_DAYS
from omop.imports.options import Mode
from omop.imports.schema import OWNED, TableSchema, schemas

REJECTED_ROW, LEFT_OUT = 1, 2  # marks of staged rows; 0 is a row that loads
_BATCH = 2_000


class Flavour:
    """Dates in the SQL of the database in use."""

    def __init__(self) -> None:
        self._postgresql = connection.vendor == "postgresql"
        self.same = "IS NOT DISTINCT FROM" if self._postgresql else "IS"

    def day_of(self, moment: str) -> str:
        """The day of a time."""
        return f"{moment}::date" if self._postgresql else f"substr({moment}, 1, 10)"

    def plus(self, day: str, days: int) -> str:
        """A day so many days later, or earlier."""
        if self._postgresql:
            return f"({day} + ({days}))"
        # SQLite's calendar ends with 9999, the year of ends that are open: what has no day behind it serves itself.
        return f"coalesce(date({day}, '{days} days'), {day})"

    def literal(self, day: date) -> str:
        return f"DATE '{day.isoformat()}'" if self._postgresql else f"'{day.isoformat()}'"

    def midnight(self, moment: str) -> str:
        """Whether a time is 00:00, which in OMOP means that only the day is known."""
        return f"({moment} = {moment}::date)" if self._postgresql else f"(substr({moment}, 12) = '00:00:00')"

    def by_bytes(self, text: str) -> str:
        """A text as an order that is the same on both databases."""
        return f'{text} COLLATE "C"' if self._postgresql else text

    def birth(self) -> str:
        """The day of birth of a row of person: birth_datetime, else year, month and day with 1 for what is missing.

        A day that the month does not have is its last one; a year that no calendar has gives none.
        """
        month = "CASE WHEN month_of_birth BETWEEN 1 AND 12 THEN month_of_birth ELSE 1 END"
        days = "(CASE WHEN day_of_birth BETWEEN 1 AND 31 THEN day_of_birth ELSE 1 END - 1)"
        if self._postgresql:
            first = f"make_date(year_of_birth, {month}, 1)"
            known = f"LEAST({first} + {days}, ({first} + interval '1 month' - interval '1 day')::date)"
        else:
            first = f"printf('%%04d-%%02d-01', year_of_birth, {month})"
            known = f"min(date({first}, {days} || ' days'), date({first}, '1 month', '-1 days'))"
        return (
            f"CASE WHEN birth_datetime IS NOT NULL THEN {self.day_of('birth_datetime')}"
            f" WHEN year_of_birth BETWEEN 1 AND 9998 THEN {known} END"
        )


class Scope:
    """Rows asked and their parents. `staged` are the run's tables; without any, the live tables are asked.

    `kept_parents` says that only what would be loaded counts as there (staged rows that are not rejected, else live
    ones); without it every staged row does, so that nobody is blamed for another row's fault.
    """

    def __init__(
        self,
        staged: Collection[str] = (),
        *,
        mode: Mode = Mode.INSERT,
        duplicated: Collection[str] = (),
        kept_parents: bool = False,
    ) -> None:
        self.staged = frozenset(staged)
        self.live = not self.staged
        self.flavour = Flavour()
        self._mode = mode
        self._duplicated = duplicated
        self._kept_parents = kept_parents
        self._made: set[str] = set()
        self._filled: dict[str, bool] = {}
        self._marked: dict[str, bool] = {}

    def rows(self, table: str) -> str:
        """The table that holds the rows asked."""
        return quoted(table) if self.live else quoted(staging(table))

    def kept(self, table: str) -> str:
        """Of the rows asked: those that would load."""
        return "TRUE" if self.clean(table) else f"s.{quoted(REJECTED)} = 0"

    def asked(self, table: str) -> str:
        """Of the rows asked: all but duplicates that are left out."""
        return "TRUE" if self.clean(table) else f"s.{quoted(REJECTED)} <> {LEFT_OUT}"

    def clean(self, table: str) -> bool:
        """Whether no row is marked, so that nothing need look."""
        if self.live:
            return True
        if table not in self._marked:
            self._marked[table] = bool(query(f"SELECT 1 FROM {self.rows(table)} WHERE {quoted(REJECTED)} <> 0 LIMIT 1"))
        return not self._marked[table]

    def mark(self, table: str, places: str, mark: int = REJECTED_ROW) -> int:
        """Mark the rows whose file and line a query gives; the number of rows that were not marked before."""
        place = f"{quoted(FILE)}, {quoted(LINE)}"
        self._marked.pop(table, None)
        return run(
            f"UPDATE {self.rows(table)} SET {quoted(REJECTED)} = {mark}"
            f" WHERE {quoted(REJECTED)} = 0 AND ({place}) IN ({places})"
        )

    def place(self, table: str) -> Sequence[str]:
        """What tells people which row it is: file and line, or the key."""
        if self.live:
            return [f"s.{quoted(key_of(schemas()[table]))}"]
        return [f"s.{quoted(FILE)}", f"s.{quoted(LINE)}"]

    # --- parents

    def joins(self, parents: Mapping[str, tuple[str, str]]) -> str:
        """LEFT JOINs for parents by alias: (table, column of s that refers to it). `death` is by person."""
        return "".join(
            f" LEFT JOIN {source} ON {name}.id = s.{quoted(column)}"
            for alias, (table, column) in parents.items()
            for name, source in self._sources(alias, table)
        )

    def value(self, alias: str, table: str, column: str) -> str:
        """A column of the parent: the run's, else the live one's."""
        found = [f"{name}.{column}" for name, _ in self._sources(alias, table)]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})" if found else "NULL"

    def _sources(self, alias: str, table: str) -> list[tuple[str, str]]:
        if table == "death":
            return [(f"{alias}_d", f"{self._deaths()} {alias}_d")]
        found = []
        if table in self.staged:
            found.append((f"{alias}_s", f"{self._staged_parent(table)} {alias}_s"))
        if self.filled(table) or not found:
            found.append((f"{alias}_l", f"({self.live_parent(table)}) {alias}_l"))
        return found

    def filled(self, table: str) -> bool:
        """Whether the live table has any row."""
        if table not in self._filled:
            self._filled[table] = bool(query(f"SELECT 1 FROM {quoted(table)} LIMIT 1"))
        return self._filled[table]

    def live_parent(self, table: str) -> str:
        """Live rows that stay: in the mode replace-person those of replaced persons do not."""
        schema = schemas()[table]
        return f"SELECT {self._columns(schema)} FROM {quoted(table)} r WHERE {self.stays(schema, 'r', parent=True)}"

    def stays(self, schema: TableSchema, alias: str, *, parent: bool = False) -> str:
        """Whether a live row is still there after the run, for its own sake or as a `parent` of rows of the run."""
        if self._mode is not Mode.REPLACE_PERSON or schema.name not in self.staged:
            return "TRUE"
        if schema.name in OWNED:
            owner = OWNED[schema.name]
            column, others = quoted(owner.column), self._of_others("o", kept=self._kept_parents)
            return f"{alias}.{column} NOT IN (SELECT o.{column} FROM {quoted(owner.table)} o WHERE NOT {others})"
        if "person_id" not in schema.columns:
            return "TRUE"
        # Rows of a person whose own row is rejected are not replaced, but its rows of the run are rejected with it.
        names_person = schema.name == PERSON or (parent and schema.name in {o.table for o in OWNED.values()})
        return self._of_others(alias, kept=self._kept_parents and not names_person)

    def _of_others(self, alias: str, *, kept: bool) -> str:
        """Whether a live row is of a person who is not in the run, or not `kept` there."""
        gone = f"gone.person_id = {alias}.person_id"
        if kept:
            gone += f" AND gone.{quoted(REJECTED)} = 0"
        return f"NOT EXISTS (SELECT 1 FROM {quoted(staging(PERSON))} gone WHERE {gone})"

    def _columns(self, schema: TableSchema) -> str:
        """`id` and what checks ask of a parent."""
        more = {
            PERSON: f", {self.flavour.birth()} AS birth, gender_concept_id AS sex",
            VISIT: f", person_id, {self.flavour.plus('visit_start_date', -WITHIN_DAYS)} AS low,"
            f" {self.flavour.plus('visit_end_date', WITHIN_DAYS)} AS high",
            VISIT_DETAIL: ", person_id",
            "concept": ", domain_id, concept_class_id, standard_concept, invalid_reason",
        }.get(schema.name, "")
        return f"{quoted(schema.key[0])} AS id{more}"

    def _staged_parent(self, table: str) -> str:
        """A small copy of a staged parent with one row a key, made when first asked for."""
        name = f"omop_gate_{table}"
        if name not in self._made:
            schema = schemas()[table]
            key = quoted(schema.key[0])
            rows, where = quoted(staging(table)), f"{key} IS NOT NULL"
            if self._kept_parents:
                where += f" AND {quoted(REJECTED)} = 0"
            if table in self._duplicated:
                order = f"PARTITION BY {key} ORDER BY {quoted(REJECTED)}, {quoted(FILE)}, {quoted(LINE)}"
                rows = f"(SELECT *, row_number() OVER ({order}) AS _n FROM {rows}) first"
                where += " AND _n = 1"
            self.create(name, f"SELECT {self._columns(schema)} FROM {rows} WHERE {where}", index="id")
        return quoted(name)

    def _deaths(self) -> str:
        """The last death of each person, with the day up to which events are plausible."""
        last = self.flavour.plus("max(death_date)", AFTER_DEATH_DAYS)
        places = [f"SELECT person_id, death_date FROM death r WHERE {self.stays(schemas()['death'], 'r')}"]
        if "death" in self.staged:
            kept = f"{quoted(REJECTED)} = 0 AND person_id IS NOT NULL"
            places.append(f"SELECT person_id, death_date FROM {quoted(staging('death'))} WHERE {kept}")
        rows = f"SELECT person_id AS id, {last} AS last FROM ({' UNION ALL '.join(places)}) d GROUP BY person_id"
        if self.live:
            return f"({rows})"
        name = "omop_gate_death"
        if name not in self._made:
            self.create(name, rows, index="id")
        return quoted(name)

    # --- temporary tables

    def create(self, name: str, select: str, *, index: str = "") -> None:
        """Make a temporary table of a query's rows; it lives until `close`."""
        # Also one that a check which was cancelled outside a transaction has left on this connection.
        execute(f"DROP TABLE IF EXISTS {_temporary(name)}")
        run(f"CREATE TEMPORARY TABLE {quoted(name)} AS {select}")
        self._made.add(name)
        if connection.vendor == "postgresql":
            execute(f"ANALYZE pg_temp.{quoted(name)}")
        elif index:
            execute(f"CREATE INDEX temp.{quoted(name + '_key')} ON {quoted(name)} ({index})")

    def drop(self, name: str) -> None:
        """Remove a temporary table that `create` made."""
        if name in self._made:
            execute(f"DROP TABLE {_temporary(name)}")
            self._made.remove(name)

    def close(self) -> None:
        """Remove all temporary tables."""
        for name in sorted(self._made):
            self.drop(name)


def _temporary(name: str) -> str:
    return f"{'pg_temp' if connection.vendor == 'postgresql' else 'temp'}.{quoted(name)}"


def key_of(schema: TableSchema) -> str:
    """The column that tells live rows apart: the key, or the surrogate key of a table without one."""
    return str(schema.model._meta.pk.column)


def run(sql: str) -> int:
    """A statement whose signs of percent are written twice, as with parameters; the number of rows it changed."""
    return execute(sql, [])


def stream(sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, a batch at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, [])
        while rows := cursor.fetchmany(_BATCH):
            yield from rows


def shown(value: Any) -> Any:
    """A value as both databases show it."""
    if isinstance(value, float | Decimal):
        return f"{Decimal(str(value)).normalize():f}"
    return value
