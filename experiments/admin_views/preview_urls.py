"""Addresses of a study's previews in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from experiments.admin_views import preview_links, previews, side_by_side

_NAME = "experiments_experiment"


def preview_urls(view: Callable[[Any], Any]) -> list[URLPattern]:
    """`view` makes a page the admin's: for staff who are signed in."""
    study, one = "<int:experiment_id>/previews/", "<int:experiment_id>/previews/<int:preview_id>/"
    links = f"{study}links/"
    return [
        path(study, view(previews.previews), name=f"{_NAME}_previews"),
        path(f"{study}as-arm/", view(previews.as_arm), name=f"{_NAME}_preview_as_arm"),
        path(f"{study}as-participant/", view(previews.as_participant), name=f"{_NAME}_preview_as_participant"),
        path(f"{study}side-by-side/", view(side_by_side.side_by_side), name=f"{_NAME}_side_by_side"),
        path(links, view(preview_links.links), name=f"{_NAME}_preview_links"),
        path(f"{links}<int:link_id>/revoke/", view(preview_links.revoke), name=f"{_NAME}_preview_link_revoke"),
        path(f"{one}again/", view(previews.again), name=f"{_NAME}_preview_again"),
        path(f"{one}go-on/", view(previews.go_on), name=f"{_NAME}_preview_go_on"),
    ]
