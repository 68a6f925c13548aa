"""What AugMed's ids became: a line for each row that ever came over, for whoever has files that speak of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TextIO

from augmed.published.models import CameOver
from experiments.models import QuestionnaireVersion, Review

COLUMNS = ("origin", "kind", "id_in_augmed", "here", "id_here", "details")
_CHUNK = 2000
_PUBLIC = {model._meta.label_lower: model for model in (Review, QuestionnaireVersion)}


def write_ids(file: TextIO, origin: str) -> int:
    """Write the lines as CSV and return how many there are. Reviews and questionnaire versions are named by the id that
    exports and the API use, all else by its number."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    records = CameOver.objects.filter(origin=origin).order_by("pk").iterator(chunk_size=_CHUNK)
    for chunk in _chunks(records):
        public = _public_ids(chunk)
        for one in chunk:
            shown = public.get((one.target_type, one.target_pk or 0), one.target_pk)
            writer.writerow((one.origin, one.kind, one.key, one.target_type, shown, one.details))
        count += len(chunk)
    return count


def _public_ids(records: Sequence[CameOver]) -> Mapping[tuple[str, int], str]:
    """At most two statements."""
    found: dict[tuple[str, int], str] = {}
    for label, model in _PUBLIC.items():
        if pks := {one.target_pk for one in records if one.target_type == label}:
            rows = model._default_manager.filter(pk__in=pks).order_by().values_list("pk", "public_id")
            found |= {(label, pk): public_id.hex for pk, public_id in rows}
    return found


def _chunks(records: Iterable[CameOver]) -> Iterator[list[CameOver]]:
    rows = iter(records)
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk
