"""Operations of `keras.ops` between tensors, which a model holds where its author wrote arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnkit.layers import views
from cnnkit.layers.configuration import FLAG, LARGEST, PLAIN, Arguments, Settings, axes, dimensions, integer, one_of
from cnnkit.layers.cost import Cost, Inputs, Operand, Shape, misfit, size
from cnnkit.layers.elementwise import broadcast
from cnnkit.layers.inputs import axis_from_front, only_shape
from cnnkit.layers.merging import concatenation
from cnnkit.layers.rearrangement import with_sides
from cnnkit.layers.row import Row
from cnnkit.primitives.layers import Layer


def pairwise(_: Settings, inputs: Inputs) -> Cost:
    """Tensors and numbers element by element."""
    if not 1 <= len(inputs) <= 2:
        raise misfit("one or two operands", f"{len(inputs)}")
    shape = broadcast([_shape_of(value) for value in inputs])
    if not shape or shape[0] is not None:
        raise misfit("an operation that keeps the batch", shape)
    return Cost(shape)


def _shape_of(value: Any) -> Shape:
    """The shape of a tensor or of a constant."""
    shape: Shape | None = value.shape if isinstance(value, Operand) else value
    if shape is None:
        raise misfit("numbers or tensors", "something else")
    return shape


def unary(_: Settings, inputs: Inputs) -> Cost:
    """What acts on each value of a tensor."""
    if not inputs or isinstance(inputs[0], Operand):
        raise misfit("an input tensor", "none")
    for argument in inputs[1:]:
        _shape_of(argument)  # a slope, a limit
    return Cost(tuple(inputs[0]))


def reduction(s: Settings, inputs: Inputs) -> Cost:
    """Mean, sum, largest or smallest along axes behind the batch."""
    shape = only_shape(inputs)
    if s["axis"] is None:
        raise misfit("axes behind the batch", "all axes")
    axes = {axis_from_front(axis, len(shape)) for axis in s["axis"]}
    output = [1 if place in axes else side for place, side in enumerate(shape) if s["keepdims"] or place not in axes]
    return Cost(tuple(output), operations=size(shape))


def _shapes_in_list(inputs: Inputs) -> list[Shape]:
    if len(inputs) != 1 or not isinstance(inputs[0], list) or any(isinstance(each, Operand) for each in inputs[0]):
        raise misfit("a list of tensors", "something else")
    return [tuple(shape) for shape in inputs[0]]


def concatenation_of_list(s: Settings, inputs: Inputs) -> Cost:
    """`concatenate` as an operation: the tensors come in a list."""
    return concatenation(s, _shapes_in_list(inputs))


def stack(s: Settings, inputs: Inputs) -> Cost:
    """Tensors of one shape along a new axis."""
    shapes = _shapes_in_list(inputs)
    if not shapes or len(set(shapes)) != 1:
        raise misfit("tensors of one shape", shapes[:8])
    axis = axis_from_front(s["axis"], len(shapes[0]) + 1)
    return Cost((*shapes[0][:axis], len(shapes), *shapes[0][axis:]))


def reshaping_of_batch(s: Settings, inputs: Inputs) -> Cost:
    """`reshape` as an operation: the batch is an axis of it and has to stay open."""
    if s["newshape"][0] != -1:
        raise misfit("a shape that leaves the batch open: -1 in front", list(s["newshape"]))
    return Cost(with_sides(only_shape(inputs), s["newshape"][1:]))


def slicing(_: Settings, inputs: Inputs) -> Cost:
    """`x[:, 4:-4, ..., 0]`: slices keep an axis, numbers take one of it, an ellipsis stands for the axes between."""
    if len(inputs) != 2 or isinstance(inputs[0], Operand):
        raise misfit("a tensor and what to take of it", f"{len(inputs)} operands")
    shape = tuple(inputs[0])
    output: list[int | None] = [None]
    items = _per_axis(inputs[1], len(shape))
    if _slice(items[0]) != slice(None):
        raise misfit("a slice that keeps the whole batch", "another")
    for side, item in zip(shape[1:], items[1:], strict=True):
        length = int(side or 0)
        if type(item) is int:
            if not -length <= item < length:
                raise misfit(f"a place of {length}", item)
            continue
        output.append(len(range(*_slice(item).indices(length))))
    if 0 in output:
        raise misfit("a slice that leaves something", output)
    return Cost(tuple(output))


def _per_axis(value: Any, rank: int) -> list[Any]:
    """What to take along each axis: the ellipsis, or the end, is filled with whole axes."""
    items = [item.value if isinstance(item, Operand) else None for item in _items(value)]
    ellipses = [place for place, item in enumerate(items) if _class_name(item) == "__ellipsis__"]
    places = len(items) - len(ellipses)
    if len(ellipses) > 1 or places > rank:
        raise misfit(f"at most {rank} places and one ellipsis", f"{len(items)}")
    first, last = (ellipses[0], ellipses[0] + 1) if ellipses else (len(items), len(items))
    return [*items[:first], *[slice(None)] * (rank - places), *items[last:]]


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _class_name(value: Any) -> Any:
    if value is Ellipsis:
        return "__ellipsis__"
    return value.get("class_name") if isinstance(value, dict) else None


def _slice(value: Any) -> slice:
    """A slice of a live layer, or as Keras writes it into JSON."""
    if isinstance(value, slice):
        parts = [value.start, value.stop, value.step]
    else:
        config = value.get("config") if _class_name(value) == "__slice__" else None
        if not isinstance(config, dict):
            raise misfit("a slice", "something else")
        parts = [config.get(name) for name in ("start", "stop", "step")]
    if any(part is not None and (type(part) is not int or abs(part) > LARGEST) for part in parts) or parts[2] == 0:
        raise misfit("whole numbers in a slice", "others")
    return slice(*parts)


def rows_of(
    module: str,
    names: str,
    cost: Callable[[Settings, Inputs], Cost],
    arguments: Arguments | None = None,
    *,
    view: Callable[[Settings], Layer] = views.unknown,
    others: Arguments | None = None,
    outputs: int = 1,
) -> dict[tuple[str, str], Row]:
    """A row for each of the classes of a module of `keras.ops`, which a text names."""
    path = f"keras.src.ops.{module}"
    row = Row(cost, view, arguments or {}, others or {}, modules=(path,), layer=False, registered=True, outputs=outputs)
    return {(path, name): row for name in names.split()}


AXIS = {"axis": integer(-8, 8)}
_LIMITS = dict.fromkeys(("x_min", "x_max"), PLAIN | None)
_SHAPES_OF_CURVES = dict.fromkeys(("approximate", "negative_slope", "alpha", "axis"), PLAIN | None)
_CAST_TO = one_of("float32", "float16", "bfloat16", "int32")
_REDUCED = {"axis": axes() | None, "keepdims": FLAG | False}

ROWS: dict[tuple[str, str], Row] = {
    **rows_of("numpy", "Add Subtract Multiply Divide TrueDivide Maximum Minimum Power", pairwise, view=views.same),
    **rows_of("numpy", "Absolute Abs Negative Square Sqrt Exp Log Tanh Clip", unary, view=views.same, others=_LIMITS),
    **rows_of("nn", "Relu Relu6 Sigmoid Silu Softplus Softsign HardSigmoid HardSilu Selu", unary, view=views.same),
    **rows_of("nn", "Gelu LeakyRelu Elu Softmax", unary, view=views.same, others=_SHAPES_OF_CURVES),
    **rows_of("core", "Cast", unary, view=views.same, others={"dtype": _CAST_TO}),
    **rows_of("numpy", "Mean Max Min Sum", reduction, _REDUCED, others={"initial": one_of() | None}),
    **rows_of("numpy", "Concatenate", concatenation_of_list, AXIS, view=views.same),
    **rows_of("numpy", "Stack", stack, AXIS),
    **rows_of("numpy", "Reshape", reshaping_of_batch, {"newshape": dimensions(-1)}, view=views.rearrangement),
    **rows_of("numpy", "GetItem", slicing, view=views.rearrangement),
}
