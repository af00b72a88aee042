"""Decoded pictures kept in memory, so that a run decodes each file once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cnnkit.data.arguments import whole_number
from cnnkit.data.per_process import PerProcess

MEMORY_PART = 0.25  # of the free memory that kept pictures take by default
SMALL_MEMORY = 2_000_000_000  # bytes that any machine has, where the system does not tell
# What a container may take and has taken, in files of Linux's control groups of version 2 and 1.
CONTAINER_LIMITS = (
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)


class KeptPictures:
    """Pictures by number, each made once while the budget lasts; those that come after are made each time.

    None gives way to another: epochs visit all pictures in turn, where dropping the oldest would keep none of use.

    Args:
        budget_bytes: What all kept pictures may take; by default a quarter of the memory that is free when the first is
            kept.

    >>> import numpy as np
    >>> kept = KeptPictures(budget_bytes=12)
    >>> makes = [kept.get(number, lambda: np.zeros((2, 2, 3), np.uint8)) for number in (0, 0, 1, 1)]
    >>> makes[0] is makes[1], makes[2] is makes[3]
    (True, False)
    """

    def __init__(self, budget_bytes: int | None = None) -> None:
        if budget_bytes is not None:
            whole_number(budget_bytes, "budget_bytes", remedy="0 keeps none, None takes a quarter of what is free.")
        self._left = budget_bytes
        self._pictures: dict[int, NDArray[Any]] = {}
        self._lock = PerProcess(threading.Lock)

    def get(self, number: int, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The picture, which must not be written to. Called from several threads."""
        found = self._pictures.get(number)
        if found is not None:
            return found
        picture = make()
        picture.flags.writeable = False  # who writes to it would change all later epochs
        with self._lock():
            if self._left is None:
                self._left = int(MEMORY_PART * free_memory())
            if number not in self._pictures and picture.nbytes <= self._left:
                self._left -= picture.nbytes
                self._pictures[number] = picture
        return picture


def free_memory(system: Path = Path("/")) -> int:
    """Bytes that a program can take without making others swap, where the system tells as Linux does.

    In a container that is the smaller one of what the machine and what the container's limit leave.

    Args:
        system: Where `proc` and `sys` are.
    """
    try:
        lines = (system / "proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return SMALL_MEMORY
    for files in CONTAINER_LIMITS:
        with suppress(OSError, ValueError, KeyError):  # there is no such file, or it says "max"
            limit, used, parts = ((system / "sys/fs/cgroup" / name).read_text(encoding="ascii") for name in files)
            cached = int(dict(line.split() for line in parts.splitlines())["inactive_file"])  # given up when asked for
            free = min(free, max(0, int(limit) - int(used) + cached))
    return free
