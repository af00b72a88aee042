"""Padding: a border around the picture, so that a kernel can also stand at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from cnnkit.errors import InputError, unknown_name
from cnnkit.primitives.arrays import Array, Sides, each
from cnnkit.primitives.counting import effective_kernel

Borders = Sequence[tuple[int, int]]
Padding = int | Literal["same", "valid"] | Borders
Border = Literal["zero", "mirror"]
Fill = Literal["zero", "mirror", "lowest"]


def borders(
    padding: Padding, sides: Sequence[int], kernel: Sequence[int], stride: Sides = 1, dilation: Sides = 1
) -> tuple[tuple[int, int], ...]:
    """Pixels before and after the picture, along each axis.

    `"same"` adds as much as makes the output's side ⌈W/S⌉, the odd pixel after: the rule of TensorFlow.

    Args:
        padding: Pixels on each side, a pair (before, after) for each axis, `"same"`, or `"valid"` for none.
        sides: Of the picture.
        kernel: Its sides.
        stride: For each axis, or one for all.
        dilation: For each axis, or one for all.

    >>> borders("same", [5, 6], [3, 3], stride=2)
    ((1, 1), (0, 1))

    Raises:
        InputError: Something else than a padding.
    """
    rank = len(sides)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "same":
        steps = zip(sides, kernel, each(stride, rank), each(dilation, rank), strict=True)
        totals = [max((-(-w // s) - 1) * s + effective_kernel(f, d) - w, 0) for w, f, s, d in steps]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, int | np.integer) and padding >= 0:
        return ((int(padding), int(padding)),) * rank
    if np.shape(padding) == (rank, 2):
        return tuple((int(before), int(after)) for before, after in padding)  # type: ignore[union-attr]
    raise InputError(
        'a padding: pixels, "same", "valid" or a pair (before, after) for each axis',
        repr(padding),
        f"This picture has {rank} axes: for example {((0, 1),) * rank}.",
    )


def pad(x: Array, around: Borders, border: Fill = "zero") -> Array:
    """The picture with a border; negative borders cut off.

    Args:
        x: (..., *sides, channels).
        around: (before, after) for each of the sides.
        border: `"zero"`; `"mirror"`, the picture reflected at its outermost pixel (dcb|abcd|cba), as U-Net
            does; `"lowest"`, what is never a maximum.

    Returns:
        (..., *larger sides, channels).

    Raises:
        UnknownNameError: Another border.

    >>> pad(np.array([[1, 2], [3, 4]])[..., None], ((0, 1), (0, 1)))[..., 0].tolist()  # lecture 004
    [[1, 2, 0], [3, 4, 0], [0, 0, 0]]
    >>> pad(np.array([1, 2, 3])[:, None], ((2, 2),), "mirror")[:, 0].tolist()
    [3, 2, 1, 2, 3, 2, 1]
    """
    if border not in ("zero", "mirror", "lowest"):
        raise unknown_name("a border", border, ["zero", "mirror"])
    room = [(0, 0)] * (x.ndim - len(around) - 1) + [*around, (0, 0)]
    kept = x[tuple(slice(max(-b, 0), side - max(-a, 0)) for (b, a), side in zip(room, x.shape, strict=True))]
    widths = [(max(b, 0), max(a, 0)) for b, a in room]
    if border == "mirror":
        return np.pad(kept, widths, mode="reflect")
    return np.pad(kept, widths, constant_values=0 if border == "zero" else _lowest(x.dtype))


def pad_backward(upstream: Array, around: Borders, border: Fill = "zero") -> Array:
    """The gradient for the picture: the border is cut off; a mirrored one first adds to the pixels it shows.

    >>> pad_backward(np.ones((7, 1)), ((2, 2),), "mirror")[:, 0].tolist()
    [2.0, 3.0, 2.0]
    """
    if border != "mirror":
        return pad(upstream, [(-before, -after) for before, after in around])
    for axis, (before, after) in enumerate(around, start=-len(around) - 1):
        flow = np.moveaxis(upstream, axis, 0)
        shown = np.pad(np.arange(len(flow) - before - after), (before, after), mode="reflect")
        gathered = np.zeros((len(shown) - before - after, *flow.shape[1:]), flow.dtype)
        np.add.at(gathered, shown, flow)
        upstream = np.moveaxis(gathered, 0, axis)
    return upstream


def _lowest(kind: np.dtype[Any]) -> float:
    return -np.inf if np.issubdtype(kind, np.floating) else np.iinfo(kind).min
