"""Operations of `keras.ops` that order values and choose among them: what a detector's decoding is made of."""

from __future__ import annotations

from cnnkit.layers.configuration import COUNT, FLAG, Settings, integer, one_of
from cnnkit.layers.cost import Cost, Inputs, Operand, misfit, size
from cnnkit.layers.inputs import axis_from_front, only_shape
from cnnkit.layers.operations import AXIS, pairwise, rows_of, unary
from cnnkit.layers.row import Row


def largest(s: Settings, inputs: Inputs) -> Cost:
    """`top_k`: the k largest values along the last axis, and their places."""
    shape = only_shape(inputs)
    if len(shape) < 2 or s["k"] > int(shape[-1] or 0):
        raise misfit(f"at least {s['k']} values along an axis behind the batch", shape)
    chosen = (*shape[:-1], s["k"])
    return Cost(chosen, operations=size(shape), others=(chosen,))


def taken_along_axis(s: Settings, inputs: Inputs) -> Cost:
    """Values at given places along one axis; the other sides are equal, or 1."""
    if len(inputs) != 2 or any(isinstance(value, Operand) for value in inputs):
        raise misfit("a tensor and one of places", f"{len(inputs)} operands")
    shape, places = tuple(inputs[0]), tuple(inputs[1])
    if len(shape) != len(places):
        raise misfit("a tensor and places with as many axes", [shape, places])
    axis = axis_from_front(s["axis"], len(shape))
    output: list[int | None] = []
    for place, (side, other) in enumerate(zip(shape, places, strict=True)):
        if place == axis:
            output.append(other)
        elif side == other or 1 in (side, other):
            output.append(other if side == 1 else side)
        else:
            raise misfit(f"sides that are equal or 1, but for axis {axis}", [shape, places])
    return Cost(tuple(output))


def running_sum(s: Settings, inputs: Inputs) -> Cost:
    """Each value with all before it along an axis behind the batch."""
    shape = only_shape(inputs)
    axis_from_front(s["axis"], len(shape))
    return Cost(shape, operations=size(shape))


def triangle(_: Settings, inputs: Inputs) -> Cost:
    """The values above a diagonal of the last two axes, 0 below."""
    shape = only_shape(inputs)
    if len(shape) < 3:
        raise misfit("two axes behind the batch", shape)
    return Cost(shape)


ROWS: dict[tuple[str, str], Row] = {
    **rows_of("math", "TopK", largest, {"k": COUNT}, others={"sorted": FLAG | True}, outputs=2),
    **rows_of("numpy", "TakeAlongAxis", taken_along_axis, AXIS),
    **rows_of("numpy", "Cumsum", running_sum, AXIS, others={"dtype": one_of() | None}),
    **rows_of("numpy", "Triu", triangle, others={"k": integer(-1_000_000, 1_000_000) | 0}),
    **rows_of("numpy", "OnesLike", unary, others={"dtype": one_of() | None}),
    **rows_of("numpy", "Greater Equal Mod FloorDivide", pairwise),
}
