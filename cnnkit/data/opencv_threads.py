"""OpenCV on one thread while threads of our own use it: its own would wait for the same cores.

Its own do not survive a fork either, and whoever changes their number in a child waits for them for ever. So they end
before a fork, and OpenCV makes new ones, in parent and child, when it needs some.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2


class _OneThread:
    """Counts who is inside. OpenCV's number of threads is one for the process, and so is this."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._usual = 0
        os.register_at_fork(before=self._before, after_in_parent=self._after, after_in_child=self._alone)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """The first to come sets one thread, and the last to leave the number that there was."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._usual = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1

    def _leave(self) -> None:
        with self._lock:
            self._inside = max(0, self._inside - 1)  # 0 where the process was forked inside
            if self._inside == 0:
                cv2.setNumThreads(self._usual)

    def _before(self) -> None:
        self._enter()
        self._lock.acquire()  # nobody is half way in when the process is copied

    def _after(self) -> None:
        self._lock.release()
        self._leave()

    def _alone(self) -> None:
        """In a child: of all that were inside only the forking thread is left, and it is outside, or will be."""
        self._lock = threading.Lock()
        self._inside = 0
        cv2.setNumThreads(self._usual)


one_opencv_thread = _OneThread()
