"""Keys: the same one twice in a run, or there already with other content. Both places are named."""

from collections.abc import Sequence

from omop.imports.backends import FILE, LINE, query, quoted, staging
from omop.imports.gate.recording import Recorder
from omop.imports.gate.rows import RowCheck
from omop.imports.gate.scope import LEFT_OUT, Scope, key_of, stream
from omop.imports.options import Duplicates, Mode
from omop.imports.report import CheckResult
from omop.imports.schema import NATURAL_KEYS, OWNED, TableSchema

_DUPLICATES = "omop_gate_duplicates"
_TOLD_COLUMNS = 3  # columns that are named of a row with other content


def unique_code(schema: TableSchema) -> str:
    """The check that asks whether the table's key is there once."""
    return "natural_key_unique" if schema.name in NATURAL_KEYS else "primary_key_unique"


def key_column(schema: TableSchema) -> str | None:
    """The column by which results about the key are kept; none where the key has several."""
    return schema.key[0] if len(schema.key) == 1 else None


def filled_key(schema: TableSchema, alias: str) -> str:
    """Whether a row's key can be compared: a cell that could not be read has left none."""
    required = [f"{alias}.{quoted(name)} IS NOT NULL" for name in schema.key if schema.columns[name].required]
    return " AND ".join(required) or "TRUE"


def on_key(schema: TableSchema, scope: Scope, one: str, other: str) -> str:
    """Whether two rows have the same key; what may be empty is the same when both are."""
    return " AND ".join(
        f"{one}.{quoted(name)} {'=' if schema.columns[name].required else scope.flavour.same} {other}.{quoted(name)}"
        for name in schema.key
    )


def same_content(schema: TableSchema, scope: Scope, one: str, other: str) -> str:
    """Whether two rows of the same key have the same content."""
    same = scope.flavour.same
    others = [quoted(name) for name in schema.columns if name not in schema.key]
    return " AND ".join(f"{one}.{name} {same} {other}.{name}" for name in others) or "TRUE"


def check_duplicates(scope: Scope, schema: TableSchema, record: Recorder, *, increasing: bool) -> bool:
    """Rows whose key came before: rejected, or left out as the options say. Whether there are any.

    The first row in the order of files and lines is the one kept, whatever the other checks find wrong with it: which
    row loads must not hang on them. But a row with a cell that could not be read does not load, and where the others
    would be left out for it nothing would: there the first row that could be read is kept, and the others are but
    rejected. `increasing` says that the keys are known to be in strictly increasing order.
    """
    record.result(unique_code(schema), schema.name, key_column(schema))
    key = ", ".join(f"s.{quoted(name)}" for name in schema.key)
    grouped = f"FROM {scope.rows(schema.name)} s WHERE {filled_key(schema, 's')} GROUP BY {key} HAVING count(*) > 1"
    if increasing or not query(f"SELECT 1 {grouped} LIMIT 1"):
        return False
    choice = record.report.options.duplicates
    _find_duplicates(scope, schema, grouped, "TRUE" if choice is Duplicates.REFUSE else scope.kept(schema.name))
    same = "n.same" if choice is Duplicates.IDENTICAL else "1"
    if choice is Duplicates.REFUSE:
        same = "0"
    _reject(scope, schema, record, f"{same} = 0", differing=choice is Duplicates.IDENTICAL)
    if choice is not Duplicates.REFUSE:
        _leave_out(scope, schema, record, f"{same} = 1")
    scope.drop(_DUPLICATES)
    return True


def _find_duplicates(scope: Scope, schema: TableSchema, grouped: str, among: str) -> None:
    """A temporary table of the later rows, each with the place of the first and whether it has the same content.

    `among` is the condition on rows that are compared at all.
    """
    rows, file, line = quoted(staging(schema.name)), quoted(FILE), quoted(LINE)
    key = ", ".join(f"s.{quoted(name)}" for name in schema.key)
    window = f"(PARTITION BY {key} ORDER BY s.{file}, s.{line})"
    several = f" AND {key} IN (SELECT {key} {grouped})" if len(schema.key) == 1 else ""
    numbered = (
        f"SELECT s.{file}, s.{line}, row_number() OVER {window} AS n, first_value(s.{file}) OVER {window} AS file_1,"
        f" first_value(s.{line}) OVER {window} AS line_1 FROM {rows} s"
        f" WHERE {among} AND {filled_key(schema, 's')}{several}"
    )
    scope.create(
        _DUPLICATES,
        f"SELECT d.{file}, d.{line}, d.file_1, d.line_1,"
        f" CASE WHEN {same_content(schema, scope, 'l', 'f')} THEN 1 ELSE 0 END AS same FROM ({numbered}) d"
        f" JOIN {rows} l ON l.{file} = d.{file} AND l.{line} = d.{line}"
        f" JOIN {rows} f ON f.{file} = d.file_1 AND f.{line} = d.line_1 WHERE d.n > 1",
    )


