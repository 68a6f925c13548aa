"""The case page, and the charts on it."""

from __future__ import annotations

import posixpath
import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from experiments.reviewing.reading import OpenedReview, opened_review, read_review
from experiments.reviewing.review_state import ReviewState, own_review, refuse_unless_due, refuse_unless_running
from experiments.screens.answering.review_form import Typed, panel_of
from experiments.screens.base import Screen
from experiments.screens.joining.steps import refuse_unless_joined
from experiments.screens.look.banner import preview_banner
from experiments.screens.reading.shown import case_of, texts_of


class ReviewPage(Screen):
    """A review: before its opening a page with the button that opens it, then the case with its questions."""

    def get(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        state = own_review(public_id=public_id, by=request.user)
        if not state.is_opened:
            return _before_opening(request, state)
        return review_page(request, opened_review(state))


class Chart(Screen):
    """The course of one feature: a part of the case page for htmx, else a page of its own."""

    def get(self, request: HttpRequest, public_id: uuid.UUID, number: int) -> HttpResponse:
        opened = read_review(public_id=public_id, by=request.user)
        case = case_of(opened, charts="")
        feature = case.by_number(number)
        if feature is None or not feature.is_course:
            raise Http404
        context = {"case": case, "feature": feature, "title": _title(opened.case_number), "opened": opened}
        if request.headers.get("HX-Request"):
            return render(request, "screens/reading/chart.html", context)
        return render(request, "screens/reading/chart_page.html", context)


def review_page(
    request: HttpRequest, opened: OpenedReview, *, typed: Typed | None = None, status: int = 200
) -> HttpResponse:
    """An opened review: the case and its questions, with what was typed where that is shown again."""
    texts = texts_of(opened)
    context = {
        "title": _title(opened.case_number),
        "case": case_of(opened, charts=_charts_from(request, opened), texts=texts),
        "panel": panel_of(opened, texts=texts, typed=typed),
        "opened": opened,
        "preview": preview_banner(opened.state),
        "texts_language": texts.language,
    }
    return render(request, "screens/reading/review.html", context, status=status)


def _before_opening(request: HttpRequest, state: ReviewState) -> HttpResponse:
    refuse_unless_running(state)
    refuse_unless_due(state)
    refuse_unless_joined(state.enrolment_id)
    context = {
        "title": _title(state.case_number),
        "public_id": state.public_id,
        "again": state.previous_submitted_at is not None,
        "preview": preview_banner(state),
    }
    return render(request, "screens/reading/unopened.html", context)


def _title(case_number: int) -> str:
    return _("Case %(number)s") % {"number": case_number}


def _charts_from(request: HttpRequest, opened: OpenedReview) -> str:
    """The address of the charts as seen from this page: a full one would stand in the page for every course."""
    return posixpath.relpath(posixpath.join(reverse("review", args=[opened.public_id]), "chart"), request.path) + "/"
