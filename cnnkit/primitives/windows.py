"""Windows: what a kernel sees at each of its places. Convolution and pooling both begin here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnnkit.primitives.arrays import Array, Sides, each
from cnnkit.primitives.counting import effective_kernel, output_side
from cnnkit.primitives.padding import Fill, Padding, borders, pad, pad_backward


@dataclass(frozen=True)
class Windows:
    """A window that slides over a picture, along as many axes as its size has.

    >>> Windows((3,)).of(np.arange(5)[:, None])[:, 0].tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    >>> Windows((2,), dilation=2).of(np.arange(5)[:, None])[:, 0].tolist()
    [[0, 2], [1, 3], [2, 4]]

    Attributes:
        size: The window's sides.
        stride: From place to place, for each axis or one for all.
        padding: See `padding.borders`.
        border: What the padding shows.
        dilation: From pixel to pixel inside the window, for each axis or one for all.
    """

    size: tuple[int, ...]
    stride: Sides = 1
    padding: Padding = 0
    border: Fill = "zero"
    dilation: Sides = 1

    @property
    def rank(self) -> int:
        """The number of axes along which it slides."""
        return len(self.size)

    def of(self, x: Array) -> Array:
        """The windows of a picture (..., *sides, channels), as (..., *places, channels, *size): a view, no copy.

        Raises:
            InputError: The window is larger than the padded picture.
        """
        padded = pad(x, self._around(x.shape), self.border)
        strides, dilations = each(self.stride, self.rank), each(self.dilation, self.rank)
        for side, kernel, dilation in zip(padded.shape[-self.rank - 1 : -1], self.size, dilations, strict=True):
            output_side(side, kernel, dilation=dilation)  # raises where no window fits
        span = [effective_kernel(kernel, dilation) for kernel, dilation in zip(self.size, dilations, strict=True)]
        seen = sliding_window_view(padded, span, axis=tuple(range(-self.rank - 1, -1)))
        places, taps = ([slice(None, None, step) for step in steps] for steps in (strides, dilations))
        chosen: Any = (..., *places, slice(None), *taps)
        return np.asarray(seen[chosen])

    def back(self, upstream: Array, shape: tuple[int, ...]) -> Array:
        """The gradient for a picture of this shape: each window is laid back to its place, overlaps add up.

        >>> Windows((3,)).back(np.ones((3, 1, 3)), (5, 1))[:, 0].tolist()  # the middle is in all three windows
        [1.0, 2.0, 3.0, 2.0, 1.0]
        """
        around = self._around(shape)
        padded = pad(np.zeros(shape, upstream.dtype), around)
        places = upstream.shape[-2 * self.rank - 1 : -self.rank - 1]
        steps = list(zip(places, each(self.stride, self.rank), each(self.dilation, self.rank), strict=True))
        for tap in np.ndindex(*self.size):
            along = [slice(t * d, t * d + s * (p - 1) + 1, s) for t, (p, s, d) in zip(tap, steps, strict=True)]
            there: Any = (..., *along, slice(None))
            padded[there] += upstream[(..., *tap)]
        return pad_backward(padded, around, self.border)

    def _around(self, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        return borders(self.padding, shape[-self.rank - 1 : -1], self.size, self.stride, self.dilation)
