"""A client that knows the published contract and nothing else: what a browser with AugMed's client would do and show.

Its rules are those of section "Transport" of the contract: the token comes only from the `Authorization` header of a
2xx; 401 and 403 log out; a message is shown only from 500 on; no path ends in a slash; five seconds are the limit."""

from __future__ import annotations

import json
import uuid
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


class LoggedOut(Exception):
    """The client forgot its token and went to the log-in page."""


class Shown(Exception):
    """The client shows this text to its user."""


class ContractClient:
    def __init__(self, address: str) -> None:
        self.address = urlsplit(address).netloc
        self.token = ""
        self.statuses: list[int] = []

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: Any) -> Any:
        return self.request("POST", path, json.dumps(body).encode(), "application/json")

    def upload(self, path: str, content: bytes, **fields: str) -> Any:
        boundary = uuid.uuid4().hex
        parts = [_part(boundary, 'name="file"; filename="configs.csv"', b"text/csv", content)]
        parts += [_part(boundary, f'name="{name}"', None, value.encode()) for name, value in fields.items()]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self.request("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str | None = None) -> Any:
        assert not path.endswith("/")
        headers = {"Accept": "application/json, text/plain, */*"}
        if content_type:
            headers["Content-Type"] = content_type
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = HTTPConnection(self.address, timeout=5)
        try:
            connection.request(method, f"/api{path}", body, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        self.statuses.append(response.status)
        found = json.loads(text) if text else None
        if 200 <= response.status < 300:
            carried = response.headers["authorization"]
            if carried is not None:
                self.token = carried.split(" ")[1]
            return found
        if response.status in (401, 403):
            self.token = ""
            raise LoggedOut(response.status)
        if response.status >= 500 and found and found.get("error"):
            assert isinstance(found["error"]["message"], str)
            raise Shown(found["error"]["message"])
        raise Shown(f"Request failed with status code {response.status}")


def _part(boundary: str, disposition: str, kind: bytes | None, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n".encode()
    return head + (b"Content-Type: " + kind + b"\r\n" if kind else b"") + b"\r\n" + content + b"\r\n"
