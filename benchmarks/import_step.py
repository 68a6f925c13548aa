"""One measured import in a process of its own: `python -m benchmarks.import_step STEP FILE...`, a line of JSON out.

The peak of memory is that of the step alone. Steps: kept (live indexes kept), after (indexes of an empty table built
after its rows), bulk_create, import_export.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import django

BATCH = 5_000


def memory() -> tuple[float, float]:
    """Megabytes that this process holds now, and the most it has held since `forget`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {
        name: int(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest
    }
    return found["VmRSS"], found["VmHWM"]


def forget() -> None:
    """Let the peak begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


def ours(indexes: str) -> Callable[[list[Path]], int]:
    from omop.actions import import_files
    from omop.imports.options import ImportOptions, Indexes

    def load(paths: list[Path]) -> int:
        report = import_files(paths=paths, by=None, options=ImportOptions(indexes=Indexes(indexes))).report
        if report.status != "loaded":
            raise SystemExit(f"{report.status}: {list(map(str, report.errors[:5]))}")
        return sum(counts.loaded for counts in report.tables.values())

    return load


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield {name: value or None for name, value in row.items()}


def bulk_create(paths: list[Path]) -> int:
    from omop.models import Measurement

    rows, count = rows_of(paths[0]), 0
    while batch := [Measurement(**row) for row in islice(rows, BATCH)]:
        count += len(Measurement.objects.bulk_create(batch))
    return count


def import_export(paths: list[Path]) -> int:
    import tablib
    from import_export.resources import modelresource_factory

    from omop.models import Measurement

    class Resource(modelresource_factory(Measurement)):  # type: ignore[misc]
        class Meta:
            model = Measurement
            import_id_fields = ["measurement_id"]

    dataset = tablib.Dataset().load(paths[0].read_text(), format="csv")
    result = Resource().import_data(dataset, raise_errors=True)
    return int(result.totals["new"])


def main() -> None:
    django.setup()
    step, paths = sys.argv[1], [Path(name) for name in sys.argv[2:]]
    steps = {"bulk_create": bulk_create, "import_export": import_export, "kept": ours("keep"), "after": ours("auto")}
    load = steps[step]
    before, _ = memory()
    forget()
    started, processor = time.perf_counter(), time.process_time()
    rows = load(paths)
    result = {
        "rows": rows,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - processor,
        "growth_mb": memory()[1] - before,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
