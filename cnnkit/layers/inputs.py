"""How the arithmetic reads a layer's inputs and arguments: one shape, sides and channels, one number per axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnkit.layers.configuration import Settings
from cnnkit.layers.cost import Inputs, Shape, Weight, misfit


def only_shape(inputs: Inputs) -> Shape:
    """The shape of the only input.

    Raises:
        MisfitError: There are none or several.
    """
    if len(inputs) != 1:
        raise misfit("one input tensor", f"{len(inputs)}")
    return tuple(inputs[0])


def sides_and_channels(inputs: Inputs, rank: int) -> tuple[tuple[int, ...], int]:
    """The sides of the only input, which has so many, and its channels.

    Raises:
        MisfitError: It has another number of axes.
    """
    shape = only_shape(inputs)
    if len(shape) != rank + 2:
        raise misfit(f"an input with {rank} sides and channels", shape)
    sides = tuple(int(side or 0) for side in shape[1:-1])
    return sides, int(shape[-1] or 0)


def per_axis(value: Any, rank: int) -> tuple[int, ...]:
    """One number for each axis; a single one stands for all.

    >>> per_axis(3, 2)
    (3, 3)

    Raises:
        MisfitError: There are fewer or more.
    """
    values = value if isinstance(value, tuple) else (value,) * rank
    if len(values) != rank:
        raise misfit(f"{rank} numbers, one for each axis", list(values))
    return values


def border_pairs(value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Padding or cropping as (before, after) for each axis.

    >>> border_pairs(2, 2), border_pairs((1, 2), 2), border_pairs((1, 0), 1)
    (((2, 2), (2, 2)), ((1, 1), (2, 2)), ((1, 0),))

    Raises:
        MisfitError: For another number of axes.
    """
    if rank == 1 and isinstance(value, tuple) and len(value) == 2:
        value = (value,)  # (before, after) of the only axis
    pairs = [each if isinstance(each, tuple) else (each, each) for each in per_axis(value, rank)]
    if any(len(pair) != 2 for pair in pairs):
        raise misfit("two numbers for each axis", pairs)
    return tuple(pairs)


def axis_from_front(axis: int, rank: int) -> int:
    """An axis behind the batch, counted from the front.

    >>> axis_from_front(-1, 4)
    3

    Raises:
        MisfitError: There is no such axis, or it is the batch.
    """
    counted = axis + rank if axis < 0 else axis
    if not 0 < counted < rank:
        raise misfit(f"an axis of {rank} behind the batch", axis)
    return counted


def lengths(axes: Sequence[int], shape: Shape) -> tuple[int, ...]:
    """The lengths of some axes behind the batch."""
    return tuple(int(shape[axis_from_front(axis, len(shape))] or 0) for axis in axes)


def weights_of(*shapes: tuple[int, ...], trained: int | None = None) -> tuple[Weight, ...]:
    """Weights that a layer holds itself; the first so many are trained, by default all."""
    limit = len(shapes) if trained is None else trained
    return tuple(Weight(shape, f"vars/{index}", index < limit) for index, shape in enumerate(shapes))


def bias_of(s: Settings, *shape: int) -> tuple[tuple[int, ...], ...]:
    """The shape of the bias, in a tuple that is empty where a layer has none."""
    return (shape,) if s["use_bias"] else ()
