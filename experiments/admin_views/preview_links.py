"""The links of a study for colleagues and ethics boards: make one, see which there are, revoke one."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST

from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions.preview_links import MOST_DAYS, make_preview_link, revoke_preview_link
from experiments.admin_tools import show_refusal, study_or_404
from experiments.models import Experiment, PreviewLink, ProtocolVersion

USUAL_DAYS = 30
MOST_LISTED = 100


def links(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """A link that was just made is shown once, on the page that answers: it is in no address and no message."""
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    made = _make(request, experiment) if request.method == "POST" else ""
    listed = experiment.preview_links.select_related("created_by", "protocol").order_by("-created_at", "-pk")
    usual = "" if experiment.protocol is None else str(experiment.protocol.number)
    context = {
        **admin.site.each_context(request),
        "title": "Links for colleagues",
        "subtitle": experiment.name,
        "experiment": experiment,
        "links": list(listed[:MOST_LISTED]),
        "now": timezone.now(),
        "made": made,
        "label": "" if made else request.POST.get("label", ""),
        "days": request.POST.get("days", USUAL_DAYS),
        "protocols": list(experiment.protocol_versions.order_by("-number").only("number", "created_at")),
        "protocol_chosen": request.POST.get("protocol", usual),
        "most_days": MOST_DAYS,
    }
    response = TemplateResponse(request, "admin/experiments/preview_links.html", context)
    add_never_cache_headers(response)
    return response


@require_POST
def revoke(request: HttpRequest, experiment_id: int, link_id: int) -> HttpResponse:
    experiment = study_or_404(request, experiment_id, Verb.CHANGE_DESIGN)
    link = get_object_or_404(PreviewLink, pk=link_id, experiment=experiment)
    revoke_preview_link(link=link, by=request.user)
    messages.success(request, f"The link for {link.label} shows nothing any more.")
    return redirect("admin:experiments_experiment_preview_links", experiment.pk)


def _make(request: HttpRequest, experiment: Experiment) -> str:
    """The address of the new link; '' where it was refused, and that is said."""
    days, number = request.POST.get("days", ""), request.POST.get("protocol", "")
    try:
        made = make_preview_link(
            experiment=experiment,
            label=request.POST.get("label", ""),
            days=int(days) if days.isdecimal() and len(days) < 5 else 0,
            protocol=_protocol(experiment, number),
            by=request.user,
        )
    except DomainError as error:
        show_refusal(request, error)
        return ""
    return request.build_absolute_uri(reverse("look", args=[made.secret]))


def _protocol(experiment: Experiment, number: str) -> ProtocolVersion | None:
    """The protocol version of this number; None for the working design. One that is not there is 404: no other design
    is shown in its stead."""
    if not number:
        return None
    wanted = int(number) if number.isdecimal() and len(number) < 6 else 0
    return get_object_or_404(experiment.protocol_versions, number=wanted)
