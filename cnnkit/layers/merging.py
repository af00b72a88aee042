"""Tensors that meet: added, multiplied, compared element by element, or put one behind the other."""

from __future__ import annotations

from cnnkit.layers import views
from cnnkit.layers.configuration import NUMBER, Kind, Settings, integer
from cnnkit.layers.cost import Cost, Inputs, misfit
from cnnkit.layers.elementwise import broadcast
from cnnkit.layers.inputs import axis_from_front
from cnnkit.layers.row import Row


def merge(_: Settings, inputs: Inputs) -> Cost:
    """Tensors element by element."""
    if len(inputs) < 2:
        raise misfit("at least two input tensors", f"{len(inputs)}")
    # Keras puts the missing axes behind the batch.
    return Cost((None, *broadcast([tuple(shape)[1:] for shape in inputs])))


def scaled_sum(_: Settings, inputs: Inputs) -> Cost:
    """Inception-ResNet: x + scale · y."""
    if len(inputs) != 2:
        raise misfit("two input tensors", f"{len(inputs)}")
    return merge(_, inputs)


def concatenation(s: Settings, inputs: Inputs) -> Cost:
    """Tensors one behind the other along an axis."""
    if not inputs:
        raise misfit("tensors to concatenate", "none")
    first = tuple(inputs[0])
    axis = axis_from_front(s["axis"], len(first))
    for shape in inputs:
        if len(shape) != len(first) or any(
            side != other for place, (side, other) in enumerate(zip(shape, first, strict=True)) if place != axis
        ):
            raise misfit(f"shapes that differ only along axis {axis}", [tuple(shape) for shape in inputs[:8]])
    length = sum(int(shape[axis] or 0) for shape in inputs)
    return Cost((*first[:axis], length, *first[axis + 1 :]))


AXIS: dict[str, Kind] = {"axis": integer(-8, 8) | -1}

ROWS: dict[str, Row] = {
    **dict.fromkeys(
        ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), Row(merge, views.same, listed=True)
    ),
    "Concatenate": Row(concatenation, views.same, AXIS, listed=True),
    "CustomScaleLayer": Row(
        scaled_sum,
        views.same,
        others={"scale": NUMBER},
        modules=("keras.src.applications.inception_resnet_v2",),
        listed=True,
        registered=True,
    ),
}
