"""Reads of the history of import runs: to find one, and what it had to do with others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from omop.imports.gate.catalogue import Level, Outcome
from omop.models import CheckOutcome, ImportedFile, ImportRun, TableLoad

SAME_FILES = 20  # earlier runs of the same files that are listed
_HEXADECIMAL = set("0123456789abcdef")
_SHORTEST_CHECKSUM = 8  # characters; fewer could be a word such as "face"


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that a run added, changed and took away, in all tables."""

    new: int = 0
    changed: int = 0
    removed: int = 0

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


NOTHING = Changes()


def newest_first(user: Any) -> QuerySet[ImportRun]:
    """The runs that this user may see; a stable order, so that pages neither repeat nor lose a run."""
    return ImportRun.objects.visible_to(user).select_related("created_by").order_by("-finished_at", "-pk")


def narrow(
    runs: QuerySet[ImportRun], *, table: str = "", who: str = "", since: date | None = None, until: date | None = None
) -> QuerySet[ImportRun]:
    """Runs that looked at `table`, of the person with the key `who` ("system" for none), over from `since` to `until`.

    Days are those of UTC, both included.
    """
    if table:
        mine = {"run": OuterRef("pk"), "table": table}
        runs = runs.filter(Exists(TableLoad.objects.filter(**mine)) | Exists(CheckOutcome.objects.filter(**mine)))
    if who:
        runs = runs.filter(created_by=None) if who == "system" else runs.filter(created_by=int(who))
    if since is not None:
        runs = runs.filter(finished_at__gte=datetime.combine(since, time.min, UTC))
    if until is not None:
        runs = runs.filter(finished_at__lt=datetime.combine(until, time.min, UTC) + timedelta(days=1))
    return runs


def search(runs: QuerySet[ImportRun], text: str) -> QuerySet[ImportRun]:
    """Runs with a file of this name (a part of it is enough), or of this checksum (its beginning is enough)."""
    text = text.strip()
    if not text:
        return runs
    files = Q(name__icontains=text)
    condition = Q()
    beginning = text.lower()
    if len(beginning) >= _SHORTEST_CHECKSUM and set(beginning) <= _HEXADECIMAL:
        # A range, and not LIKE, so that the index serves in every collation: g follows all hexadecimal digits.
        files |= Q(sha256__gte=beginning, sha256__lt=f"{beginning}g")
        condition = Q(checksum__gte=beginning, checksum__lt=f"{beginning}g")
    return runs.filter(condition | Exists(ImportedFile.objects.filter(files, run=OuterRef("pk"))))


def changes_of(runs: Iterable[ImportRun]) -> dict[Any, Changes]:
    """What each of these runs changed, by its key; only those that loaded did. One statement."""
    loaded = [run.pk for run in runs if run.status == ImportRun.Status.LOADED]
    sums = TableLoad.objects.filter(run__in=loaded).values("run_id")
    added = sums.annotate(added=Sum("new"), altered=Sum("changed"), taken=Sum("removed"))
    return {key: Changes(*counts) for key, *counts in added.values_list("run_id", "added", "altered", "taken")}


@dataclass(frozen=True, slots=True)
class Warned:
    """How many checks of a run warn, and how many rows they count together."""

    checks: int = 0
    rows: int = 0


def warnings_of(runs: Iterable[ImportRun]) -> dict[Any, Warned]:
    """What each of these runs warned of, by its key; a run that is not in it warned of nothing. One statement."""
    failed = CheckOutcome.objects.filter(run__in=list(runs), level=Level.WARN, outcome=Outcome.FAILED)
    counts = failed.order_by().values("run_id").annotate(checks=Count("pk"), rows=Sum("count"))
    return {key: Warned(*found) for key, *found in counts.values_list("run_id", "checks", "rows")}


def files_of(runs: Sequence[ImportRun]) -> dict[Any, list[str]]:
    """The names of the files of each of these runs, by its key. One statement."""
    found: dict[Any, list[str]] = {run.pk: [] for run in runs}
    files = ImportedFile.objects.filter(run__in=list(found)).order_by("name", "pk")
    for run_id, name in files.values_list("run_id", "name"):
        found[run_id].append(name)
    return found


def in_short(names: Sequence[str], shown: int) -> str:
    """The first of these names, and how many more there are."""
    more = len(names) - shown
    return f"{', '.join(names[:shown])} and {more:,} more" if more > 0 else ", ".join(names)


def runs_of_same_files(run: ImportRun, files: Sequence[ImportedFile]) -> list[tuple[ImportRun, list[str]]]:
    """Earlier runs that read one of these files, byte for byte: each with the files' names then. Newest first."""
    checksums = {file.sha256 for file in files if file.sha256}
    earlier = ImportRun.objects.filter(finished_at__lte=run.finished_at).exclude(pk=run.pk)
    same = ImportedFile.objects.filter(run=OuterRef("pk"), sha256__in=checksums)
    found = earlier.filter(Exists(same)).select_related("created_by").order_by("-finished_at", "-pk")[:SAME_FILES]
    runs = {earlier_run.pk: earlier_run for earlier_run in found}
    names: dict[Any, list[str]] = {key: [] for key in runs}
    for file in ImportedFile.objects.filter(run__in=list(runs), sha256__in=checksums).order_by("name", "pk"):
        names[file.run_id].append(file.name)
    return [(runs[key], names[key]) for key in runs]
