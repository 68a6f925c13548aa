"""Cases by themselves: made by hand for training, their index time, who read one whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from augmed.foundation import audit
from augmed.foundation.canonical import canonical_json
from augmed.foundation.errors import Conflict, Invalid
from cases.actions.put_forward import lock_case_numbers
from cases.actions.snapshots import store_tree
from cases.models import Case, CaseSnapshot, LayoutNode, LayoutVersion
from cases.tree import Tree, features, from_json, to_json


def make_training_case(
    *,
    label: str,
    tree: Tree | Mapping[str, Any],
    layout_version: LayoutVersion,
    by: Any,
    number: int | None = None,
) -> Case:
    """A case without a visit, with this tree (or its JSON) as its snapshot. Its features must be of the layout."""
    if not label.strip():
        raise Invalid("A training case needs a label.", errors={"label": ["This field is required."]})
    try:
        whole = tree if isinstance(tree, Tree) else from_json(tree)
        canonical_json(to_json(whole))  # half a surrogate pair is found here, not while it is stored
    except ValueError as error:
        raise Invalid(f"The tree is not valid: {error}", errors={"tree": [str(error)]}) from error
    with transaction.atomic():
        _refuse_foreign_features(whole, layout_version)
        lock_case_numbers()
        if number is None:
            number = (Case.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        elif Case.objects.filter(number=number).exists():
            raise Conflict(f"The case number {number} is taken.", code="number_taken")
        case = Case.objects.create(number=number, kind=Case.Kind.TRAINING, source_label=label.strip()[:200])
        store_tree(case=case, layout_version=layout_version, tree=whole, by=by)
        audit.record(action="training_case_made", by=by, target=case, data={"layout_version": layout_version.pk})
    return case


def set_index_time(*, case: Case, index_at: datetime, by: Any) -> None:
    """Set up to when the case is known. Only until its first snapshot: what reviewers saw must stay explicable."""
    if index_at.tzinfo is not None:
        message = "The index time is a local time, without zone."
        raise Invalid(message, errors={"index_at": [message]})
    with transaction.atomic():
        held = Case.objects.select_for_update().get(pk=case.pk)
        if held.visit_occurrence_id is None:
            raise Conflict("A case made by hand has no index time.")
        if CaseSnapshot.objects.filter(case=held).exists():
            raise Conflict("The case has a snapshot already, so its index time is fixed.", code="index_time_fixed")
        held.index_at = index_at.replace(microsecond=0)
        held.save(update_fields=["index_at"])
        audit.record(action="index_time_set", by=by, target=held, data={"index_at": held.index_at.isoformat()})
    case.index_at = held.index_at


def record_case_viewed(*, case: Case, by: Any, snapshot: CaseSnapshot | None) -> None:
    """Write down that a member of staff read the whole case, undisclosed parts included."""
    with transaction.atomic():
        audit.record(
            action="case_viewed",
            by=by,
            target=case,
            data={"snapshot": snapshot.pk if snapshot else None},
        )


def _refuse_foreign_features(tree: Tree, version: LayoutVersion) -> None:
    roles = dict(version.nodes.filter(level=LayoutNode.Level.FEATURE).values_list("key", "role"))
    for feature, path in features(tree):
        where = ".".join(path)
        if feature.node_key not in roles:
            raise Invalid(f"{where}: the layout {version} has no feature node {feature.node_key!r}.")
        if roles[feature.node_key] != feature.role:
            raise Invalid(f"{where}: the layout's node {feature.node_key!r} is {roles[feature.node_key]}.")
