"""Writes to cases, snapshots and layouts. Views, the admin, jobs and commands call these."""

from cases.actions.cases import make_training_case, record_case_viewed, set_index_time
from cases.actions.layouts import (
    import_layout,
    make_default,
    new_layout_version,
    set_layout_nodes,
)
from cases.actions.put_forward import PutForwardResult, put_forward
from cases.actions.snapshots import (
    SnapshotsBuilt,
    build_snapshot,
    build_snapshots,
    rebuild_snapshot,
    redact_snapshot,
)

__all__ = [
    "PutForwardResult",
    "SnapshotsBuilt",
    "build_snapshot",
    "build_snapshots",
    "import_layout",
    "make_default",
    "make_training_case",
    "new_layout_version",
    "put_forward",
    "rebuild_snapshot",
    "record_case_viewed",
    "redact_snapshot",
    "set_index_time",
    "set_layout_nodes",
]
