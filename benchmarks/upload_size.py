"""A large file through the admin's upload: how long it takes, and how much the worker that receives it grows.

    ENVIRONMENT=demo python -m benchmarks.upload_size [MEGABYTES]

A gunicorn with one worker on loopback, on a database and a folder for files of its own; the body is made as it is sent,
so that neither side holds it. No job runs: what is measured is the upload.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAGE = "/admin/omop/cdmsource/bulk-import/"
EMAIL, PASSWORD = "upload@example.org", "a long Passphrase 1!"
MEGABYTE = 1_000_000
_BOUNDARY = "boundary-of-the-upload"
CHOICES = (
    ("mode", "insert"),
    ("duplicates", "refuse"),
    ("date_order", "iso"),
    ("encoding", "utf-8"),
    ("quoting", "auto"),
    ("unknown_columns", "refuse"),
    ("long_text", "reject"),
    ("indexes", "auto"),
    ("earliest", "1950-01-01"),
)
_LINE = b"100000001,4,3025315,2020-01-31,,,32817,,48.1,,,,,,,,,,,,,,\n"


@dataclass(frozen=True)
class Measured:
    """`growth_mb` is the worker's peak of resident memory above its size after a first page; `status` of the answer;
    `stored` the bytes of what is on the disk, file by file."""

    megabytes: int
    seconds: float
    growth_mb: float
    status: int
    stored: dict[str, int]


def measure(megabytes: int, folder: Path) -> Measured:
    """Send one file of so many MB to a server whose database and files are in `folder`."""
    environment = _environment(folder)
    _manage(environment, "migrate", "-v", "0")
    _manage(
        {**environment, "DJANGO_SUPERUSER_EMAIL": EMAIL, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        *("createsuperuser", "--noinput", "-v", "0"),
    )
    with _server(environment) as (port, process):
        cookies = _sign_in(port)
        small = _send(port, cookies, 1)
        assert small[0] == 302, small
        worker = _worker(process.pid)
        Path(f"/proc/{worker}/clear_refs").write_text("5")  # the peak counts from here
        before = _memory(worker, "VmRSS")
        began = time.monotonic()
        status, _ = _send(port, cookies, megabytes)
        seconds = time.monotonic() - began
        growth = _memory(worker, "VmHWM") - before
    files = [path for path in (folder / "files").rglob("*") if path.is_file() and path.stat().st_size > 2 * MEGABYTE]
    stored = {path.name: path.stat().st_size for path in files}
    return Measured(megabytes, seconds, growth / MEGABYTE, status, stored)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ENVIRONMENT": "demo",
        "DATABASE_URL": f"sqlite:///{folder / 'upload.sqlite3'}",
        "MEDIA_ROOT": str(folder / "files"),
        "TMPDIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "benchmarks.upload_settings",
        "SECRET_KEY": "a key for the benchmark only, which is reachable from loopback alone",
    }


def _manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], env=environment, check=True)


@contextmanager
def _server(environment: dict[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    # The server is given a socket that listens: a port that was only free might be somebody else's by now, and a first
    # question waits until there is somebody to answer.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, handed = listening.getsockname()[1], listening.fileno()
        command = ["-m", "gunicorn", "augmed.wsgi:application", "--bind", f"fd://{handed}"]
        command += ["--workers", "1", "--threads", "4", "--log-level", "error"]
        process = subprocess.Popen([sys.executable, *command], env=environment, pass_fds=[handed])
    try:
        _ask(port, "GET", "/api/healthcheck", {})
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _ask(port: int, method: str, path: str, cookies: dict[str, str], body: str = "", kind: str = "") -> tuple[int, str]:
    """The status and the body; cookies that are set are added to `cookies`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if kind:
        headers["Content-Type"] = kind
    connection.request(method, path, body=body or None, headers=headers)
    answer = connection.getresponse()
    for line in answer.headers.get_all("Set-Cookie") or []:
        name, _, value = line.split(";")[0].partition("=")
        cookies[name] = value
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def _sign_in(port: int) -> dict[str, str]:
    cookies: dict[str, str] = {}
    _ask(port, "GET", "/sign-in/", cookies)
    form = f"csrfmiddlewaretoken={cookies['csrftoken']}&username={EMAIL}&password={PASSWORD.replace(' ', '+')}"
    status, _ = _ask(port, "POST", "/sign-in/?next=/admin/", cookies, form, "application/x-www-form-urlencoded")
    assert status == 302, status
    return cookies


def _send(port: int, cookies: dict[str, str], megabytes: int) -> tuple[int, str]:
    """Send the form as a browser does, its file made on the way."""
    _, page = _ask(port, "GET", PAGE, cookies)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    head = _field("csrfmiddlewaretoken", token[1]) + _part('name="uploaded"; filename="measurement.csv"')
    tail = b"\r\n" + b"".join(_field(name, value) for name, value in CHOICES)
    tail += _field("end_of_upload", "1") + f"--{_BOUNDARY}--\r\n".encode()
    size = megabytes * MEGABYTE
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.putrequest("POST", PAGE)
    connection.putheader("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))
    connection.putheader("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.endheaders()
    connection.send(head)
    piece = _LINE * (MEGABYTE // len(_LINE) + 1)
    for _ in range(megabytes):
        connection.send(piece[:MEGABYTE])
    connection.send(tail)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def _part(disposition: str) -> bytes:
    return f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()


def _field(name: str, value: str) -> bytes:
    return _part(f'name="{name}"') + value.encode() + b"\r\n"


def _worker(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(children[0])


def _memory(process: int, line: str) -> int:
    """Bytes, from /proc/PID/status."""
    found = re.search(rf"^{line}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        found = measure(megabytes, Path(folder))
    speed = found.megabytes / found.seconds
    print(f"{found.megabytes} MB in {found.seconds:.1f} s ({speed:.0f} MB/s), answer {found.status}")
    print(f"the worker grew by {found.growth_mb:.1f} MB; kept: {found.stored}")


if __name__ == "__main__":
    main()