def _later(scope: Scope, schema: TableSchema, where: str) -> str:
    file, line = quoted(FILE), quoted(LINE)
    return (
        f"FROM {quoted(_DUPLICATES)} n JOIN {scope.rows(schema.name)} s ON s.{file} = n.{file} AND s.{line} = n.{line}"
        f" WHERE {where}"
    )


def _tell(scope: Scope, schema: TableSchema, record: Recorder, code: str, where: str, more: str) -> int:
    """Tell of later rows; how many there are."""
    place = ", ".join(scope.place(schema.name))
    key = ", ".join(f"s.{quoted(name)}" for name in schema.key)
    source = _later(scope, schema, where)
    result, names = record.result(code, schema.name, key_column(schema)), ", ".join(schema.key)
    total = int(query(f"SELECT count(*) {source}")[0][0])
    told = 0
    for file, line, first_file, first_line, *values in stream(
        f"SELECT {place}, n.file_1, n.line_1, {key} {source} ORDER BY 1, 2{record.limit(result, scope)}"
    ):
        first = record.place_in_words((first_file, first_line), schema.name, scope)
        record.row(result, (file, line), values, f"the same key is in {first}{more}", scope, names)
        told += 1
    record.uncounted(result, total - told)
    return total


def _reject(scope: Scope, schema: TableSchema, record: Recorder, where: str, *, differing: bool) -> None:
    more = ", with other content" if differing else ""
    if _tell(scope, schema, record, unique_code(schema), where, more):
        scope.mark(schema.name, f"SELECT {', '.join(scope.place(schema.name))} {_later(scope, schema, where)}")


def _leave_out(scope: Scope, schema: TableSchema, record: Recorder, where: str) -> None:
    """Not an error, as the user chose it; but no row is left out without being told of."""
    if _tell(scope, schema, record, "duplicate_left_out", where, "; left out"):
        places = f"SELECT {', '.join(scope.place(schema.name))} {_later(scope, schema, where)}"
        scope.mark(schema.name, places, LEFT_OUT)


def key_question(schema: TableSchema) -> RowCheck:
    """How many rows have a key, to be counted with the other questions of the table."""
    return RowCheck(unique_code(schema), key_column(schema), filled_key(schema, "s"), "FALSE", "")


def check_conflicts(scope: Scope, schema: TableSchema, record: Recorder, mode: Mode) -> None:
    """Rows whose key is in the database already, with other content: never an overwrite unless that was chosen.

    An update may change all but whose row it is. In the mode replace-person only rows of other persons are there.
    """
    others = [name for name in schema.columns if name not in schema.key]
    if mode is Mode.UPSERT:
        others = [name for name in others if name == "person_id"]
    if not others:
        return
    result = record.result("key_conflict", schema.name, key_column(schema))
    if not scope.filled(schema.name) or not _may_meet(scope, schema):
        return
    differs = " OR ".join(f"NOT (t.{quoted(name)} {scope.flavour.same} s.{quoted(name)})" for name in others)
    source = (
        f"FROM {scope.rows(schema.name)} s JOIN {quoted(schema.name)} t ON {on_key(schema, scope, 's', 't')}"
        f" WHERE {scope.kept(schema.name)} AND {scope.stays(schema, 't')}"
    )
    asked, wrong = query(f"SELECT count(*), count(*) FILTER (WHERE {differs}) {source}")[0]
    result.checked += asked
    if wrong:
        _tell_conflicts(scope, schema, record, result, f"{source} AND ({differs})", others, wrong)


def check_not_replaced(scope: Scope, schema: TableSchema, record: Recorder) -> int:
    """Conflicts in the mode replace-person with rows that were to be replaced, but whose person was rejected since.

    Rows of the rejected person itself are no conflict: they are rejected with it. The number of conflicts.
    """
    if not scope.filled(schema.name):
        return 0
    if schema.name in OWNED:
        owner, join = "o", f" JOIN {quoted(OWNED[schema.name].table)} o ON {_refers(schema, 't', 'o')}"
        moves = _leaves_owner(schema, scope)
    elif "person_id" in schema.columns and "person_id" not in schema.key:
        owner, join, moves = "t", "", "t.person_id <> s.person_id"
    else:
        return 0
    persons = quoted(staging("person"))
    source = (
        f"FROM {scope.rows(schema.name)} s JOIN {quoted(schema.name)} t ON {on_key(schema, scope, 's', 't')}{join}"
        f" WHERE {scope.kept(schema.name)} AND {moves} AND {scope.stays(schema, 't')}"
        f" AND EXISTS (SELECT 1 FROM {persons} p WHERE p.person_id = {owner}.person_id)"
    )
    wrong = int(query(f"SELECT count(*) {source}")[0][0])
    if wrong:
        result = record.result("key_conflict", schema.name, key_column(schema), wrong)
        others = [name for name in schema.columns if name not in schema.key]
        _tell_conflicts(scope, schema, record, result, source, others, wrong)
    return wrong


