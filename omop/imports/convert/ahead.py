"""Work done ahead of whoever takes its results, in threads; the results come in the order of the work."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


def ahead(work: Iterable[Work], do: Callable[[Work], Result], threads: int) -> Iterator[Result]:
    """`do` of each piece, by so many threads; no more than threads + 1 pieces are under way or waiting at a time.

    `work` itself is iterated by the caller's thread. An exception, of `work`, `do` or the caller, ends all threads.
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="omop-import")
    try:
        for piece in work:
            waiting.append(pool.submit(do, piece))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
