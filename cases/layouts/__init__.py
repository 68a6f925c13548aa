"""Page layouts: what a layout is as plain values, its checks, its JSON, and AugMed's page_config."""

from cases.layouts.content import LayoutContent, LayoutError, NodeData, NodeProblem
from cases.layouts.reading import (
    LayoutNodeDescription,
    advice_nodes,
    export_layout,
    layout_content,
    layout_nodes,
    matrix_nodes,
    node_order,
    path_rules,
)

__all__ = [
    "LayoutContent",
    "LayoutError",
    "LayoutNodeDescription",
    "NodeData",
    "NodeProblem",
    "advice_nodes",
    "export_layout",
    "layout_content",
    "layout_nodes",
    "matrix_nodes",
    "node_order",
    "path_rules",
]
