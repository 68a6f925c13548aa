"""Numbers as the pages of the import write them."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def thousands(number: int) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


@register.filter
def percent(share: float) -> str:
    """A percentage with as many digits as it needs, so that a small share is not 0."""
    if share == 0 or share >= 10:
        return f"{share:.0f} %"
    return f"{share:.2g} %" if share >= 0.001 else "< 0.001 %"


@register.filter
def lookup(counts: dict[str, Any], name: str) -> Any:
    """The value under a name that another variable holds."""
    return counts[name]
