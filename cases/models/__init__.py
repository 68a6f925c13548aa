from cases.models.case import Case
from cases.models.layout import LayoutNode, LayoutVersion, PageLayout
from cases.models.snapshot import CaseSnapshot, SnapshotFeature
from cases.models.source_change import SourceChange

__all__ = ["Case", "CaseSnapshot", "LayoutNode", "LayoutVersion", "PageLayout", "SnapshotFeature", "SourceChange"]
