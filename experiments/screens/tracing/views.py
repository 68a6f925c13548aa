"""What the script of the case page tells, and asking for a hidden feature."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from experiments.actions.events import record_events
from experiments.actions.revealing import reveal_feature
from experiments.screens.base import Screen
from experiments.screens.reading.shown import case_of
from experiments.screens.tracing.sent import sent_events


class EventsView(Screen):
    """A batch of what was looked at and changed. Sent again, it changes nothing."""

    def post(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        events = sent_events(request.POST.get("events", ""))
        record_events(public_id=public_id, events=events, by=request.user)
        return HttpResponse(status=204)


class RevealView(Screen):
    """Shows a feature that was hidden: in its place, or without JavaScript on the page that is loaded again."""

    def post(self, request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
        key = request.POST.get("feature", "")
        revealed = reveal_feature(public_id=public_id, feature=key, by=request.user)
        if not request.headers.get("HX-Request"):
            return HttpResponseRedirect(reverse("review", args=[public_id]), status=303)
        case = case_of(revealed.opened)
        return render(request, "screens/reading/feature.html", {"feature": case.by_key(key), "case": case})
