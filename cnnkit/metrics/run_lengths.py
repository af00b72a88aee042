"""Areas of pixels as COCO writes them: polygons and run lengths, down the columns of a picture.

A polygon covers the pixels that COCO's own code (`rleFrPoly` of its maskApi.c) gives: its outline is drawn on a grid
five times as fine, and a column of pixels is entered and left where the outline crosses the column's middle.
OpenCV's fillPoly draws the outline too and so covers up to half a pixel more on each side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Runs = tuple[Integers, Integers]

# How many times finer than pixels COCO draws an outline.
FINE = 5.0
# Compressed run lengths: letters from "0" hold five bits each, a sixth says that more follow.
FIRST_LETTER, BITS, MORE, SIGN = 48, 5, 0x20, 0x10


def polygon_runs(corners: NDArray[np.float64], size: tuple[int, int]) -> Runs:
    """The pixels inside a polygon, as COCO counts them.

    Args:
        corners: (k, 2), x and y in continuous pixels, k ≥ 3; they may be outside the picture.
        size: (height, width) of the picture.

    Returns:
        Where each run begins and ends, counted down the columns from the left: pixel (row, column) is column · height +
        row.
    """
    height, width = size
    x, y = _outline(np.trunc(FINE * corners + 0.5).astype(np.int64))
    # The outline enters or leaves a column where it comes to another x.
    steps = np.flatnonzero(x[1:] != x[:-1])
    middle = (np.where(x[steps + 1] < x[steps], x[steps + 1], x[steps + 1] - 1) + 0.5) / FINE - 0.5
    top = (np.minimum(y[steps + 1], y[steps]) + 0.5) / FINE - 0.5
    inside = (np.floor(middle) == middle) & (middle >= 0) & (middle <= width - 1)
    rows = np.ceil(np.clip(top[inside], 0, height)).astype(np.int64)
    edges = np.sort(middle[inside].astype(np.int64) * height + rows)
    if len(edges) % 2:
        edges = np.append(edges, height * width)
    return edges[::2], edges[1::2]


def _outline(corners: Integers) -> tuple[Integers, Integers]:
    """X and y of the points of a closed outline of whole numbers, from corner to corner, both corners of each side."""
    ends = np.roll(corners, -1, axis=0)
    lengths = np.abs(ends - corners)  # (k, 2)
    along_x = lengths[:, 0] >= lengths[:, 1]
    main = np.where(along_x, 0, 1)
    rows = np.arange(len(corners))
    turned = corners[rows, main] > ends[rows, main]
    first, last = np.where(turned[:, None], ends, corners), np.where(turned[:, None], corners, ends)
    counts = lengths[rows, main] + 1
    slopes = (last - first)[rows, 1 - main] / np.maximum(lengths[rows, main], 1)
    side = np.repeat(rows, counts)
    step = np.arange(len(side)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = np.where(turned[side], counts[side] - 1 - step, step)
    straight = step + first[rows, main][side]
    slanted = np.trunc(first[rows, 1 - main][side] + slopes[side] * step + 0.5).astype(np.int64)
    return np.where(along_x[side], straight, slanted), np.where(along_x[side], slanted, straight)


def counted_runs(counts: NDArray[np.int64]) -> Runs:
    """The runs of run lengths, which are numbers of pixels outside, inside, outside and so on.

    >>> [edges.tolist() for edges in counted_runs(np.array([2, 3, 1]))]
    [[2], [5]]
    """
    edges = np.cumsum(counts)
    starts, ends = edges[:-1:2], edges[1::2]
    return starts, ends


def letters_counts(text: str) -> NDArray[np.int64]:
    """The run lengths in a text, as COCO compresses them.

    Raises:
        ValueError: A letter that is none of its code, or an end in the middle of a number.

    >>> letters_counts("23").tolist()
    [2, 3]
    """
    counts: list[int] = []
    value = place = 0
    for letter in text:
        bits = ord(letter) - FIRST_LETTER
        if not 0 <= bits < 2 * MORE:
            raise ValueError(f"the letter {letter!r}")
        value |= (bits & (MORE - 1)) << BITS * place
        place += 1
        if not bits & MORE:
            if bits & SIGN:
                value -= 1 << BITS * place
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = place = 0
    if place:
        raise ValueError("an end in the middle of a number")
    return np.array(counts, np.int64)


def paint(canvas: NDArray[np.uint8], runs: Runs, value: int) -> None:
    """Gives the pixels of runs a value.

    Args:
        canvas: (width · height,), down the columns; changed.
        runs: Where they begin and end.
        value: For these pixels.
    """
    for start, end in zip(runs[0].tolist(), runs[1].tolist(), strict=True):
        canvas[start:end] = value


def upright(canvas: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(height, width) of a canvas down the columns."""
    return np.ascontiguousarray(canvas.reshape(size[1], size[0]).T)


def merged(parts: Sequence[Runs]) -> Runs:
    """The pixels that any of several areas covers, as runs that do not touch.

    >>> [edges.tolist() for edges in merged([(np.array([1, 7]), np.array([4, 9])), (np.array([3]), np.array([7]))])]
    [[1], [9]]
    """
    starts, ends = (np.concatenate([np.zeros(0, np.int64), *edges]) for edges in zip(*parts, strict=True))
    full = starts < ends
    starts, ends = starts[full], ends[full]
    edges = np.concatenate([starts, ends])
    change = np.repeat([1, -1], [len(starts), len(ends)])
    order = np.lexsort((-change, edges))  # where one ends and the next begins, the next comes first
    edges, depth = edges[order], np.cumsum(change[order])
    before = np.concatenate([[0], depth[:-1]])
    return edges[(before == 0) & (depth > 0)], edges[depth == 0]


def shared_pixels(parts: Sequence[Runs], other: Runs) -> Integers:
    """(parts,) how many pixels each area shares with another one; runs in order that do not overlap."""
    starts, ends = other
    until = np.concatenate([[0], np.cumsum(ends - starts)])  # pixels of the other area in its first k runs

    def covered(places: Integers) -> Integers:
        """Pixels of the other area before each place."""
        run = np.searchsorted(starts, places, side="right") - 1
        return np.where(run < 0, 0, until[run] + np.minimum(places, ends[run]) - starts[run])

    if not len(starts):
        return np.zeros(len(parts), np.int64)
    first, last = (np.concatenate([np.zeros(0, np.int64), *edges]) for edges in zip(*parts, strict=True))
    sums = np.concatenate([[0], np.cumsum(covered(last) - covered(first))])
    edges = np.cumsum([0, *(len(part[0]) for part in parts)])
    return np.asarray(sums[edges[1:]] - sums[edges[:-1]])


def bitmap_runs(pixels: NDArray[np.bool_]) -> Runs:
    """The runs of a (height, width) bitmap."""
    edges = np.flatnonzero(np.diff(pixels.T.ravel().astype(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]
