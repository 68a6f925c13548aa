"""The admin of cases and layouts, and "Put forward for review" on the visits' page."""

from cases.admin.case import CaseAdmin
from cases.admin.layout import PageLayoutAdmin
from cases.admin.layout_version import LayoutVersionAdmin
from cases.admin.visits import offer_put_forward

__all__ = ["CaseAdmin", "LayoutVersionAdmin", "PageLayoutAdmin"]

offer_put_forward()
