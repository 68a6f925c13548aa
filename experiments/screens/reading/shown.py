"""The case page of an opened review: what it discloses, what of it is hidden now, in the reader's language."""

from __future__ import annotations

import json
from decimal import Decimal

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from augmed.foundation.canonical import canonical_decimal
from experiments.languages.texts import StudyTexts, texts_of_review
from experiments.reviewing.reading import OpenedReview, new_in
from experiments.reviewing.revealing import Hiding
from experiments.screens.reading.page import CasePage, case_page


def case_of(opened: OpenedReview, *, charts: str | None = None, texts: StudyTexts | None = None) -> CasePage:
    """What an opened review shows of its case now. `charts`: their address, shorter as seen from one page."""
    texts = texts or texts_of(opened)
    charts = reverse("review", args=[opened.public_id]) + "chart/" if charts is None else charts
    hiding = opened.hiding
    return case_page(
        json.loads(opened.disclosed),
        hidden=frozenset() if hiding is None else hiding.hidden,
        texts=texts,
        charts=charts,
        reveal_url="" if hiding is None else reverse("review_reveal", args=[opened.public_id]),
        reveal_cost="" if hiding is None else cost_in_words(hiding, texts),
        notes=dict.fromkeys(new_in(opened.state), _("New")),
    )


def texts_of(opened: OpenedReview) -> StudyTexts:
    """At most one statement, and none once its protocol has been read."""
    return texts_of_review(protocol_id=opened.protocol_id, experiment_id=opened.state.experiment_id)


def cost_in_words(hiding: Hiding, texts: StudyTexts) -> str:
    """What asking for one hidden feature costs; "" where nothing is counted."""
    if hiding.cost is None:
        return ""
    cost = number_format(Decimal(canonical_decimal(hiding.cost)))  # 5, also where a database says 5.00
    price = f"{cost} {texts(hiding.unit) if hiding.unit else ''}".strip()
    return _("Each that you ask for costs %(price)s.") % {"price": price}
