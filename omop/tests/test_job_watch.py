"""What keeps the job of an import alive must outlive a database that is away for a moment."""

from threading import Thread
from types import SimpleNamespace

import psycopg
import pytest
from django.db import InterfaceError, OperationalError

from omop import job_watch


class Beats:
    """An event that is set after so many heartbeats, which take no time."""

    def __init__(self, number: int) -> None:
        self._left = number

    def wait(self, seconds: float) -> bool:
        self._left -= 1
        return self._left < 0


class Working:
    """The connection that loads. `answers` are what requests to cancel its statement meet, an error or None."""

    closed = False
    info = SimpleNamespace(transaction_status=psycopg.pq.TransactionStatus.ACTIVE)

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)
        self.asked = 0

    def cancel_safe(self) -> None:
        self.asked += 1
        if (error := self._answers.pop(0)) is not None:
            raise error


def watch(working: Working, beats: int) -> None:
    thread = Thread(target=job_watch._watch, args=(None, working, Beats(beats)))
    thread.start()  # of its own, as it closes the connections of its thread; an error in it is a warning, and fails
    thread.join()


@pytest.mark.parametrize(
    "error", [OperationalError("gone"), InterfaceError("closed"), psycopg.OperationalError("gone")]
)
def test_a_database_that_is_away_ends_no_watch(monkeypatch, error):
    renewed = []

    def renew(job):
        renewed.append(job)
        if len(renewed) == 1:
            raise error
        return False

    monkeypatch.setattr(job_watch, "_renew", renew)
    watch(Working(), beats=3)
    assert len(renewed) == 3


def test_a_cancel_that_finds_no_connection_is_sent_again(monkeypatch):
    monkeypatch.setattr(job_watch, "_renew", lambda job: True)
    working = Working(psycopg.OperationalError("too many connections"), None)
    watch(working, beats=10)
    assert working.asked == 2
