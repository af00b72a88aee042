"""The same values in another shape or order: flattening, reshaping, permuting, repeating."""

from __future__ import annotations

import math

from cnnkit.layers import views
from cnnkit.layers.configuration import CHANNELS_LAST, COUNT, Settings, dimensions
from cnnkit.layers.cost import Cost, Inputs, Shape, misfit, size
from cnnkit.layers.inputs import only_shape
from cnnkit.layers.row import Row


def flattening(_: Settings, inputs: Inputs) -> Cost:
    """All values of a picture in a row."""
    return Cost((None, size(only_shape(inputs))))


def reshaping(s: Settings, inputs: Inputs) -> Cost:
    """The same values in another shape, of which one side may be open."""
    return Cost(with_sides(only_shape(inputs), s["target_shape"]))


def with_sides(shape: Shape, target: tuple[int, ...]) -> Shape:
    """A shape of as many values with other sides, of which one may be -1.

    >>> with_sides((None, 2, 6), (-1, 3))
    (None, 4, 3)

    Raises:
        MisfitError: There are more values or fewer.
    """
    known = math.prod(side for side in target if side != -1)
    free = target.count(-1)
    if (
        free > 1
        or 0 in target
        or min(target, default=0) < -1
        or (size(shape) % known if free else size(shape) != known)
    ):
        raise misfit(f"a shape for {size(shape):,} values", list(target))
    return (None, *(size(shape) // known if side == -1 else side for side in target))


def permutation(s: Settings, inputs: Inputs) -> Cost:
    """The axes behind the batch in another order."""
    shape = only_shape(inputs)
    if sorted(s["dims"]) != list(range(1, len(shape))):
        raise misfit(f"the axes 1 to {len(shape) - 1} in another order", list(s["dims"]))
    return Cost((None, *(shape[axis] for axis in s["dims"])))


def repetition(s: Settings, inputs: Inputs) -> Cost:
    """The same features so many times."""
    shape = only_shape(inputs)
    if len(shape) != 2:
        raise misfit("an input with features only", shape)
    return Cost((None, s["n"], shape[1]))


ROWS: dict[str, Row] = {
    "Flatten": Row(flattening, views.flat, {"data_format": CHANNELS_LAST | None}),
    "Reshape": Row(reshaping, views.rearrangement, {"target_shape": dimensions(-1)}),
    "Permute": Row(permutation, views.permutation, {"dims": dimensions(1)}),
    "RepeatVector": Row(repetition, arguments={"n": COUNT}),
}
