"""Start an import: files from one's computer, or a folder of the server; the check begins at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_protect

from augmed.foundation.errors import DomainError, Invalid
from augmed.foundation.models import Job
from omop import actions, folders, uploads
from omop.admin.imports.base import ImportPages
from omop.admin.imports.forms import FolderForm, UploadForm
from omop.admin.imports.receiving import END, DiskUploadHandler, came_whole
from omop.admin.imports.recent import recent
from omop.admin.imports.usage import require_fitting
from omop.sources import ImportSource

_SALT = "omop.admin.imports.kept"
_BROKEN = "The upload broke off before its end, and nothing of it was kept. Send the files again."


class StartPages(ImportPages):
    """The first page, and the chooser of the server's folders."""

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Take files and start the check. Asks the verb before a byte of the body is read."""
        self._require_verb(request)
        handler = DiskUploadHandler(request)
        request.upload_handlers = [handler]
        try:
            return csrf_protect(lambda request: self._upload(request, handler))(request)
        finally:
            handler.discard()

    # The token is in the body, which must not be read before the handler is set: `upload` checks it itself.
    upload.csrf_exempt = True  # type: ignore[attr-defined]

    def _upload(self, request: HttpRequest, handler: DiskUploadHandler) -> HttpResponse:
        posted = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if posted else UploadForm()
        kept = ""
        if posted:
            try:
                kept = self._kept(request, form, handler)
                if form.is_valid():
                    source = ImportSource("upload", kept)
                    require_fitting(source, form.options)
                    job = actions.start_import(source=source, options=form.options, by=request.user)
                    return self._started(request, job)
            except DomainError as error:
                form.refuse(error, "uploaded")
        if posted and request.headers.get("Accept") == "application/json":
            return JsonResponse({"errors": form.errors, "kept": _sign(kept, request)}, status=422)
        context = {
            "form": form,
            "kept": _sign(kept, request),
            "kept_files": [path.name for path in ImportSource("upload", kept).paths()] if kept else [],
            "recent": recent(request.user),
            "folders": folders.roots(),
            "end": END,
            "limit": settings.OMOP_UPLOAD_MAX_MB * 1_000_000,
            "limit_words": f"{settings.OMOP_UPLOAD_MAX_MB:,} MB",
        }
        return self._page(request, "start.html", context, status=422 if posted else 200)

    def _kept(self, request: HttpRequest, form: UploadForm, handler: DiskUploadHandler) -> str:
        """The name of the upload: one received now, or one received before whose choices were wrong."""
        if handler.problem:
            raise Invalid(handler.problem)
        if not came_whole(request):
            raise Invalid(_BROKEN)
        files = request.FILES.getlist("uploaded")
        if not files and (name := _unsign(request.POST.get("kept", ""), request)):
            uploads.folder(name)
            return name
        form.is_valid()  # an empty file is the form's to refuse
        if "uploaded" in form.errors:
            return ""
        return uploads.receive(files=files, by=request.user)

    def _started(self, request: HttpRequest, job: Job) -> HttpResponse:
        there = self._to_run(job)
        if request.headers.get("Accept") == "application/json":
            return JsonResponse({"location": there.url})
        return there

    def folder(self, request: HttpRequest) -> HttpResponse:
        """Show a folder of the server; a POST checks its files, or those of them that are ticked."""
        self._require_verb(request)
        asked = request.POST if request.method == "POST" else request.GET
        context: dict[str, Any] = {"roots": list(enumerate(folders.roots())), "title": "Import from a folder"}
        if "root" not in asked:
            return self._page(request, "folder.html", {**context, "form": FolderForm()})
        form = FolderForm(request.POST) if request.method == "POST" else FolderForm()
        try:
            root = int(asked["root"]) if asked["root"].isdecimal() else -1
            listing = folders.listing(root, asked.get("path", ""))
        except Invalid as error:
            return self._page(request, "folder.html", {**context, "form": form, "problem": error.detail}, status=404)
        form.choose_from([file.name for file in listing.files], all_of_them=listing.truncated)
        if request.method == "POST" and form.is_valid():
            place = folders.locate(listing.root, listing.path)
            source = ImportSource("folder", str(place), tuple(form.cleaned_data["names"]))
            try:
                require_fitting(source, form.options)
                return self._to_run(actions.start_import(source=source, options=form.options, by=request.user))
            except DomainError as error:
                form.refuse(error, None)
        context |= {"form": form, "listing": listing, "root_path": folders.roots()[listing.root]}
        return self._page(request, "folder.html", context, status=422 if request.method == "POST" else 200)


def _sign(name: str, request: HttpRequest) -> str:
    user: Any = request.user
    return signing.dumps([name, user.pk], salt=_SALT) if name else ""


def _unsign(text: str, request: HttpRequest) -> str:
    """The upload that this person sent before; empty where the text says nothing of the kind."""
    user: Any = request.user
    try:
        name, owner = signing.loads(text, salt=_SALT, max_age=uploads.KEPT_SECONDS)
    except signing.BadSignature:
        return ""
    return str(name) if owner == user.pk else ""
