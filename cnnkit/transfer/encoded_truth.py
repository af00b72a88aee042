"""Encoded truth kept in memory for the pictures and views of one phase, so that each is derived once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.kept_pictures import MEMORY_PART, free_memory
from cnnkit.data.per_process import PerProcess
from cnnkit.heads.head import Arrays

Encode = Callable[[NDArray[np.int64]], Arrays]
Row = dict[str, NDArray[Any]]
ALONE = ""  # the name of an array that has none


class EncodedTruth:
    """What a head makes of the truth of pictures, by view and index, while the budget lasts; the rest is made anew.

    It lives no longer than a phase: a training that begins with a corrected label derives it again. Beside the kept
    features of a frozen MobileNet (α=.75, 480 × 360), a mask that is decoded and warped in each epoch takes more time
    than the training of an FCN on them, 4 against 2.5 CPU ms per picture.

    Args:
        budget_bytes: What all of it may take; by default a quarter of the memory that is free when the first is kept.
    """

    def __init__(self, budget_bytes: int | None = None) -> None:
        self._left = budget_bytes
        self._rows: dict[tuple[int, int], Row] = {}
        self._lock = PerProcess(threading.Lock)

    def get(self, indices: NDArray[np.int64], view: int, encode: Encode) -> Arrays:
        """The encoded truth of some pictures in one view. Called from several threads.

        Args:
            indices: (n,) their places in the source.
            view: Its number.
            encode: Makes the arrays of those whose places it is given.
        """
        places = indices.tolist()
        rows = {index: self._rows[view, index] for index in places if (view, index) in self._rows}
        missing = [index for index in places if index not in rows]
        if missing:
            arrays = encode(np.array(missing, np.int64))
            made = {index: _row(arrays, place) for place, index in enumerate(missing)}
            self._keep(view, made)
            rows |= made
        stacked = {name: np.stack([rows[index][name] for index in places]) for name in rows[places[0]]}
        return stacked.get(ALONE, stacked)

    def _keep(self, view: int, rows: dict[int, Row]) -> None:
        with self._lock():
            if self._left is None:
                self._left = int(MEMORY_PART * free_memory())
            for index, row in rows.items():
                size = sum(array.nbytes for array in row.values())
                if (view, index) not in self._rows and size <= self._left:
                    self._left -= size
                    self._rows[view, index] = row


def _row(arrays: Arrays, place: int) -> Row:
    """That of one picture, copied: a view of it would keep its whole batch in memory."""
    named = arrays if isinstance(arrays, Mapping) else {ALONE: arrays}
    return {name: np.array(array[place]) for name, array in named.items()}
