"""What runs in a process of the cluster: a piece of work, by what the process has made for the work before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import ray

# Of libraries that would start a thread for each core of the machine, though a task may have one of them.
THREADS = (
    "CNNKIT_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def perform(threads: int, directory: str, work: Sequence[ray.ObjectRef], piece: Any) -> Any:
    """Does one piece.

    Args:
        threads: That the numbers are computed with, where the process has not computed yet.
        directory: Where the work is given: a relative path means here what it means there. Processes of Ray begin
            where the cluster was started.
        work: The `Work`, alone in a list: Ray would copy what is no part of a list for each piece.
        piece: The piece.
    """
    for name in THREADS:
        os.environ.setdefault(name, str(threads))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with suppress(OSError):  # this machine may not have it, and then no file below it
        os.chdir(directory)
    return _started(work[0])(piece)


def content(path: Path) -> str:
    """The sha256 of a file, or "" where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _started(work: ray.ObjectRef) -> Callable[[Any], Any]:
    start: Callable[[], Callable[[Any], Any]] = ray.get(work).start
    return start()