def _leaves_owner(schema: TableSchema, scope: Scope) -> str:
    """Whether `s` differs from `t`, and the row of the run that it refers to, if any, is not of the person of `o`."""
    differs = f"NOT ({same_content(schema, scope, 's', 't')})"
    table = OWNED[schema.name].table
    if table not in scope.staged:
        return differs
    own = f"{_refers(schema, 's', 'n')} AND n.person_id = o.person_id"
    return f"{differs} AND NOT EXISTS (SELECT 1 FROM {quoted(staging(table))} n WHERE {own})"


def _refers(schema: TableSchema, row: str, owner: str) -> str:
    column = quoted(OWNED[schema.name].column)
    return f"{row}.{column} = {owner}.{column}"


def _some(names: Sequence[str]) -> str:
    """The first three columns and how many more: a row of another export may differ in all of them."""
    more = len(names) - _TOLD_COLUMNS
    return ", ".join(names[:_TOLD_COLUMNS]) + (f" and {more} more" if more > 0 else "")


def _tell_conflicts(
    scope: Scope,
    schema: TableSchema,
    record: Recorder,
    result: CheckResult,
    source: str,
    others: Sequence[str],
    wrong: int,
) -> None:
    """Tell of the rows of `source`, each with the columns in which it differs, and mark them."""
    same = scope.flavour.same
    differing = " || ".join(
        f"CASE WHEN t.{quoted(name)} {same} s.{quoted(name)} THEN '' ELSE ' {name}' END" for name in others
    )
    place = ", ".join(scope.place(schema.name))
    key = ", ".join(f"s.{quoted(name)}" for name in schema.key)
    told = 0
    limit = record.limit(result, scope)
    for file, line, names, *values in stream(f"SELECT {place}, {differing}, {key} {source} ORDER BY 1, 2{limit}"):
        reason = f"is already there with different content in {_some(names.split())}"
        record.row(result, (file, line), values, reason, scope, ", ".join(schema.key))
        told += 1
    record.uncounted(result, wrong - told)
    scope.mark(schema.name, f"SELECT {place} {source}")


def _may_meet(scope: Scope, schema: TableSchema) -> bool:
    """Whether the live table has any key between the least and the greatest of the run: new ids are above, as a rule.

    Spares a join with the whole table, by its index.
    """
    if len(schema.key) > 1:
        return True
    key = quoted(schema.key[0])
    low, high = query(f"SELECT min({key}), max({key}) FROM {scope.rows(schema.name)}")[0]
    sql = f"SELECT 1 FROM {quoted(schema.name)} WHERE {key} BETWEEN %s AND %s LIMIT 1"
    return low is not None and bool(query(sql, [low, high]))


def check_live_duplicates(scope: Scope, schema: TableSchema, record: Recorder) -> None:
    """Rows of a live table whose natural key a row before them has; a primary key the database itself keeps unique."""
    result = record.result(unique_code(schema), schema.name, key_column(schema))
    names = ", ".join(quoted(name) for name in schema.key)
    repeated = f"SELECT 1 FROM {quoted(schema.name)} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
    if schema.name not in NATURAL_KEYS or not query(repeated):  # a hash, where numbering all rows would sort them
        return
    wrong = query(f"SELECT count(*) FROM {quoted(schema.name)} s WHERE {has_earlier_twin(schema)}")[0][0]
    place = key_of(schema)
    for row in stream(
        f"SELECT s.{quoted(place)}, {', '.join(f's.{quoted(name)}' for name in schema.key)}"
        f" FROM {quoted(schema.name)} s WHERE {has_earlier_twin(schema)} ORDER BY 1{record.limit(result, scope)}"
    ):
        record.row(result, row[:1], row[1:], "a row before it has the same key", scope, ", ".join(schema.key))
        wrong -= 1
    record.uncounted(result, wrong)


def has_earlier_twin(schema: TableSchema) -> str:
    """Whether a live row of a table without key has the natural key of a row before it."""
    key, rows = quoted(key_of(schema)), quoted(schema.name)
    names = ", ".join(quoted(name) for name in schema.key)
    numbered = f"SELECT {key} AS id, row_number() OVER (PARTITION BY {names} ORDER BY {key}) AS n FROM {rows}"
    return f"s.{key} IN (SELECT id FROM ({numbered}) twins WHERE n > 1)"
