"""The body of a request is JSON of a size that can be read, or it is refused."""

from __future__ import annotations

from io import BytesIO
from typing import Any, ClassVar

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class TooLarge(APIException):
    status_code = 413
    default_detail = "The request is too large."
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """DRF's parser reads whatever is sent, and takes nesting deeper than Python's stack for a fault of ours."""

    largest: ClassVar[int] = 20 * 2**20  # bytes; what the documented site lets through

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read(self.largest + 1)
        if len(body) > self.largest:
            raise TooLarge
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - it is nested too deeply.") from error


class SmallJSONParser(BoundedJSONParser):
    """For those who are not signed in: 20 MB of brackets become 550 MB of memory."""

    largest = 2**16
