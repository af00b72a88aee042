"""Work done ahead by threads, its results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from cnnkit.data.per_process import PerProcess

Item = TypeVar("Item")
Result = TypeVar("Result")


THREADS_VARIABLE = "CNNKIT_THREADS"


def usual_threads() -> int:
    """As many as there are cores, at most 16; or what `CNNKIT_THREADS` says, where processes share a machine."""
    said = os.environ.get(THREADS_VARIABLE, "")
    return max(1, int(said)) if said.isdecimal() else min(os.cpu_count() or 1, 16)


def ahead(work: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None) -> Iterator[Result]:
    """`map(work, items)` in their order, with a few results made before they are asked for.

    Memory stays flat: at most one result a thread and one more are ready or in the making.

    Args:
        work: Called from several threads at once.
        items: What it is called with.
        threads: How many work; as many as there are cores by default, at most 16.

    >>> list(ahead(abs, [-1, -2, 3], threads=2))
    [1, 2, 3]
    """
    items = iter(items)
    beginning = list(islice(items, 2))
    if len(beginning) < 2:  # one picture is not worth a thread
        yield from map(work, beginning)
        return
    workers = usual_threads() if threads is None else threads
    pool = PerProcess(partial(ThreadPoolExecutor, workers, thread_name_prefix="cnnkit-ahead"))
    process = os.getpid()
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    submitted = ((item, pool().submit(work, item)) for item in chain(beginning, items))
    try:
        waiting.extend(islice(submitted, workers + 1))
        while waiting:
            if os.getpid() != process:  # forked while results were on their way: they arrive in the parent only
                process = os.getpid()
                waiting = deque((item, pool().submit(work, item)) for item, _ in waiting)
            _, future = waiting.popleft()
            result = future.result()
            waiting.extend(islice(submitted, 1))
            yield result
    finally:  # also when the caller leaves the loop early
        if os.getpid() == process:
            pool().shutdown(wait=True, cancel_futures=True)
