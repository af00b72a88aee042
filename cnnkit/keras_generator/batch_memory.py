"""The memory of batches that nobody holds any more, for the next ones.

A batch is tens of megabytes: the system hands them out page by page, zeroed, and takes them back when they are freed.
In an epoch of augmented pictures that is a tenth of the time.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

WAITING = 2  # blocks that are kept for later; a loop holds one batch while the next is made


class BatchMemory:
    """Arrays whose memory comes back here when the last view of them is gone. Used from several threads.

    >>> memory = BatchMemory()
    >>> batch = memory.empty((4, 8, 8, 3), np.float32)
    >>> address, view = batch.ctypes.data, batch[2:]
    >>> del batch
    >>> memory.empty((4, 8, 8, 3), np.float32).ctypes.data == address  # the view is still there
    False
    >>> del view
    >>> memory.empty((3, 8, 8, 3), np.float32).ctypes.data == address
    True
    """

    def __init__(self) -> None:
        # A deque's own operations are atomic. A lock would be no good: finalizers run wherever memory is collected.
        self._waiting: deque[NDArray[np.uint8]] = deque(maxlen=WAITING)

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[np.generic]:
        """An array as of `np.empty`."""
        count = math.prod(shape)
        wanted = count * np.dtype(dtype).itemsize
        try:
            block = self._waiting.pop()
        except IndexError:
            block = np.empty(0, np.uint8)
        if len(block) < wanted:
            block = np.empty(wanted, np.uint8)
        # NumPy makes a view of a view hold the array at the bottom. A memoryview between them makes `flat` the bottom,
        # which is gone when its last view is.
        flat = np.frombuffer(block.data, dtype, count)
        weakref.finalize(flat, self._waiting.append, block).atexit = False
        return flat.reshape(shape)
