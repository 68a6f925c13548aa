"""A real server of this project that is killed at a given moment of storing an answer: `python -m ... PORT MOMENT`.

It says its port in a line once it listens. MOMENT: never, before (nothing of the answer was read), within (the answer
is written and not committed) or after (it is committed and nobody was told).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from typing import Any


def die(*args: Any, **options: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def mortal(application: Any, moment: str) -> Any:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_answer = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/answer/")
        if is_answer and moment == "before":
            die()
        response: Iterable[bytes] = application(environ, start_response)
        if is_answer and moment == "after":
            die()
        return response

    return answer


def main(port: int, moment: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "augmed.settings")
    from augmed.wsgi import application

    if moment == "within":
        from django.db.models.signals import post_save

        from experiments.models import Submission

        post_save.connect(die, sender=Submission)

    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(mortal(application, moment))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
