"""Requests per second and latencies of what participants do, beside the floors, against gunicorn on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import load, seed
from benchmarks.load import Call, Result
from experiments.attention import CHECK_KEY, RIGHT_ANSWER
from experiments.models import Experiment
from participants.models import User
from participants.tokens import access_token_for

CLIENTS = (1, 8, 32)
SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
WARM_UP = 200  # of each kind, twice: every thread has its connection and its plans before anything is timed
BATCH = 4_000  # calls prepared for one phase; a phase ends when they or its time run out
ANSWERS = {"diagnosis": "yes", "risk": 30, "remarks": "A remark of ordinary length about this case."}


@dataclass(frozen=True)
class Row:
    """One line of the table: a request at a number of clients, and its ratio to the floor of the same run."""

    name: str
    clients: int
    result: Result
    floor: Result
    bar: float | None

    @property
    def ratio(self) -> float:
        return self.result.per_second / self.floor.per_second


def measure(experiment: Experiment, say: Callable[[str], None]) -> list[Row]:
    tokens = {user.pk: access_token_for(user) for user in User.objects.filter(email__startswith="load")}
    rows: list[Row] = []
    with server() as port:
        sizes = _sizes(port, experiment, tokens)
        keys = seed.set_floor_payloads(sizes)
        say(f"bytes answered: {sizes}")
        _warm_up(port, experiment, tokens, keys)
        for clients in CLIENTS:
            tokens = {user.pk: access_token_for(user) for user in User.objects.filter(email__startswith="load")}
            rows += _at(port, experiment, tokens, keys, clients, say)
    return rows


def _warm_up(port: int, experiment: Experiment, tokens: dict[int, str], keys: dict[str, int]) -> None:
    """Each kind of request and both floors, before and after statistics of what is in the tables now, which end all
    plans: a server that runs for days has long done so."""
    for _ in range(2):
        seed.analyze()
        targets = seed.unopened_reviews(experiment, skip=0, count=WARM_UP)
        users = [tokens[user] for user, _ in targets]
        for calls in (
            [Call("GET", f"/floor/read/{keys['case'] + at}", token) for at, token in enumerate(users)],
            [Call("POST", f"/floor/write/{keys['case'] + at}", token) for at, token in enumerate(users)],
            [Call("POST", f"/api/v2/reviews/{review}/open", tokens[user]) for user, review in targets],
            [Call("GET", f"/api/v2/reviews/{review}/case", tokens[user]) for user, review in targets],
            [Call("GET", "/api/v2/reviews/next", token) for token in users],
        ):
            load.run(port, calls, clients=8, seconds=60)
        load.run(port, _submits(port, targets, tokens), clients=8, seconds=60)


def _at(
    port: int,
    experiment: Experiment,
    tokens: dict[int, str],
    keys: dict[str, int],
    clients: int,
    say: Callable[[str], None],
) -> list[Row]:
    """All phases at one number of clients: each between two runs of its floor, whose mean it is held against."""
    targets = seed.unopened_reviews(experiment, skip=0, count=BATCH)
    token_list = list(tokens.values())

    def phase(calls: list[Call]) -> Result:
        return load.run(port, calls, clients=clients, seconds=SECONDS)

    def floor(kind: str, name: str) -> Result:
        method = "GET" if kind == "read" else "POST"
        calls = [
            Call(method, f"/floor/{kind}/{keys[name] + at % seed.FLOOR_ROWS}", token_list[at % len(token_list)])
            for at in range(BATCH * 4)
        ]
        return phase(calls)

    rows = []

    def row(name: str, kind: str, size_of: str, calls: list[Call], bar: float) -> Result:
        before = floor(kind, size_of)
        result = phase(calls)
        after = floor(kind, size_of)
        rows.append(Row(name, clients, result, _merged(before, after), bar))
        say(f"  {clients:>2} clients {name:<14} {result.per_second:8.0f}/s  ratio {rows[-1].ratio:.2f}")
        return result

    opened = row(
        "first opening",
        "write",
        "case",
        [Call("POST", f"/api/v2/reviews/{review}/open", tokens[user]) for user, review in targets],
        0.35,
    )
    done = targets[: opened.requests]
    row(
        "reopening",
        "read",
        "case",
        [Call("GET", f"/api/v2/reviews/{review}/case", tokens[user]) for user, review in done * 8],
        0.5,
    )
    row(
        "next review",
        "read",
        "next",
        [Call("GET", "/api/v2/reviews/next", token_list[at % len(token_list)]) for at in range(BATCH * 4)],
        0.5,
    )
    row("submit", "write", "submit", _submits(port, done, tokens), 0.35)
    return rows


def _submits(port: int, opened: Sequence[tuple[int, str]], tokens: dict[int, str]) -> list[Call]:
    version = _questionnaire_version(port, opened[0], tokens)
    checked = seed.asking_a_check(review for _, review in opened)
    return [
        Call("POST", f"/api/v2/reviews/{review}/answer", tokens[user], _body(version, review in checked))
        for user, review in opened
    ]


def _merged(first: Result, second: Result) -> Result:
    return Result(
        first.requests + second.requests,
        first.seconds + second.seconds,
        first.latencies_ms + second.latencies_ms,
        first.failed + second.failed,
        second.last_body_bytes,
    )


def _sizes(port: int, experiment: Experiment, tokens: dict[int, str]) -> dict[str, int]:
    """How many bytes each kind of answer has, so that the floors answer as many."""
    ((user, review),) = seed.unopened_reviews(experiment, skip=0, count=1)
    opened = load.run(port, [Call("POST", f"/api/v2/reviews/{review}/open", tokens[user])], clients=1, seconds=20)
    upcoming = load.run(port, [Call("GET", "/api/v2/reviews/next", tokens[user])], clients=1, seconds=20)
    (answer,) = _submits(port, [(user, review)], tokens)
    submitted = load.run(port, [answer], clients=1, seconds=20)
    for name, result in (("open", opened), ("next", upcoming), ("submit", submitted)):
        if result.failed:
            raise SystemExit(f"The request {name!r} was refused; the benchmark does not fit the API.")
    return {
        "case": opened.last_body_bytes,
        "next": upcoming.last_body_bytes,
        "submit": max(submitted.last_body_bytes, len(answer.body)),
    }


def _body(version: str, is_checked: bool) -> str:
    answers = {**ANSWERS, CHECK_KEY: RIGHT_ANSWER} if is_checked else ANSWERS
    return json.dumps({"questionnaire_version": version, "answers": answers})


def _questionnaire_version(port: int, target: tuple[int, str], tokens: dict[int, str]) -> str:
    import http.client

    user, review = target
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {tokens[user]}"}
    connection.request("GET", f"/api/v2/reviews/{review}/questionnaire", headers=headers)
    return str(json.loads(connection.getresponse().read())["version"])


@contextmanager
def server() -> Iterator[int]:
    """gunicorn with 2 workers x 4 threads on a free port of loopback; ended with everything it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "augmed.wsgi:application",
            "--bind",
            f"127.0.0.1:{port}",
            "--workers",
            "2",
            "--threads",
            "4",
            "--log-level",
            "error",
            "--keep-alive",
            "30",
        ],
        start_new_session=True,
    )
    try:
        _wait(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=15)


def _wait(port: int) -> None:
    for _ in range(150):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("gunicorn did not start within 30 seconds.")
