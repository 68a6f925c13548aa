"""Checks of a person's rows together: observation periods apart, one for each person, one death."""

from omop.imports.backends import FILE, LINE, REJECTED, query, quoted, staging
from omop.imports.gate.recording import Recorder
from omop.imports.gate.rows import RowCheck
from omop.imports.gate.scope import Scope, key_of
from omop.imports.schema import TableSchema, schemas

PERIODS = "observation_period"
_PERIODS, _DEATHS = "omop_gate_periods", "omop_gate_deaths"
_START, _END = "observation_period_start_date", "observation_period_end_date"


def check_periods_apart(scope: Scope, record: Recorder, *, again: bool = False) -> int:
    """Observation periods of one person neither overlap nor touch. The number of rows rejected.

    Of two periods in a run the later one is wrong (by start, then by place); beside a live one it is the run's.
    `again` asks once more, as rows were rejected since: the live rows that those would have changed stay as they are.
    """
    schema = schemas()[PERIODS]
    asked = f"s.person_id IS NOT NULL AND s.{_START} IS NOT NULL AND s.{_END} IS NOT NULL"
    if not scope.live:
        _make_periods(scope, schema)
    check = RowCheck("observation_periods_apart", _START, "", periods_meet(scope), PERIODS_MEET)
    if not again:
        where = f"{scope.kept(schema.name)} AND {asked}"
        checked = query(f"SELECT count(*) FROM {scope.rows(schema.name)} s WHERE {where}")[0][0]
        record.result(check.code, schema.name, check.column, checked)
    wrong = query(f"SELECT count(*) FROM {scope.rows(schema.name)} s WHERE {check.wrong}")[0][0]
    rejected = 0
    if wrong:
        record.rows(scope, schema, check, wrong)
        rejected = record.mark(scope, schema, check)
    scope.drop(_PERIODS)
    return rejected


PERIODS_MEET = "the period overlaps or touches another one of the person"


def _make_periods(scope: Scope, schema: TableSchema) -> None:
    """Periods to compare with: `place` orders those of equal start, live ones are before all of the run."""
    day, rows, key = f"person_id, {_START} AS first, {_END} AS last", quoted(staging(schema.name)), schema.key[0]
    select = (
        f"SELECT {day}, {quoted(FILE)} AS file, {quoted(LINE)} AS line FROM {rows} WHERE {quoted(REJECTED)} = 0"
        f" UNION ALL SELECT {day}, -1, 0 FROM {quoted(schema.name)} r WHERE {scope.stays(schema, 'r')}"
        f" AND person_id IN (SELECT person_id FROM {rows})"
        f" AND NOT EXISTS (SELECT 1 FROM {rows} n WHERE n.{key} = r.{key} AND n.{quoted(REJECTED)} = 0)"
    )
    scope.create(_PERIODS, select, index="person_id")


def periods_meet(scope: Scope) -> str:
    """Whether a period meets one before it, or a live one."""
    place = f"0, s.{quoted('observation_period_id')}" if scope.live else f"s.{quoted(FILE)}, s.{quoted(LINE)}"
    source = quoted(_PERIODS)
    if scope.live:
        source = (
            f"(SELECT person_id, {_START} AS first, {_END} AS last, 0 AS file, observation_period_id AS line"
            f" FROM {quoted('observation_period')})"
        )
    return (
        f"{scope.kept('observation_period')} AND EXISTS (SELECT 1 FROM {source} o WHERE o.person_id = s.person_id"
        f" AND o.first <= {scope.flavour.plus(f's.{_END}', 1)} AND s.{_START} <= {scope.flavour.plus('o.last', 1)}"
        f" AND (o.file = -1 OR (o.first, o.file, o.line) < (s.{_START}, {place})))"
    )


def check_periods_exist(scope: Scope, record: Recorder) -> None:
    """Each person that is asked has an observation period, in the run or live."""
    schema = schemas()["person"]
    check = RowCheck("observation_period_exists", "person_id", "", no_period(scope), "has no observation period")
    kept = f"{scope.kept(schema.name)} AND s.person_id IS NOT NULL"
    asked, wrong = query(
        f"SELECT count(*) FILTER (WHERE {kept}), count(*) FILTER (WHERE {kept} AND {check.wrong})"
        f" FROM {scope.rows(schema.name)} s"
    )[0]
    record.result(check.code, schema.name, check.column, asked)
    if wrong:
        record.rows(scope, schema, check, wrong)


def no_period(scope: Scope) -> str:
    """Whether a person has none."""
    periods = schemas()[PERIODS]
    none = [
        f"NOT EXISTS (SELECT 1 FROM {quoted(periods.name)} o WHERE o.person_id = s.person_id"
        f" AND {scope.stays(periods, 'o')})"
    ]
    if periods.name in scope.staged:
        none.append(
            f"NOT EXISTS (SELECT 1 FROM {quoted(staging(periods.name))} n WHERE n.person_id = s.person_id"
            f" AND n.{quoted(REJECTED)} = 0)"
        )
    return f"{scope.kept('person')} AND s.person_id IS NOT NULL AND {' AND '.join(none)}"


def check_single_death(scope: Scope, record: Recorder) -> None:
    """Each person with a death has one. Asked and counted are persons; rows that are the same are one death."""
    schema = schemas()["death"]
    key = ", ".join(quoted(name) for name in schema.key)
    places = [f"SELECT {key} FROM {quoted('death')} r WHERE {scope.stays(schema, 'r')}"]
    persons = ""
    if not scope.live:
        rows = f"{quoted(staging('death'))} WHERE {quoted(REJECTED)} = 0"
        places.append(f"SELECT {key} FROM {rows}")
        persons = f" WHERE person_id IN (SELECT person_id FROM {rows})"
    # Of the live table each row counts, as nobody compares its rows with each other; UNION makes equal rows one.
    union = " UNION " if len(places) > 1 else ""
    scope.create(_DEATHS, f"SELECT person_id, count(*) AS n FROM ({union.join(places)}) d{persons} GROUP BY person_id")
    asked, wrong = query(f"SELECT count(*), count(*) FILTER (WHERE n > 1) FROM {quoted(_DEATHS)}")[0]
    result = record.result("death_single", schema.name, "person_id", asked)
    if wrong:
        found = query(f"SELECT person_id, n FROM {quoted(_DEATHS)} WHERE n > 1 ORDER BY 2 DESC, 1 LIMIT 20")
        record.values(result, [(person, n, "the person has more than one death") for person, n in found], wrong)
    scope.drop(_DEATHS)


def several_deaths(schema: TableSchema) -> str:
    """Whether a live row is one of several of its person."""
    key = quoted(key_of(schema))
    return f"EXISTS (SELECT 1 FROM {quoted(schema.name)} o WHERE o.person_id = s.person_id AND o.{key} <> s.{key})"
