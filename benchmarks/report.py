"""Write the tables into docs/performance.md, each between its own markers; everything else there is left alone."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.db import connection

if TYPE_CHECKING:
    from benchmarks.export import ExportResult
    from benchmarks.imports import ImportRow
    from benchmarks.requests import Row
    from benchmarks.screens import Loaded
    from benchmarks.upload import UploadRow

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def write(name: str, text: str) -> None:
    """Replace what stands between the markers of `name`."""
    begin, end = f"<!-- {name}: written by make bench -->", f"<!-- end of {name} -->"
    page = PAGE.read_text()
    if begin not in page:
        page = f"{page.rstrip()}\n\n{begin}\n{end}\n"
    head, rest = page.split(begin, 1)
    tail = rest.split(end, 1)[1]
    PAGE.write_text(f"{head}{begin}\n\n{text.strip()}\n\n{end}{tail}")


def machine() -> str:
    """One line about where and with what it was measured."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, Django {django.get_version()}, PostgreSQL {version.split()[0]}; "
        "load generator, server and database on the same machine."
    )


def requests_table(rows: Sequence[Row], totals: dict[str, int]) -> str:
    lines = [
        machine(),
        "",
        f"In the database: {totals['reviews']:,} reviews, {totals['observations']:,} observations, "
        f"{totals['enrolments']:,} readers, {totals['cases']:,} cases. gunicorn with 2 workers x 4 threads.",
        "",
        "| request | clients | requests/s | p50 ms | p95 ms | p99 ms | floor/s | ratio | bar | refused |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        result = row.result
        lines.append(
            f"| {row.name} | {row.clients} | {result.per_second:.0f} | {result.percentile(0.5):.1f} | "
            f"{result.percentile(0.95):.1f} | {result.percentile(0.99):.1f} | {row.floor.per_second:.0f} | "
            f"{row.ratio:.2f} | {row.bar} | {result.failed} |"
        )
    return "\n".join(lines)


def screens_table(rows: Sequence[Loaded]) -> str:
    """The pages in the order measured; the first is the floor."""
    from benchmarks.screens import LOADS, MOST_BYTES, MOST_MILLISECONDS

    lines = [
        machine(),
        "",
        f"Chromium, {LOADS} loads each with nothing cached; bars: first paint {MOST_MILLISECONDS:,} ms, "
        f"HTML {MOST_BYTES:,} bytes, no layout shift.",
        "",
        "| page | first contentful paint, median ms | most ms | ratio to the first | HTML bytes | layout shift |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.median:.0f} | {max(row.paints):.0f} | {row.median / rows[0].median:.2f} | "
        f"{row.html:,} | {row.shift:.4f} |"
        for row in rows
    ]
    return "\n".join(lines)


def export_table(result: ExportResult) -> str:
    """One export of everything, in a process of its own."""
    from benchmarks.export import LEAST_ROWS_PER_SECOND, MOST_GROWTH_MB

    content, archive = result.content_bytes / 1e6, result.archive_bytes / 1e6
    return "\n".join(
        [
            machine().replace("load generator, server", "exporting process"),
            "",
            "One archive with reviews, events, assignments, references and codebook, each table as CSV and as JSON "
            f"lines ({content:,.0f} MB, compressed to {archive:,.0f} MB), in {result.seconds:,.0f} s, of which the "
            f"exporting process had a processor for {result.cpu_seconds:,.0f} s.",
            "",
            "| reviews | features | rows/s | bar | memory before, MB | peak, MB | growth, MB | bar |",
            "|---:|---:|---:|---:|---:|---:|---:|---:|",
            f"| {result.reviews:,} | {result.features} | {result.rows_per_second:,.0f} | "
            f"at least {LEAST_ROWS_PER_SECOND:,} | {result.before_mb:.0f} | {result.peak_mb:.0f} | "
            f"{result.growth_mb:.0f} | less than {MOST_GROWTH_MB} |",
        ]
    )


def upload_table(rows: Sequence[UploadRow]) -> str:
    """Display configs by CSV: what the published client waits five seconds for."""
    from benchmarks.upload import CASES, MOST_GROWTH_MB, MOST_SECONDS, PEOPLE, ROWS

    lines = [
        machine(),
        "",
        f"{PEOPLE} participants x {CASES} cases, {ROWS} rows each ({PEOPLE * CASES * ROWS:,} rows), sent as a form to "
        "gunicorn. Of a processor: of the server's own, without the database's. The floor is the same file under a "
        "header that is refused: received, and read no further.",
        "",
        "| lists of paths | request | seconds | bar | of a processor | floor | answered, MB | grown by, MB | bar |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        seconds = f"{row.seconds:.2f} | {MOST_SECONDS:.0f} | {row.cpu_seconds:.2f} | {row.floor_seconds:.2f}"
        size = f"{row.answered_bytes / 1e6:.1f} | {row.growth_mb:.0f} | less than {MOST_GROWTH_MB}"
        lines.append(f"| {row.lists} | {row.step} | {seconds} | {size} |")
    return "\n".join(lines)


def imports_table(rows: Sequence[ImportRow]) -> str:
    """Loading `measurement`: what hospitals have most of."""
    lines = [
        machine().replace("load generator, server", "importing process"),
        "",
        "Files of `measurement` with all 23 columns, ids rising, visits at random; a tenth as many visits and a "
        "hundredth as many persons are there already. \\copy is psql's, of the same file into the same table, timed by "
        "itself; it checks nothing. Each import reads, checks by every rule of the gate, commits and writes its run "
        "down. Of a processor: of the importing process, without the server's. Memory: its growth above its start.",
        "",
        "| way | rows | seconds | rows/s | of a processor, s | memory, MB | of \\copy | bar |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        processor = "" if row.cpu_seconds is None else f"{row.cpu_seconds:.1f}"
        memory = "" if row.growth_mb is None else f"{row.growth_mb:.0f}"
        lines.append(
            f"| {row.way} | {row.rows:,} | {row.seconds:.1f} | {row.per_second:,.0f} | {processor} | {memory} | "
            f"{'' if row.ratio is None else f'{row.ratio:.2f}'} | {row.bar} |"
        )
    return "\n".join(lines)
