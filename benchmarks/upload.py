"""Upload of display configs: 100 participants x 100 existing cases, 10 rows each, through gunicorn, as a form is sent.

Once with one list of paths for all, once with 10,000 different ones that spell values and styles. Each run makes its
own participants, as nothing of what was uploaded is ever removed; the cases are kept."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.requests import server
from benchmarks.seed import tree
from cases.models import Case, LayoutNode, LayoutVersion, PageLayout
from cases.tree import features
from experiments.tests.factories import make_case, make_layout
from participants.models import Profile, User
from participants.tokens import access_token_for

PEOPLE, CASES, ROWS = 100, 100, 10
NAME = "Upload test layout"
FIRST_CASE = 7_000_000
MOST_SECONDS = 5.0
MOST_GROWTH_MB = 150
HEADER = "User,Case No.,Path,Collapse,Highlight,Top"
PREVIEW, UPLOAD = "/api/admin/config/upload/preview", "/api/admin/config/upload"
STEPS = ("preview", "upload", "the same again")
Say = Callable[[str], None]


@dataclass(frozen=True)
class UploadRow:
    """One request: how long until its answer was read, how long the server had a processor, and how much the worker
    that answered it has grown by then."""

    lists: str
    step: str
    seconds: float
    cpu_seconds: float
    floor_seconds: float
    answered_bytes: int
    growth_mb: float


def measure(say: Say) -> list[UploadRow]:
    _cases()
    rows = []
    for lists, distinct in (("one for all", False), ("10,000 different", True)):
        content = file(_people(), distinct=distinct)
        token = access_token_for(_administrator())
        # A server of its own, so that its growth is that of these requests.
        with server() as port:
            _warm(port, token)
            workers = _workers(port)
            floor = _post(port, PREVIEW, token, b"no header\n" + content).seconds
            before = _peaks(workers)
            for step in STEPS:
                busy = _cpu_seconds(workers)
                answer = _post(port, PREVIEW if step == "preview" else UPLOAD, token, content)
                cpu = _cpu_seconds(workers) - busy
                growth = max(map(float.__sub__, _peaks(workers), before))
                rows.append(UploadRow(lists, step, answer.seconds, cpu, floor, len(answer.body), growth))
                say(f"  {lists:<17}{step:<15}{answer.seconds:6.2f} s, {cpu:.2f} s of a processor, {growth:.0f} MB more")
    return rows


def file(people: list[str], *, distinct: bool) -> bytes:
    """The rows as text. Every list has a plain feature, and laboratory values, by their values where lists differ."""
    return "\n".join([HEADER, *_lines(people, distinct), ""]).encode()


def _lines(people: list[str], distinct: bool) -> Iterator[str]:
    draw = random.Random(1)
    values = [
        [f"{feature.label}: {feature.entries[0].text}" for feature, labels in features(tree(at)) if len(labels) == 3]
        for at in range(CASES)
    ]
    plain = [f"Laboratory value {number}" for number in range(ROWS - 1)]
    for email in people:
        for at in range(CASES):
            for name in draw.sample(values[at], ROWS - 1) if distinct else plain:
                style = _style(draw) if distinct else ",TRUE,"
                yield f"{email},{FIRST_CASE + at},Findings.Laboratory.{name},{style}"
            yield f"{email},{FIRST_CASE + at},Patient.Age,FALSE,,"


def _style(draw: random.Random) -> str:
    flags = ("", "TRUE", "FALSE")
    return f"{draw.choice(flags)},{draw.choice(flags)},{draw.choice(('', '1', '2.5'))}"


def _cases() -> None:
    """Under the default layout, which shows ages by itself as imported ones do."""
    version = LayoutVersion.objects.filter(layout__name=NAME).first()
    if version is None:
        version = make_layout(NAME)
        LayoutNode.objects.filter(version=version, key="age").update(visibility="always")
        for at in range(CASES):
            make_case(layout_version=version, tree=tree(at), number=FIRST_CASE + at)
    PageLayout.objects.filter(is_default=True).update(is_default=False)
    PageLayout.objects.filter(name=NAME).update(is_default=True)
    assert Case.objects.filter(number__gte=FIRST_CASE, number__lt=FIRST_CASE + CASES).count() == CASES


def _people() -> list[str]:
    run = uuid.uuid4().hex[:8]
    users = [User(email=f"upload-{run}-{at}@example.org", password="!") for at in range(PEOPLE)]
    Profile.objects.bulk_create(Profile(user=user) for user in User.objects.bulk_create(users))
    return [user.email for user in users]


def _administrator() -> User:
    found = User.objects.filter(email="upload@example.org").first()
    return found or User.objects.create_superuser("upload@example.org", uuid.uuid4().hex)


@dataclass(frozen=True)
class _Answer:
    seconds: float
    body: bytes


def _post(port: int, path: str, token: str, content: bytes) -> _Answer:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="configs.csv"\r\n'
    body = b"".join([head.encode(), b"Content-Type: text/csv\r\n\r\n", content, f"\r\n--{boundary}--\r\n".encode()])
    headers = {"Authorization": f"Bearer {token}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    begun = time.perf_counter()
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    received = response.read()
    answer = _Answer(time.perf_counter() - begun, received)
    connection.close()
    found = json.loads(answer.body)
    if response.status != 200:
        raise SystemExit(f"{path} answered {response.status}: {str(found)[:300]}")
    return answer


def _workers(port: int) -> list[int]:
    """The processes of the server, the master too, which never grows."""
    listed = subprocess.run(["pgrep", "-f", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    return [int(pid) for pid in listed.stdout.split()]


def _warm(port: int, token: str) -> None:
    """Let both workers import and connect, which a server does once."""
    for _ in range(8):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("GET", "/api/admin/users/0", headers={"Authorization": f"Bearer {token}"})
        connection.getresponse().read()
        connection.close()


def _peaks(workers: list[int]) -> list[float]:
    """The most megabytes that each has ever held."""
    return [_peak(Path(f"/proc/{pid}/status").read_text()) for pid in workers]


def _peak(status: str) -> float:
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _cpu_seconds(workers: list[int]) -> float:
    """Of all together, in user and in system mode."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split() for pid in workers]
    return sum(int(found[11]) + int(found[12]) for found in fields) / os.sysconf("SC_CLK_TCK")
