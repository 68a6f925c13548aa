"""Numbers as the pages of imports and of data quality write them."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def thousands(number: int) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


@register.filter
def percent(share: float) -> str:
    """A percentage of rows. What is not 0 never reads as 0, what is not all never as 100, and what is more than is
    tolerated hardly ever as the same."""
    if share and share < 0.01:
        return "under 0.01 %"
    if 99.99 < share < 100:
        return "over 99.99 %"
    return f"{share:.2f}".rstrip("0").rstrip(".") + " %"


@register.filter
def lookup(counts: dict[str, Any], name: str) -> Any:
    """The value under a name that another variable holds."""
    return counts[name]
