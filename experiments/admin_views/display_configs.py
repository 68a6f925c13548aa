"""Upload AugMed's display-config CSV: choose a file, look at what it would do, confirm. For who may change a design."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import DomainError
from augmed.foundation.permissions import Verb
from experiments.actions import display_configs
from experiments.admin_tools import may_in_study, show_refusal
from experiments.display_configs.parsing import LARGEST_BYTES

KEPT_SECONDS = 24 * 3600
MOST_ON_PAGE = 200


def upload(request: HttpRequest) -> HttpResponse:
    _refuse_strangers(request)
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            problem = "Choose a file first."
        elif file.size is None or file.size > LARGEST_BYTES:
            problem = f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB."
        else:
            sha256 = _keep(request, file.read())
            return redirect(f"{reverse('admin:experiments_display_configs_preview')}?file={sha256}")
    context = {**_context(request, "Upload display configs"), "problem": problem}
    return TemplateResponse(
        request, "admin/experiments/display_configs_upload.html", context, status=422 if problem else 200
    )


def preview(request: HttpRequest) -> HttpResponse:
    _refuse_strangers(request)
    asked = request.POST if request.method == "POST" else request.GET
    path = _path(request, asked.get("file", ""))
    if path is None or not path.exists():
        messages.error(request, "This upload is no longer there. Choose the file again.")
        return redirect("admin:experiments_display_configs")
    content = path.read_bytes()
    if request.method == "POST" and "cancel" in request.POST:
        path.unlink(missing_ok=True)
        messages.info(request, "Nothing was uploaded.")
        return redirect("admin:experiments_display_configs")
    try:
        if request.method == "POST":
            return _apply(request, path, content)
        found = display_configs.preview(file=content, by=request.user)
    except DomainError as error:
        show_refusal(request, error)
        return redirect("admin:experiments_display_configs")
    context = {
        **_context(request, "Display configs: what the file would do"),
        "found": found,
        "errors": found.errors[:MOST_ON_PAGE],
        "kept": found.kept[:MOST_ON_PAGE],
        "also_discloses": found.also_discloses[:MOST_ON_PAGE],
        "changes": found.added + found.replaced,
        "file": sha256_hex(content),
    }
    return TemplateResponse(request, "admin/experiments/display_configs_preview.html", context)


def _apply(request: HttpRequest, path: Path, content: bytes) -> HttpResponse:
    if request.POST.get("supplies") and "confirm_supplies" not in request.POST:
        messages.error(request, "Confirm the values that the file supplies, then upload.")
        return redirect(f"{request.path}?file={sha256_hex(content)}")
    done = display_configs.apply(file=content, by=request.user)
    path.unlink(missing_ok=True)
    context = {
        **_context(request, "Display configs: uploaded"),
        "done": done,
        "kept": done.kept[:MOST_ON_PAGE],
    }
    return TemplateResponse(request, "admin/experiments/display_configs_result.html", context)


def _refuse_strangers(request: HttpRequest) -> None:
    user: Any = request.user
    if not (may_in_study(request, Verb.CHANGE_DESIGN, None) or (user.is_staff and user.may(Verb.CREATE_EXPERIMENT))):
        raise PermissionDenied


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "display-configs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _path(request: HttpRequest, sha256: str) -> Path | None:
    """Where the file of this person and hash is kept between preview and confirmation."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    return _folder() / f"{request.user.pk}-{sha256}.csv"


def _keep(request: HttpRequest, content: bytes) -> str:
    """Keep the bytes until they are confirmed. The file names people, so what nobody confirmed in a day goes."""
    sha256 = sha256_hex(content)
    path = _path(request, sha256)
    assert path is not None
    for old in path.parent.glob("*.csv"):
        if old.stat().st_mtime < time.time() - KEPT_SECONDS:
            old.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
    return sha256


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "most": MOST_ON_PAGE}
