"""Layouts: imported, edited while a version is a draft, copied into the next version."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from augmed.foundation import audit
from augmed.foundation.errors import Conflict, Invalid
from cases.layouts.content import NODE_FIELDS, LayoutContent, LayoutError, NodeData, depth_first
from cases.layouts.parsing import check_layout, parse_layout
from cases.layouts.reading import layout_content
from cases.models import LayoutNode, LayoutVersion, PageLayout


def import_layout(
    *,
    content: Mapping[str, Any] | str,
    by: Any,
    name: str | None = None,
    advice_labels: Sequence[str] = (),
    allow_unknown_concepts: bool = False,
) -> LayoutVersion:
    """Import this project's layout JSON, or AugMed's page_config, as parsed JSON or as text (which keeps its order).

    A new name makes a layout, the first of all the default one. A known name gives the layout its next version, or
    the newest as it is where nothing changed. Invalid has `errors` by node key.
    """
    try:
        layout = parse_layout(
            content, name=name, advice_labels=advice_labels, allow_unknown_concepts=allow_unknown_concepts
        )
    except LayoutError as error:
        raise _invalid("The layout was not imported", error) from error
    with transaction.atomic():
        stored, created = PageLayout.objects.get_or_create(
            name=layout.name, defaults={"description": layout.description}
        )
        PageLayout.objects.select_for_update().get(pk=stored.pk)
        newest = stored.current()
        if newest is not None and _same(layout_content(newest), layout):
            return newest
        if created and not PageLayout.objects.filter(is_default=True).exists():
            stored.is_default = True
            stored.save(update_fields=["is_default"])
        version = _next_version(stored, layout.path_rules)
        _write_nodes(version, layout.nodes)
        data = {"layout": stored.pk, "number": version.number, "nodes": len(layout.nodes)}
        audit.record(action="layout_imported", by=by, target=version, data=data)
    return version


def new_layout_version(*, layout: PageLayout, by: Any) -> LayoutVersion:
    """A copy of the newest version, to be edited; a newest version that is still a draft is that already."""
    with transaction.atomic():
        PageLayout.objects.select_for_update().get(pk=layout.pk)
        newest = layout.current()
        if newest is not None and newest.frozen_at is None:
            raise Conflict(f"{newest} can still be edited; there is no need of another version.")
        source = layout_content(newest) if newest is not None else LayoutContent(layout.name, ())
        version = _next_version(layout, source.path_rules)
        _write_nodes(version, source.nodes)
        data = {"layout": layout.pk, "number": version.number}
        audit.record(action="layout_version_made", by=by, target=version, data=data)
    return version


def set_layout_nodes(
    *, version: LayoutVersion, nodes: Sequence[NodeData], by: Any, allow_unknown_concepts: bool = False
) -> None:
    """Replace the nodes of a draft. Siblings stand in the order given; the newest version only, and never a frozen
    one. Invalid has `errors` by node key."""
    content = LayoutContent(version.layout.name, depth_first(nodes), path_rules=version.path_rules)
    try:
        check_layout(content, allow_unknown_concepts=allow_unknown_concepts)
    except LayoutError as error:
        raise _invalid("The nodes were not saved", error) from error
    with transaction.atomic():
        held = LayoutVersion.objects.select_for_update().get(pk=version.pk)
        if held.frozen_at is not None:
            raise Conflict(f"{version} is frozen, because snapshots were made under it. Make a new version first.")
        if held.layout.versions.filter(number__gt=held.number).exists():
            raise Conflict(f"{version} is not the newest version of its layout.")
        if layout_content(held).nodes == content.nodes:
            return
        held.nodes.all().delete()
        _write_nodes(held, content.nodes)
        audit.record(action="layout_edited", by=by, target=held, data={"nodes": len(content.nodes)})


def make_default(*, layout: PageLayout, by: Any) -> None:
    """Use this layout wherever none is named."""
    with transaction.atomic():
        PageLayout.objects.filter(is_default=True).exclude(pk=layout.pk).update(is_default=False)
        PageLayout.objects.filter(pk=layout.pk).update(is_default=True)
        audit.record(action="layout_made_default", by=by, target=layout)
    layout.is_default = True


def _next_version(layout: PageLayout, path_rules: Mapping[str, Any]) -> LayoutVersion:
    last = layout.versions.aggregate(last=Max("number"))["last"] or 0
    return LayoutVersion.objects.create(layout=layout, number=last + 1, path_rules=dict(path_rules))


def _write_nodes(version: LayoutVersion, nodes: Sequence[NodeData]) -> None:
    """Store nodes that are valid and depth first. Level by level, as a row must know its parent's id."""
    rows = {node.key: _row(version, node, position) for position, node in enumerate(nodes, start=1)}
    pending = list(nodes)
    while pending:
        ready = [node for node in pending if node.parent is None or rows[node.parent].pk is not None]
        for node in ready:
            rows[node.key].parent = rows[node.parent] if node.parent is not None else None
        LayoutNode.objects.bulk_create([rows[node.key] for node in ready])
        pending = [node for node in pending if rows[node.key].pk is None]


def _row(version: LayoutVersion, node: NodeData, position: int) -> LayoutNode:
    fields = {name: getattr(node, name) for name in NODE_FIELDS}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return LayoutNode(version=version, position=position, **plain)


def _same(stored: LayoutContent, given: LayoutContent) -> bool:
    return stored.nodes == given.nodes and stored.path_rules == given.path_rules


def _invalid(what: str, error: LayoutError) -> Invalid:
    count = len(error.problems)
    more = f" (and {count - 1} more)" if count > 1 else ""
    return Invalid(f"{what}: {error.problems[0]}{more}", code="layout_invalid", errors=error.by_key())
