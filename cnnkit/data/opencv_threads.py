"""OpenCV on one thread while threads of our own use it: its own would wait for the same cores."""

from __future__ import annotations

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

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """The first to come sets one thread, and the last to leave the number that there was."""
        with self._lock:
            if self._inside == 0:
                self._usual = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    cv2.setNumThreads(self._usual)


one_opencv_thread = _OneThread()
