"""What a process may not take over from the one that forked it: threads, which do not survive, and their locks.

A pool that was made before the fork counts threads that are not there, and waits for them for ever; a lock that another
thread held at that moment is never released. In a child both are made anew when they are first asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class PerProcess(Generic[Thing]):
    """One thing for each process, made when it is first asked for. Used from several threads.

    Args:
        make: Makes it.

    >>> import threading
    >>> lock = PerProcess(threading.Lock)
    >>> lock() is lock()
    True
    """

    def __init__(self, make: Callable[[], Thing]) -> None:
        self._make = make
        self._made: dict[int, Thing] = {}

    def __call__(self) -> Thing:
        """The thing of this process."""
        process = os.getpid()
        try:
            return self._made[process]
        except KeyError:
            return self._made.setdefault(process, self._make())  # one of them, whatever threads ask at once

    def __reduce__(self) -> tuple[type[PerProcess[Thing]], tuple[Callable[[], Thing]]]:
        return PerProcess, (self._make,)  # neither threads nor locks are sent to another process
