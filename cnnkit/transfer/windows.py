"""Sliding windows: parts that cover a photograph, and the maps of a network joined over them.

Ronneberger, Fischer and Brox, MICCAI 2015 (arXiv:1505.04597), figure 2: the overlap-tile strategy, with mirrored
context at the border of a photograph. What several windows show is a weighted mean, whose weights fall towards the
border of a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import number, size_of
from cnnkit.errors import InputError

Corner = tuple[int, int]


@dataclass(frozen=True)
class Windows:
    """Windows of one size, evenly over a photograph of any size.

    Args:
        size: (height, width) of a window, in pixels of the photograph.
        overlap: The part of a window, at least, that its neighbour shows too, 0 ≤ overlap < 1.

    Raises:
        InputError: No size, or an overlap out of its range.

    >>> Windows((100, 100), overlap=0.5).corners((100, 240))  # steps of 50 or less
    [(0, 0), (0, 47), (0, 93), (0, 140)]
    """

    size: tuple[int, int]
    overlap: float = 0.25

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", size_of(self.size, "window"))
        expected, remedy = "overlap from 0 up to but not 1", "Give a part of a window: 0.25 is a quarter."
        if not 0 <= number(self.overlap, "overlap", expected, remedy) < 1:
            raise InputError(expected, repr(self.overlap), remedy)

    def corners(self, shape: tuple[int, int]) -> list[Corner]:
        """Top and left of each window, row by row, of a photograph of at least the size of a window."""
        rows, columns = (self._starts(side, length) for side, length in zip(shape, self.size, strict=True))
        return [(top, left) for top in rows for left in columns]

    def weights(self) -> NDArray[np.float32]:
        """(height, width) of a window: 1 in the middle, and less the nearer the border where windows overlap."""
        down, across = (_ramp(length, max(1.0, self.overlap * length)) for length in self.size)
        return np.outer(down, across).astype(np.float32)

    def parts(self, picture: NDArray[np.uint8]) -> Iterator[tuple[Corner, NDArray[np.uint8]]]:
        """Each window's corner and what it shows, of a photograph as `padded` gives it."""
        height, width = self.size
        for top, left in self.corners(picture.shape[:2]):
            yield (top, left), picture[top : top + height, left : left + width]

    def padded(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Corner]:
        """A photograph with mirrored borders where it is smaller than a window; and where it begins in that."""
        missing = [max(0, length - side) for side, length in zip(picture.shape, self.size, strict=False)]
        (top, left), (bottom, right) = [gap // 2 for gap in missing], [gap - gap // 2 for gap in missing]
        if not any(missing):
            return picture, (0, 0)
        return np.asarray(cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_REFLECT), np.uint8), (
            top,
            left,
        )

    def joined(self, shape: tuple[int, int], maps: Iterable[tuple[Corner, NDArray[np.float32]]]) -> NDArray[np.float32]:
        """The weighted mean of the maps of all windows.

        Args:
            shape: (height, width) of the photograph.
            maps: Corner and map (h', w', c) of each window, over the whole of it.

        Returns:
            (height, width, c).
        """
        weights, total, seen = self.weights(), np.zeros((*shape, 0), np.float32), np.zeros(shape, np.float32)
        height, width = self.size
        for (top, left), values in maps:
            enlarged = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)
            if not total.size:
                total = np.zeros((*shape, enlarged.shape[2]), np.float32)
            total[top : top + height, left : left + width] += enlarged * weights[..., None]
            seen[top : top + height, left : left + width] += weights
        total /= seen[..., None]
        return total

    def _starts(self, side: int, length: int) -> list[int]:
        steps = math.ceil((side - length) / max(1.0, length * (1 - self.overlap)))
        return [round(start) for start in np.linspace(0, side - length, steps + 1).tolist()]


def _ramp(length: int, soft: float) -> NDArray[np.float64]:
    """(length,) weights that rise from each end over `soft` pixels to 1."""
    distances = np.minimum(np.arange(length) + 0.5, length - np.arange(length) - 0.5)
    return np.asarray(np.minimum(distances / soft, 1.0), np.float64)
