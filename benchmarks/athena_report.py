"""The section "Vocabularies" of docs/performance.md, with what the measured loads mean at full size."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.athena import AthenaRow, SearchRow
from benchmarks.athena_download import FULL
from benchmarks.report import machine


def table(loads: Sequence[AthenaRow], searches: Sequence[SearchRow]) -> str:
    return "\n".join([*_loads(loads), "", *_full_size(loads), "", *_searches(searches)])


def _loads(rows: Sequence[AthenaRow]) -> list[str]:
    return [
        "## Vocabularies",
        "",
        machine().replace("load generator, server", "importing process"),
        "",
        "A synthetic download of Athena (BENCH_ONLY=athena make bench), a part of the full size: the first load into "
        "empty tables, then the next release of it in the mode upsert, one row in a hundred changed. Every file is a "
        "run of its own, checked and committed. Growth is that of the importing process; on disk is the table with its "
        "indexes; at most, on disk is what the database had more during the run than before.",
        "",
        "| part | run | table | rows | seconds | rows/s | growth, MB | on disk, MB | at most more, MB |",
        "|---:|---|---|---:|---:|---:|---:|---:|---:|",
        *(
            f"| 1/{row.scale} | {row.run} | {row.table} | {row.rows:,} | {row.seconds:.1f} | "
            f"{row.rows / row.seconds:,.0f} | "
            f"{row.growth_mb:.0f} | {row.megabytes:.0f} | {row.staged_mb:.0f} |"
            for row in rows
        ),
    ]


def _full_size(rows: Sequence[AthenaRow]) -> list[str]:
    """Each scale extrapolated by rows alone: what differs between two scales is what does not grow in line."""
    lines = [
        "At full size, if time and disk grow in line with rows (6 M concepts, 39 M relationships, 72 M ancestors):",
        "",
        "| from | run | minutes | on disk, GB | at most more, GB |",
        "|---:|---|---:|---:|---:|",
    ]
    for scale in dict.fromkeys(row.scale for row in rows):
        for run in dict.fromkeys(row.run for row in rows):
            some = [row for row in rows if (row.scale, row.run) == (scale, run)]
            times = {row.table: FULL[row.table] / row.rows for row in some}
            minutes = sum(row.seconds * times[row.table] for row in some) / 60
            disk = sum(row.megabytes * times[row.table] for row in some) / 1_000
            most = max(row.staged_mb * times[row.table] for row in some) / 1_000
            lines.append(f"| 1/{scale} | {run} | {minutes:.0f} | {disk:.1f} | {most:.1f} |")
    return lines


def _searches(rows: Sequence[SearchRow]) -> list[str]:
    if not rows:
        return []
    return [
        "Searches as the list of concepts asks them, all statements together (the target is a p95 below 100 ms for "
        "words of three letters or more):",
        "",
        "| database | concepts | searched for | searches | p50 ms | p95 ms | most ms |",
        "|---|---:|---|---:|---:|---:|---:|",
        *(
            f"| {row.database} | {row.concepts:,} | {row.kind} | {row.searches} | {row.p50:.1f} | {row.p95:.1f} | "
            f"{row.most:.1f} |"
            for row in rows
        ),
    ]
