"""Where AugMed's tables come from: its PostgreSQL database, or a folder with one CSV file a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from augmed.published.moving.staging import SourceError, Staging, refuse_without
from augmed.published.moving.tables import TABLES, Table

# "postgresql+psycopg2://" is how AugMed's own settings write it.
_DATABASE = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
LARGEST_CELL = 64 * 2**20


def fill(staging: Staging, source: str) -> None:
    """Read the source into `staging`; SourceError where it cannot be read or holds nothing of AugMed's."""
    if _DATABASE.match(source):
        _from_database(staging, _DATABASE.sub("postgresql://", source, count=1))
    else:
        _from_folder(staging, Path(source))
    if not staging.found:
        raise SourceError(f"There is no table of AugMed's: none of {', '.join(TABLES)}.")
    staging.index()


def spoken(source: str) -> str:
    """The source as it may be written down: without the password or the name of who reads."""
    return re.sub(r"//[^/]*@", "//", source).split("?")[0]


def _from_folder(staging: Staging, folder: Path) -> None:
    if not folder.is_dir():
        raise SourceError(f"{folder} is neither a folder of CSV files nor the address of a PostgreSQL database.")
    for table in TABLES.values():
        path = folder / f"{table.name}.csv"
        if path.is_file():
            _from_file(staging, table, path)


def _from_file(staging: Staging, table: Table, path: Path) -> None:
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = csv.reader(file, strict=True)
            header = [cell.strip() for cell in next(records, [])]
            staging.load(table, header, _cells(records, len(header), path.name))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path.name} is not a CSV file in UTF-8: {error.__class__.__name__}.") from error
    except OSError as error:
        raise SourceError(f"{path.name}: {error.strerror}.") from error
    finally:
        csv.field_size_limit(before)


def _cells(records: Iterator[list[str]], width: int, name: str) -> Iterator[tuple[int, list[str | None]]]:
    """Rows as a spreadsheet numbers them: the header is row 1. A dump writes NULL as an empty cell."""
    for number, record in enumerate(records, start=2):
        if not record:
            continue
        if len(record) != width:
            raise SourceError(f"{name}, row {number}: {len(record)} cells under a header of {width}.")
        yield number, [cell or None for cell in record]


def _from_database(staging: Staging, address: str) -> None:
    """All tables as of one moment, in a transaction that only reads."""
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute("SET LOCAL TimeZone TO 'UTC'")
            connection.execute("SET LOCAL DateStyle TO 'ISO'")
            for table in TABLES.values():
                if columns := _columns(connection, table):
                    refuse_without(table, columns)
                    staging.load(table, columns, _stream(connection, table, columns))
    except psycopg.Error as error:
        # The server's words can repeat the address with its password.
        raise SourceError(f"The database could not be read ({error.__class__.__name__}).") from error


def _columns(connection: psycopg.Connection[tuple[str, ...]], table: Table) -> list[str]:
    """The columns of ours that the table has; none where there is no such table on the search path."""
    found = connection.execute(
        "SELECT attname::text FROM pg_attribute "
        "WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table.name],
    )
    return [name for (name,) in found if name in table.columns]


def _stream(
    connection: psycopg.Connection[tuple[str, ...]], table: Table, columns: Sequence[str]
) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    """Every cell as the database writes it, so that the order of keys in JSON stays; rows as they lie in the table, the
    order in which AugMed gave out a participant's cases."""
    cells = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns)
    statement = sql.SQL("SELECT {} FROM {} ORDER BY ctid").format(cells, sql.Identifier(table.name))
    with connection.cursor(name=f"moving_{table.name}") as cursor:
        yield from enumerate(cursor.execute(statement), start=1)
