"""Prove what was disclosed, asked and answered: recompute it from what is stored, and compare hashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from augmed.foundation.canonical import sha256_hex
from cases.disclosure import ENGINE_VERSION
from cases.models import CaseSnapshot
from experiments.models import DisclosureSet, Experiment, ReviewOpening
from experiments.reviewing.disclosed_text import Contents, NodeRows, all_node_rows, compute
from experiments.verification.answers import look_at_answers
from experiments.verification.questions import question_problems
from experiments.verification.recorded import recorded_redactions

CHUNK = 100
"""Openings looked at together: their snapshots and sets are in memory at once, and no more."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    public_id: UUID
    reason: str


@dataclass
class Totals:
    """`verified` and `different` were recomputed, `erased` of them belong to erased enrolments; `redacted` cannot be:
    their snapshot was blanked, its hash stands."""

    verified: int = 0
    different: int = 0
    redacted: int = 0
    erased: int = 0
    answered: int = 0
    answers_erased: int = 0
    answers_different: int = 0
    question_problems: list[str] = field(default_factory=list)
    discrepancies: list[Discrepancy] = field(default_factory=list)
    most_listed: int = 1000

    @property
    def holds(self) -> bool:
        return not (self.different or self.answers_different or self.question_problems)

    def add(self, public_id: UUID, reason: str) -> None:
        if len(self.discrepancies) < self.most_listed:
            self.discrepancies.append(Discrepancy(public_id, reason))

    @property
    def openings(self) -> int:
        return self.verified + self.different + self.redacted


def verify_disclosure(experiment: Experiment) -> Totals:
    """Look at all openings, answers and frozen questions of a study. Memory does not grow with their number; the
    first 1,000 discrepancies are listed, all are counted."""
    totals = Totals()
    openings = (
        ReviewOpening.objects.filter(
            review__assignment__enrolment__experiment=experiment,
            snapshot__isnull=False,  # what AugMed disclosed was recorded there; there is nothing to compute again
        )
        .select_related("review__assignment__enrolment")
        .only(
            "snapshot_id",
            "disclosure_set_id",
            "disclosed_sha256",
            "engine_version",
            "review__public_id",
            "review__assignment__case_id",
            "review__assignment__enrolment__erased_at",
        )
        .order_by("snapshot_id", "disclosure_set_id", "pk")  # so that what is alike is computed once
    )
    computed = _Computed()
    for chunk in _chunks(openings.iterator(chunk_size=CHUNK)):
        computed.load(chunk)
        for opening in chunk:
            _look_at(opening, computed, totals)
    for public_id, erased, reason in look_at_answers(experiment):
        totals.answered += 1
        totals.answers_erased += erased
        if reason is not None:
            totals.answers_different += 1
            totals.add(public_id, reason)
    totals.question_problems = list(question_problems(experiment))
    return totals


def _look_at(opening: ReviewOpening, computed: _Computed, totals: Totals) -> None:
    snapshot = computed.snapshots[_bound(opening)[0]]
    reason = None
    if snapshot.redacted_at is not None:
        if snapshot.pk in computed.redactions and not snapshot.content:
            totals.redacted += 1
            return
        reason = f"snapshot {snapshot.pk} is marked as redacted, which the audit trail does not bear out"
    assignment = opening.review.assignment
    totals.erased += assignment.enrolment.erased_at is not None
    reason = reason or computed.problem(opening, assignment.case_id)
    if reason is None:
        totals.verified += 1
        return
    totals.different += 1
    totals.add(opening.review.public_id, reason)


def _bound(opening: ReviewOpening) -> tuple[int, int]:
    """Snapshot and disclosure set, which every opening of ours has (by constraint)."""
    assert opening.snapshot_id is not None
    assert opening.disclosure_set_id is not None
    return opening.snapshot_id, opening.disclosure_set_id


class _Computed:
    """The snapshots and sets of one chunk, and the hash of each pair that occurs in it."""

    def __init__(self) -> None:
        self.snapshots: dict[int, CaseSnapshot] = {}
        self.redactions: set[int] = set()
        self._sets: dict[int, DisclosureSet] = {}
        self._hashes: dict[tuple[int, int], str] = {}
        self._nodes: tuple[int, NodeRows] | None = None

    def load(self, chunk: list[ReviewOpening]) -> None:
        pairs = {_bound(opening) for opening in chunk}
        self._hashes = {pair: found for pair, found in self._hashes.items() if pair in pairs}
        snapshots = CaseSnapshot.objects.defer("sources")
        self.snapshots = snapshots.in_bulk({snapshot for snapshot, _ in pairs})
        redacted = [snapshot for snapshot in self.snapshots.values() if snapshot.redacted_at is not None]
        self.redactions = recorded_redactions(redacted)
        self._sets = DisclosureSet.objects.in_bulk({found for _, found in pairs})

    def problem(self, opening: ReviewOpening, case_id: int) -> str | None:
        """Why an opening does not hold, or None."""
        snapshot_id, disclosure_set_id = _bound(opening)
        snapshot, found = self.snapshots[snapshot_id], self._sets[disclosure_set_id]
        if snapshot.case_id != case_id:
            return "the snapshot is of another case"
        if found.case_id not in (None, case_id):
            return "the disclosure set belongs to another case"
        if sha256_hex(snapshot.content) != snapshot.sha256:
            return f"snapshot {snapshot.pk} does not match its own hash"
        if sha256_hex(found.content) != found.sha256:
            return f"disclosure set {found.pk} does not match its own hash"
        try:
            sha256 = self._hash(snapshot, found)
        except ValueError as error:
            return f"cannot be disclosed: {error}"
        if sha256 == opening.disclosed_sha256:
            return None
        if opening.engine_version != ENGINE_VERSION:
            return f"was disclosed by engine {opening.engine_version}, this is {ENGINE_VERSION}"
        return "the disclosed tree is not what the opening recorded"

    def _hash(self, snapshot: CaseSnapshot, found: DisclosureSet) -> str:
        pair = (snapshot.pk, found.pk)
        if pair not in self._hashes:
            nodes = self._layout(snapshot.layout_version_id) if found.case_id is not None else ()
            contents = Contents(
                snapshot.content, snapshot.sha256, found.content, found.sha256, snapshot.layout_version_id, nodes
            )
            self._hashes[pair] = compute(contents).sha256
        return self._hashes[pair]

    def _layout(self, layout_version_id: int) -> NodeRows:
        if self._nodes is None or self._nodes[0] != layout_version_id:
            self._nodes = (layout_version_id, all_node_rows(layout_version_id))
        return self._nodes[1]


def _chunks(openings: Iterable[ReviewOpening]) -> Iterator[list[ReviewOpening]]:
    rows = iter(openings)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
