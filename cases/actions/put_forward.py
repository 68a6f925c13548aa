"""Putting visits forward for review: a visit becomes a Case with its first snapshot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import islice
from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Invalid
from cases.actions.snapshots import Progress, build_missing, checked_plan
from cases.building.reading import CHUNK
from cases.building.spec import Plan
from cases.models import Case, LayoutVersion, PageLayout
from omop.models import Person, VisitOccurrence

END_OF_DAY = time(23, 59, 59)


@dataclass(slots=True)
class PutForwardResult:
    """Primary keys of the cases made and of those that were there already; visit ids refused, each with the reason."""

    created: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


def put_forward(
    *,
    visit_ids: Iterable[int],
    by: Any,
    layout: PageLayout | None = None,
    numbers: Mapping[int, int] | None = None,
    progress: Progress | None = None,
    snapshots: bool = True,
) -> PutForwardResult:
    """Make a case and its snapshot of each of these visits.

    The layout's newest version is used (`layout` None: the default layout's). `numbers` gives a visit its case
    number, which else is the visit's id. A visit that is a case already keeps it, and gets the snapshot it lacks.
    `snapshots` False: cases only, so that their index times can be set before the snapshots are made.
    One transaction per chunk, so a run that was stopped can be repeated.
    """
    version = layout_version_for(layout)
    plan = checked_plan(version) if snapshots else None
    ids = list(dict.fromkeys(visit_ids))
    result = PutForwardResult()
    iterator, done = iter(ids), 0
    while chunk := list(islice(iterator, CHUNK)):
        with transaction.atomic():
            _chunk(chunk, version, plan, numbers or {}, by, result)
        done += len(chunk)
        if progress is not None:
            progress(done, len(ids))
    return result


def layout_version_for(layout: PageLayout | None) -> LayoutVersion:
    """The newest version of the layout, or of the default one; Invalid where there is none."""
    chosen = layout or PageLayout.objects.default()
    if chosen is None:
        raise Invalid("There is no layout yet. Import one first: the first layout imported becomes the default one.")
    version = chosen.current()
    if version is None:
        raise Invalid(f"The layout {chosen} has no version.")
    return version


def lock_case_numbers() -> None:
    """One at a time makes cases, until the transaction ends: of two who put the same visits forward, under whatever
    layouts, the second finds the first one's cases."""
    list(PageLayout.objects.select_for_update().order_by("pk").values_list("pk", flat=True))


def _chunk(
    ids: Sequence[int],
    version: LayoutVersion,
    plan: Plan | None,
    numbers: Mapping[int, int],
    by: Any,
    result: PutForwardResult,
) -> None:
    lock_case_numbers()
    kept = {case.visit_occurrence_id: case for case in Case.objects.filter(visit_occurrence_id__in=ids)}
    fresh, refused = _fresh_cases([visit_id for visit_id in ids if visit_id not in kept], numbers)
    refused += [
        (visit_id, f"it is case {case.number} already, so it cannot become number {numbers[visit_id]}")
        for visit_id, case in kept.items()
        if visit_id is not None and numbers.get(visit_id, case.number) != case.number
    ]
    created = Case.objects.bulk_create(fresh)
    cases = [*created, *kept.values()]
    made = build_missing(cases=cases, layout_version=version, plan=plan, by=by) if cases and plan is not None else []
    result.created += [case.pk for case in created]
    result.kept += [case.pk for case in kept.values() if (case.visit_occurrence_id or 0) not in dict(refused)]
    result.refused += refused
    if created or made:
        audit.record(
            action="cases_put_forward",
            by=by,
            target=version,
            data={"created": [case.pk for case in created], "snapshots": len(made), "refused": len(refused)},
        )


def _fresh_cases(ids: Sequence[int], numbers: Mapping[int, int]) -> tuple[list[Case], list[tuple[int, str]]]:
    """Unsaved cases of these visits, and the visits that cannot become one. Three queries."""
    visits = VisitOccurrence.objects.in_bulk(ids)
    persons = set(
        Person.objects.filter(pk__in={visit.person_id for visit in visits.values()}).values_list("pk", flat=True)
    )
    wanted = {visit_id: numbers.get(visit_id, visit_id) for visit_id in ids}
    taken = set(Case.objects.filter(number__in=wanted.values()).values_list("number", flat=True))
    cases: list[Case] = []
    refused: list[tuple[int, str]] = []
    for visit_id in ids:
        visit, number = visits.get(visit_id), wanted[visit_id]
        if visit is None:
            refused.append((visit_id, "there is no such visit"))
        elif visit.person_id not in persons:
            refused.append((visit_id, f"its person {visit.person_id} is not in the person table"))
        elif number in taken:
            refused.append((visit_id, f"the case number {number} is taken"))
        else:
            taken.add(number)
            cases.append(_case(visit, number))
    return cases, refused


def _case(visit: VisitOccurrence, number: int) -> Case:
    return Case(
        number=number,
        kind=Case.Kind.CLINICAL,
        source_label=f"visit {visit.visit_occurrence_id}",
        visit_occurrence_id=visit.visit_occurrence_id,
        person_id=visit.person_id,
        index_at=datetime.combine(visit.visit_start_date, END_OF_DAY),
    )
