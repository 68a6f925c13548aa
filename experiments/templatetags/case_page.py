"""What the case page's templates say of a feature's course."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments.screens.reading.charts import course_svg
from experiments.screens.reading.entries import ShownEntry, when
from experiments.screens.reading.page import ShownFeature

register = template.Library()

DAY = "j M Y"
"""22 Sep 2003: read alike everywhere, where figures alone are not."""


@register.simple_tag
def course_chart(feature: ShownFeature, prefix: str = "") -> SafeString:
    svg = course_svg(
        feature.entries,
        title=feature.label,
        description=described(feature.entries),
        identifier=f"{prefix}c{feature.number}",
    )
    return mark_safe(svg)  # noqa: S308  course_svg escapes every text


@register.filter
def newest_first(entries: Sequence[ShownEntry]) -> list[ShownEntry]:
    return sorted(entries, key=when, reverse=True)


def described(entries: Sequence[ShownEntry]) -> str:
    """A course in words, for those who do not see its chart."""
    ordered = sorted(entries, key=when)
    lowest, highest = (pick(entries, key=lambda entry: entry.number or 0) for pick in (min, max))
    words = _("%(start)s to %(end)s: first %(first)s, lowest %(lowest)s, highest %(highest)s, latest %(latest)s.") % {
        "start": date_format(when(ordered[0]), DAY),
        "end": date_format(when(ordered[-1]), DAY),
        "first": ordered[0].value,
        "lowest": lowest.value,
        "highest": highest.value,
        "latest": ordered[-1].text,
    }
    if outside := sum(1 for entry in entries if entry.flag):
        words += " " + ngettext(
            "%(count)d value outside its range.", "%(count)d values outside their range.", outside
        ) % {"count": outside}
    return words
