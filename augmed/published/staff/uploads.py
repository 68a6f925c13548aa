"""Uploading AugMed's display-config CSV: the preview and the upload, as the published client's page asks for them."""

from __future__ import annotations

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.canonical import sha256_hex
from augmed.published import errors
from augmed.published.base import PublishedView, answer
from augmed.published.envelope import error_body
from augmed.published.errors import PublishedError, Refused
from augmed.published.staff.permissions import MayDesign
from augmed.published.staff.upload_shapes import errors_json, preview_json, upload_json
from experiments.actions.display_configs import InvalidRows, apply_parsed, preview_parsed
from experiments.display_configs.parsing import LARGEST_BYTES, ParsedFile, parse
from participants.authentication import STAFF_AUTHENTICATION

FIELDS = {"experiment_id": "Experiment", "arm": "Arm", "policy_id": "Policy"}
BY_COLUMN = {"User": errors.INVALID_USER_EMAIL, "Case No.": errors.INVALID_CASE_ID}


class FileRefused(Exception):
    """There is no file that could be read. The original told the code by a list, and the name as the message."""

    def __init__(self, refused: Refused, name: str) -> None:
        self.refused, self.name = refused, name
        super().__init__(name)


class _DisplayConfigsView(PublishedView):
    authentication_classes = STAFF_AUTHENTICATION
    permission_classes = [MayDesign]
    parser_classes = [MultiPartParser]

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, FileRefused):
            body = error_body(400, exc.refused.message)
            body["error"] = {"code": [exc.refused.code, exc.refused.message], "message": exc.name}
            return Response(body, status=400)
        if isinstance(exc, InvalidRows):
            refused = BY_COLUMN.get(exc.rows[0].column, errors.CONFIG_FILE_INCORRECT)
            body = error_body(refused.code, f"{refused.message} Error:{exc.detail}")
            body["error"] |= {"rows": errors_json(exc.rows), "row_count": exc.count}
            return Response(body, status=errors.BUSINESS_STATUS)
        return super().handle_exception(exc)


class PreviewView(_DisplayConfigsView):
    def post(self, request: Request) -> Response:
        """What the file would do, and all that is wrong with it. Answered with 200 in any case: the client has no place
        for the message of a refusal here, but it shows the configs, among which the wrong rows stand."""
        parsed, sha256 = _read(request)
        return answer(preview_json(preview_parsed(parsed=parsed, by=request.user, sha256=sha256)))


class UploadView(_DisplayConfigsView):
    def post(self, request: Request) -> Response:
        parsed, sha256 = _read(request)
        return answer(upload_json(apply_parsed(parsed=parsed, by=request.user, sha256=sha256)))


def _read(request: Request) -> tuple[ParsedFile, str]:
    """The file, under what the form says of all its rows, and the hash of its bytes."""
    try:
        file = request.FILES.get("file")
    except UnsupportedMediaType:  # no form at all
        file = None
    if file is None:
        raise FileRefused(errors.NO_FILE_PART, "NoFilePart")
    if not str(file.name).lower().endswith(".csv"):
        raise FileRefused(errors.INVALID_FILE_EXTENSION, "InvalidFileExtension")
    if file.size is None or file.size > LARGEST_BYTES:
        text = f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB."
        raise PublishedError(errors.CONFIG_FILE_INCORRECT, detail=text, status=413)
    said = {column: str(request.data.get(name, "")).strip() for name, column in FIELDS.items()}
    content = file.read()
    return parse(content, {column: text for column, text in said.items() if text}), sha256_hex(content)
