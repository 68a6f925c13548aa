"""A small closed-loop load generator: n clients, each with one kept-alive connection, each sending its next request
when the last was answered. Runs in a process of its own, over plain sockets, to take little of the machine."""

from __future__ import annotations

import http.client
import multiprocessing
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One request: method, path, token of who sends it, JSON body."""

    method: str
    path: str
    token: str
    body: str = ""


@dataclass(frozen=True)
class Result:
    """Requests per second, latencies in milliseconds, and how many calls did not get a 2xx."""

    requests: int
    seconds: float
    latencies_ms: tuple[float, ...]
    failed: int
    last_body_bytes: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(port: int, calls: Sequence[Call], *, clients: int, seconds: float) -> Result:
    """Send the calls in order, shared among the clients, until they or the time run out."""
    queue: multiprocessing.Queue[Result] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_work, args=(port, list(calls), clients, seconds, queue))
    process.start()
    result = queue.get(timeout=seconds + 60)
    process.join(timeout=10)
    return result


def _work(port: int, calls: list[Call], clients: int, seconds: float, queue: multiprocessing.Queue[Result]) -> None:
    lock = threading.Lock()
    position = 0
    latencies: list[float] = []
    failed = 0
    size = 0
    begun = time.perf_counter()
    until = begun + seconds

    def client() -> None:
        nonlocal position, failed, size
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < until:
            with lock:
                if position >= len(calls):
                    return
                call = calls[position]
                position += 1
            headers = {"Authorization": f"Bearer {call.token}", "Content-Type": "application/json"}
            start = time.perf_counter()
            try:
                connection.request(call.method, call.path, body=call.body or None, headers=headers)
                response = connection.getresponse()
                body = response.read()
                status = response.status
            except (OSError, http.client.HTTPException):
                connection.close()
                status, body = 0, b""
            elapsed = (time.perf_counter() - start) * 1000
            with lock:
                latencies.append(elapsed)
                failed += not 200 <= status < 300
                size = len(body)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(Result(len(latencies), time.perf_counter() - begun, tuple(latencies), failed, size))
