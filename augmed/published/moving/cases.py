"""AugMed's case ids are visits of OMOP: the cases of those visits, made where they are not here yet."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from augmed.published.moving.move import Move
from cases.actions import put_forward
from cases.actions.put_forward import lock_case_numbers
from cases.models import Case, PageLayout

LABEL = "AugMed"


def cases_for(move: Move, ids: Collection[int], layout: PageLayout | None, *, read: bool) -> dict[int, Case]:
    """Cases by AugMed's case id, inside the caller's transaction.

    `read`: they were read in AugMed. Then no snapshot is made, and a case that has no visit here becomes one of its
    number without a visit; else its snapshot is made, and without a visit there is no case."""
    if read:
        return _read_there(move, ids, layout)
    # All of them: a visit that is a case already gets the snapshot that it lacks.
    put_forward(visit_ids=ids, by=move.by, layout=layout)
    return _there(ids)


def _read_there(move: Move, ids: Collection[int], layout: PageLayout | None) -> dict[int, Case]:
    found = _there(ids)
    if missing := [number for number in ids if number not in found]:
        put_forward(visit_ids=missing, by=move.by, layout=layout, snapshots=False)
        found = _there(ids)
        found |= _without_visit([number for number in missing if number not in found])
    return found


def _there(ids: Collection[int]) -> dict[int, Case]:
    """By visit; by number only where that case has no visit, since a number may be that of another visit."""
    rows = list(Case.objects.filter(Q(visit_occurrence_id__in=ids) | Q(visit_occurrence_id=None, number__in=ids)))
    found = {case.number: case for case in rows if case.visit_occurrence_id is None}
    found |= {case.visit_occurrence_id: case for case in rows if case.visit_occurrence_id is not None}
    return {number: case for number, case in found.items() if number in ids}


def _without_visit(numbers: Collection[int]) -> dict[int, Case]:
    """Cases of which only the number is known. A number that is another visit's stays without."""
    lock_case_numbers()
    taken = set(Case.objects.filter(number__in=numbers).values_list("number", flat=True))
    made = [Case(number=number, source_label=LABEL) for number in sorted(set(numbers) - taken)]
    return {case.number: case for case in Case.objects.bulk_create(made)}
