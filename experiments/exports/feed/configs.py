"""The feed of display configs: one row per review, opened or not, with what it discloses or is to disclose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from experiments.exports.cells import Column
from experiments.exports.feed.rows import OURS, PERSON, WHO, Page, chunks, details, ours
from experiments.exports.feed.studies import Feed, FeedStudy
from experiments.exports.shown import Configuration, PerOpening, Shown, as_written, shown_in
from experiments.models import AssignmentDisclosure, ProtocolStage
from experiments.models.shown_snapshots import under_version

CONFIGS = (
    Column("config_id", "text", "Id of the review."),
    WHO,
    Column("case_id", "integer", "Number of the case."),
    Column("path_config", "json", "What the review discloses, or will when it is opened. Empty where arms are masked."),
    *PERSON,
    *OURS,
)


def config_rows(feed: Feed, page: Page) -> Iterator[list[Any]]:
    per_opening = PerOpening(shown_in)
    for chunk in chunks(page):
        rows = details(feed, chunk, **_annotations())
        by_arm = {pk for pk, study in feed.studies.items() if study.visible.by_arm}
        shown = per_opening.of(
            (row["snapshot"], row["disclosure_set"]) for row in rows if row["study_id"] in by_arm and not _own(row)
        )
        for row in rows:
            study = feed.studies[row["study_id"]]
            yield [
                row["public_id"].hex,
                row["who"],
                row["case_number"],
                _configuration(study, row, shown),
                row["person_id"],
                row["visit_start_date"],
                *ours(study, row),
            ]


def _own(row: dict[str, Any]) -> str:
    """The configuration in the words of a CSV, or of AugMed's record."""
    return row["recorded"] or row["written_bound"] or ("" if row["opened"] else row["written_newest"]) or ""


def _configuration(study: FeedStudy, row: dict[str, Any], shown: dict[tuple[int, int], Shown]) -> Configuration | None:
    if not study.visible.by_arm:
        return None
    if own := _own(row):
        return as_written(own)
    found = shown.get((row["snapshot"], row["disclosure_set"]))
    return found.configuration if found else None


def _annotations() -> dict[str, Any]:
    """What the opening bound; before it, what it would bind: the newest rows of a CSV, else the arm's stage."""
    written = AssignmentDisclosure.objects.filter(
        assignment=OuterRef("assignment"), stage_position=OuterRef("stage_position")
    ).order_by("-pk")
    bound = written.filter(
        disclosure_set=OuterRef("opening__disclosure_set"), created_at__lte=OuterRef("opening__opened_at")
    )
    stage = ProtocolStage.objects.filter(
        protocol=OuterRef("assignment__enrolment__experiment__protocol"),
        arm=OuterRef("assignment__arm"),
        position=OuterRef("stage_position"),
    ).order_by()
    snapshots = under_version(
        case=OuterRef("assignment__case"),
        layout_version=OuterRef("assignment__enrolment__experiment__protocol__layout_version"),
    )
    return {
        "opened": F("opening__opened_at"),
        "recorded": F("opening__recorded_disclosure"),
        "written_bound": Subquery(bound.values("paths")[:1]),
        "written_newest": Subquery(written.values("paths")[:1]),
        "disclosure_set": Coalesce(
            F("opening__disclosure_set_id"),
            Subquery(written.values("disclosure_set_id")[:1]),
            Subquery(stage.values("disclosure_set_id")[:1]),
            output_field=BigIntegerField(),
        ),
        "snapshot": Coalesce(
            F("opening__snapshot_id"), Subquery(snapshots.values("pk")[:1]), output_field=BigIntegerField()
        ),
    }
