"""What becomes of boxes that annotations should not hold: clipped, or left out with a warning that names them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Boxes that a warning names.
NAMED = 3


def clipped(boxes: Floats, shapes: Integers) -> Floats:
    """Boxes (m, 4) of x1, y1, x2, y2, cut off at the border of pictures of (m, 2) height and width."""
    limits = shapes[:, [1, 0, 1, 0]]
    return np.clip(boxes, 0, limits).astype(np.float64)


def usable(
    boxes: Floats,
    labels: Integers,
    owners: Integers,
    shapes: Integers,
    *,
    crowd: NDArray[np.bool_],
    name: Callable[[int], str],
    where: str,
) -> Integers:
    """The places of the boxes that can be learned from; a warning names others.

    Left out are boxes without area, boxes of which their picture shows nothing, and the second of two boxes of one
    class with the same corners. Boxes around crowds are no duplicates.

    Args:
        boxes: (m, 4) x1, y1, x2, y2 as annotated.
        labels: (m,) classes.
        owners: (m,) pictures.
        shapes: (m, 2) height and width of the picture of each box.
        crowd: (m,) whether a box is around many things.
        name: What the warning calls a box.
        where: Where the boxes are from.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    empty = (high <= low).any(axis=1)
    seen = clipped(boxes, shapes)
    outside = ~empty & (seen[:, 2:] <= seen[:, :2]).any(axis=1)
    rows = np.column_stack([owners, labels, boxes])
    first = np.unique(rows, axis=0, return_index=True)[1] if len(rows) else np.zeros(0, np.int64)
    second = np.ones(len(boxes), np.bool_)
    second[first] = False
    faults = {"without area": empty, "outside their picture": outside}
    faults["twice in one picture"] = second & ~empty & ~outside & ~crowd
    places = {fault: np.flatnonzero(mask) for fault, mask in faults.items() if mask.any()}
    parts = [f"{len(rows)} {fault} ({_named(rows, name)})" for fault, rows in places.items()]
    if parts:
        warnings.warn(f"boxes of {where} that are left out: {', '.join(parts)}", stacklevel=3)
    return np.flatnonzero(~np.any(list(faults.values()), axis=0))


def _named(places: Sequence[int] | Integers, name: Callable[[int], str]) -> str:
    more = ", …" if len(places) > NAMED else ""
    return ", ".join(name(int(place)) for place in places[:NAMED]) + more
