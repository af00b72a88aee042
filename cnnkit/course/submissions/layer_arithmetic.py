"""What a layer makes of its input shapes, without Keras: its output's shape, its weights and what one call costs.

Shapes begin with the open batch, None; all other sides are whole numbers. Multiply-adds are counted as papers count
them, see `cnnkit.primitives.counting`; `operations` are the comparisons and additions of pooling windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnkit.course.submissions import layer_arguments as kinds
from cnnkit.course.submissions.findings import RefusedError
from cnnkit.course.submissions.layer_arguments import Settings
from cnnkit.errors import InputError
from cnnkit.primitives.counting import effective_kernel, output_side

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Weight:
    """One tensor of a layer.

    Attributes:
        shape: Its shape.
        path: Where it lies below its layer in a `.weights.h5`.
        trained: Whether gradients change it; moving statistics are not trained.
    """

    shape: tuple[int, ...]
    path: str
    trained: bool = True


@dataclass(frozen=True)
class Cost:
    """What one call of a layer gives and costs, for one picture.

    Attributes:
        output: Shape of the output.
        weights: The layer's weights, in the order in which Keras saves them.
        multiply_adds: Multiplications with their additions.
        operations: Comparisons and additions in pooling windows.
        inner: Values of the largest array that exists only inside the layer.
    """

    output: Shape
    weights: tuple[Weight, ...] = ()
    multiply_adds: int = 0
    operations: int = 0
    inner: int = 0


@dataclass(frozen=True)
class Operand:
    """What a call passes besides tensors: a number, a list of them, a slice.

    Attributes:
        value: As the file has it.
        shape: Of numbers and lists of them; None of all else.
    """

    value: Any
    shape: tuple[int, ...] | None


Inputs = Sequence[Any]
"""Of a layer: the shapes of its tensors. Of an operation: shapes, operands, and lists of shapes."""


def size(shape: Shape) -> int:
    """Values of one picture.

    >>> size((None, 2, 3))
    6
    """
    return math.prod(side for side in shape if side is not None)


def misfit(expected: str, received: object) -> RefusedError:
    """The finding for shapes or arguments that do not go together."""
    return RefusedError(
        "layer-shape", expected, str(received), "Keras could not build this layer: write the JSON of a model that runs."
    )


# --- reading the inputs


def _one(inputs: Inputs) -> Shape:
    if len(inputs) != 1:
        raise misfit("one input tensor", f"{len(inputs)}")
    return tuple(inputs[0])


def _map(inputs: Inputs, rank: int) -> tuple[tuple[int, ...], int]:
    """The sides of a map, and its channels."""
    shape = _one(inputs)
    if len(shape) != rank + 2:
        raise misfit(f"an input with {rank} sides and channels", shape)
    sides = tuple(int(side or 0) for side in shape[1:-1])
    return sides, int(shape[-1] or 0)


def _each(value: Any, rank: int) -> tuple[int, ...]:
    """One number for each axis."""
    values = value if isinstance(value, tuple) else (value,) * rank
    if len(values) != rank:
        raise misfit(f"{rank} numbers, one for each axis", list(values))
    return values


def _axis(axis: int, rank: int) -> int:
    """An axis counted from the front; the batch is none."""
    counted = axis + rank if axis < 0 else axis
    if not 0 < counted < rank:
        raise misfit(f"an axis of {rank} behind the batch", axis)
    return counted


def _vars(*shapes: tuple[int, ...], trained: int | None = None) -> tuple[Weight, ...]:
    """Weights that a layer holds itself; the first so many are trained."""
    limit = len(shapes) if trained is None else trained
    return tuple(Weight(shape, f"vars/{index}", index < limit) for index, shape in enumerate(shapes))


def _bias(s: Settings, *shape: int) -> tuple[tuple[int, ...], ...]:
    return (shape,) if s["use_bias"] else ()


# --- convolutions


def _windows(s: Settings, sides: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
    """Sides of the output of anything that slides a window."""
    strides = _each(s["strides"] if s["strides"] is not None else kernel, len(sides))
    dilations = _each(s.get("dilation_rate", 1), len(sides))
    if max(strides) > 1 and max(dilations) > 1:
        raise misfit("strides or dilations of 1", f"strides {strides}, dilations {dilations}")
    try:
        return tuple(
            output_side(side, length, stride=stride, padding=s["padding"], dilation=dilation)
            for side, length, stride, dilation in zip(sides, kernel, strides, dilations, strict=True)
        )
    except InputError as error:
        raise misfit(error.expected, error.received) from error


def convolution(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """Kernel (sides…, C_in / groups, C_out), applied at each output position."""
    sides, channels = _map(inputs, rank)
    kernel, filters, groups = _each(s["kernel_size"], rank), s["filters"], s["groups"]
    if channels % groups or filters % groups:
        raise misfit(f"channels that {groups} groups divide", f"{channels} in, {filters} out")
    out = _windows(s, sides, kernel)
    weights = _vars((*kernel, channels // groups, filters), *_bias(s, filters))
    products = math.prod(kernel) * math.prod(out) * (channels // groups) * filters
    return Cost((None, *out, filters), weights, products)


def depthwise(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """A kernel (sides…, C_in, multiplier): each channel by itself."""
    sides, channels = _map(inputs, rank)
    kernel, made = _each(s["kernel_size"], rank), channels * s["depth_multiplier"]
    out = _windows(s, sides, kernel)
    weights = _vars((*kernel, channels, s["depth_multiplier"]), *_bias(s, made))
    return Cost((None, *out, made), weights, math.prod(kernel) * math.prod(out) * made)


def separable(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """A depthwise convolution and a 1×1 convolution of what it makes."""
    sides, channels = _map(inputs, rank)
    kernel, made, filters = _each(s["kernel_size"], rank), channels * s["depth_multiplier"], s["filters"]
    out = _windows(s, sides, kernel)
    weights = _vars(
        (*kernel, channels, s["depth_multiplier"]), (*(1,) * rank, made, filters), *_bias(s, filters)
    )  # depthwise, pointwise, bias
    products = math.prod(out) * made * (math.prod(kernel) + filters)
    return Cost((None, *out, filters), weights, products, inner=math.prod(out) * made)


def transposed(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """Each input position adds a kernel to the output: sides as in `compute_conv_transpose_output_shape` of Keras."""
    sides, channels = _map(inputs, rank)
    kernel, strides = _each(s["kernel_size"], rank), _each(s["strides"], rank)
    dilations, filters = _each(s["dilation_rate"], rank), s["filters"]
    extra = (None,) * rank if s["output_padding"] is None else _each(s["output_padding"], rank)
    out = []
    for side, length, stride, dilation, more in zip(sides, kernel, strides, dilations, extra, strict=True):
        spanned = effective_kernel(length, dilation)
        if more is None:
            out.append(side * stride + (max(spanned - stride, 0) if s["padding"] == "valid" else 0))
        elif s["padding"] == "valid":
            out.append((side - 1) * stride + spanned + more)
        else:
            out.append((side - 1) * stride + spanned - 2 * (spanned // 2) + more)
    if min(out) < 1:
        raise misfit("an output with sides of at least 1", out)
    weights = _vars((*kernel, filters, channels), *_bias(s, filters))
    return Cost((None, *out, filters), weights, math.prod(kernel) * math.prod(sides) * channels * filters)


def dense(s: Settings, inputs: Inputs) -> Cost:
    """Kernel (features, units), along the last axis."""
    shape = _one(inputs)
    if len(shape) < 2:
        raise misfit("an input with features", shape)
    features, units = int(shape[-1] or 0), s["units"]
    weights = _vars((features, units), *_bias(s, units))
    return Cost((*shape[:-1], units), weights, size(shape) * units)


# --- normalization


def batch_norm(s: Settings, inputs: Inputs) -> Cost:
    """Along one axis: scale γ, shift β, moving mean and moving variance."""
    shape = _one(inputs)
    if len(s["axis"]) != 1:
        raise misfit("one axis", list(s["axis"]))
    channels = (int(shape[_axis(s["axis"][0], len(shape))] or 0),)
    learned = [channels] * (s["scale"] + s["center"])
    return Cost(shape, _vars(*learned, channels, channels, trained=len(learned)))  # γ, β, moving mean, variance


def layer_norm(s: Settings, inputs: Inputs) -> Cost:
    """Along some axes: scale γ and shift β."""
    shape = _one(inputs)
    normed = tuple(int(shape[_axis(axis, len(shape))] or 0) for axis in s["axis"])
    return Cost(shape, _vars(*[normed] * (s["scale"] + s["center"])))


def group_norm(s: Settings, inputs: Inputs) -> Cost:
    """Scale γ and shift β, a pair a channel."""
    shape = _one(inputs)
    channels = int(shape[_axis(s["axis"], len(shape))] or 0)
    groups = channels if s["groups"] == -1 else s["groups"]
    if not groups or channels % groups:
        raise misfit(f"a number of groups that divides {channels} channels", groups)
    return Cost(shape, _vars(*[(channels,)] * (s["scale"] + s["center"])))


def rms_norm(s: Settings, inputs: Inputs) -> Cost:
    """Along some axes: a scale."""
    shape = _one(inputs)
    return Cost(shape, _vars(tuple(int(shape[_axis(axis, len(shape))] or 0) for axis in s["axis"])))


def normalization(s: Settings, inputs: Inputs) -> Cost:
    """Statistics of the data: as arguments, or as weights with the number of batches that they are of."""
    shape = _one(inputs)
    kept = () if s["axis"] is None else tuple(sorted(_axis(axis, len(shape)) for axis in s["axis"]))
    statistics = tuple(int(shape[axis] or 0) for axis in kept)
    if (s["mean"] is None) != (s["variance"] is None):
        raise misfit("mean and variance together", "one of them")
    if s["mean"] is None:
        mean, variance = _vars(statistics, statistics, trained=0)
        return Cost(shape, (mean, variance, Weight((), "vars/2", trained=False)))
    for given in (s["mean"], s["variance"]):
        if math.prod(given) not in (1, math.prod(statistics)):
            raise misfit(f"{math.prod(statistics)} numbers", given)
    return Cost(shape)


# --- pooling, padding, size


def pooling(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """The largest value or the mean of each window."""
    sides, channels = _map(inputs, rank)
    window = _each(s["pool_size"], rank)
    out = _windows(s, sides, window)
    return Cost((None, *out, channels), operations=math.prod(window) * math.prod(out) * channels)


def global_pooling(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """One value a channel."""
    sides, channels = _map(inputs, rank)
    kept = (1,) * rank if s["keepdims"] else ()
    return Cost((None, *kept, channels), operations=math.prod(sides) * channels)


def bordered(rank: int, sign: int, argument: str, s: Settings, inputs: Inputs) -> Cost:
    """Zero padding adds to both ends of a side, cropping takes away."""
    sides, channels = _map(inputs, rank)
    given = s[argument]
    if rank == 1 and isinstance(given, tuple) and len(given) == 2:
        given = (given,)  # (before, after) of the only axis
    pairs = [each if isinstance(each, tuple) else (each, each) for each in _each(given, rank)]
    if any(len(pair) != 2 for pair in pairs):
        raise misfit("two numbers for each axis", pairs)
    out = tuple(side + sign * sum(pair) for side, pair in zip(sides, pairs, strict=True))
    if min(out) < 1:
        raise misfit(f"a {argument} that leaves something of {sides}", out)
    return Cost((None, *out, channels))


def upsampling(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """Each side times its factor."""
    sides, channels = _map(inputs, rank)
    factors = _each(s["size"], rank)
    return Cost((None, *(side * factor for side, factor in zip(sides, factors, strict=True)), channels))


def resizing(s: Settings, inputs: Inputs) -> Cost:
    """Another height and width."""
    _, channels = _map(inputs, 2)
    return Cost((None, s["height"], s["width"], channels))


# --- shape


def flatten(_: Settings, inputs: Inputs) -> Cost:
    """All values of a picture in a row."""
    return Cost((None, size(_one(inputs))))


def reshape(s: Settings, inputs: Inputs) -> Cost:
    """The same values in another shape, of which one side may be open."""
    return Cost(_reshaped(_one(inputs), s["target_shape"]))


def _reshaped(shape: Shape, target: tuple[int, ...]) -> Shape:
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


def permute(s: Settings, inputs: Inputs) -> Cost:
    """The axes behind the batch in another order."""
    shape = _one(inputs)
    if sorted(s["dims"]) != list(range(1, len(shape))):
        raise misfit(f"the axes 1 to {len(shape) - 1} in another order", list(s["dims"]))
    return Cost((None, *(shape[axis] for axis in s["dims"])))


def repeat(s: Settings, inputs: Inputs) -> Cost:
    """The same features so many times."""
    shape = _one(inputs)
    if len(shape) != 2:
        raise misfit("an input with features only", shape)
    return Cost((None, s["n"], shape[1]))


# --- elementwise


def unchanged(_: Settings, inputs: Inputs) -> Cost:
    """What acts on each value, or while training only."""
    return Cost(_one(inputs))


def rescaling(s: Settings, inputs: Inputs) -> Cost:
    """Scale and offset, one number or one a channel."""
    shape = _one(inputs)
    for given in (s["scale"], s["offset"]):
        if len(given) >= len(shape) or broadcast([shape, given]) != shape:
            raise misfit(f"numbers for the channels of {shape}", given)
    return Cost(shape)


def prelu(s: Settings, inputs: Inputs) -> Cost:
    """A slope for each value, shared along some axes."""
    shape = _one(inputs)
    shared = {_axis(axis, len(shape)) for axis in s["shared_axes"] or ()}
    slopes = tuple(1 if axis in shared else int(shape[axis] or 0) for axis in range(1, len(shape)))
    return Cost(shape, _vars(slopes))


def layer_scale(s: Settings, inputs: Inputs) -> Cost:
    """ConvNeXt: one factor a channel."""
    shape = _one(inputs)
    if shape[-1] != s["projection_dim"]:
        raise misfit(f"{s['projection_dim']} channels", shape)
    return Cost(shape, _vars((s["projection_dim"],)))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape of an elementwise result: sides from the right are equal or 1; the batch goes with one picture.

    >>> broadcast([(None, 4, 4, 8), (None, 1, 1, 8), (8,)])
    (None, 4, 4, 8)
    """
    rank = max(len(shape) for shape in shapes)
    columns = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    out: list[int | None] = []
    for column in columns:
        sides = {side for side in column if side != 1}
        if len(sides) > 1:
            raise misfit("shapes that go together element by element", list(shapes))
        out.append(sides.pop() if sides else 1)
    return tuple(out)


def merged(_: Settings, inputs: Inputs) -> Cost:
    """Tensors element by element."""
    if len(inputs) < 2:
        raise misfit("at least two input tensors", f"{len(inputs)}")
    # Keras puts the missing axes behind the batch.
    return Cost((None, *broadcast([tuple(shape)[1:] for shape in inputs])))


def scaled_sum(_: Settings, inputs: Inputs) -> Cost:
    """Inception-ResNet: x + scale · y."""
    if len(inputs) != 2:
        raise misfit("two input tensors", f"{len(inputs)}")
    return merged(_, inputs)


def concatenated(s: Settings, inputs: Inputs) -> Cost:
    """Tensors one behind the other along an axis."""
    if not inputs:
        raise misfit("tensors to concatenate", "none")
    first = tuple(inputs[0])
    axis = _axis(s["axis"], len(first))
    for shape in inputs:
        if len(shape) != len(first) or any(
            side != other for place, (side, other) in enumerate(zip(shape, first, strict=True)) if place != axis
        ):
            raise misfit(f"shapes that differ only along axis {axis}", [tuple(shape) for shape in inputs[:8]])
    joined = sum(int(shape[axis] or 0) for shape in inputs)
    return Cost((*first[:axis], joined, *first[axis + 1 :]))


# --- products of two tensors


def dot(s: Settings, inputs: Inputs) -> Cost:
    """Products along one axis of each of two tensors; all other axes meet all others."""
    if len(inputs) != 2:
        raise misfit("two input tensors", f"{len(inputs)}")
    left, right = tuple(inputs[0]), tuple(inputs[1])
    chosen = s["axes"] if len(s["axes"]) == 2 else s["axes"] * 2
    if len(chosen) != 2:
        raise misfit("one axis for each tensor", list(s["axes"]))
    one, two = _axis(chosen[0], len(left)), _axis(chosen[1], len(right))
    if left[one] != right[two]:
        raise misfit("axes of one length", f"{left[one]} and {right[two]}")
    rest = (*left[1:one], *left[one + 1 :], *right[1:two], *right[two + 1 :])
    return Cost((None, *(rest or (1,))), multiply_adds=math.prod(side or 1 for side in rest) * int(left[one] or 0))


def _attended(inputs: Inputs) -> tuple[Shape, Shape, Shape]:
    """Query, value and key; the key is the value where it is not given."""
    if len(inputs) not in (2, 3):
        raise misfit("query, value and, if another, key", f"{len(inputs)} tensors")
    query, value = tuple(inputs[0]), tuple(inputs[1])
    key = tuple(inputs[2]) if len(inputs) == 3 else value
    if min(len(query), len(value)) < 3 or key[:-1] != value[:-1]:
        raise misfit("query, value and key of the form (batch, places, features)", [query, value, key])
    return query, value, key


def attention(additive: bool, s: Settings, inputs: Inputs) -> Cost:
    """Scores between places of query and key, and the values they mix."""
    query, value, key = _attended(inputs)
    if {len(query), len(value)} != {3} or query[-1] != key[-1]:
        raise misfit("query and key of one length", [query, key])
    scores, features = size(query[:-1]) * size(value[:-1]), int(query[-1] or 0)
    mixed = scores * int(value[-1] or 0)
    if additive:  # tanh(query + key) for each pair of places
        weights = _vars(*[(features,)] * s["use_scale"])
        return Cost((*query[:-1], value[-1]), weights, mixed, scores * features, scores * features)
    weights = _vars(*[()] * (s["use_scale"] + (s["score_mode"] == "concat")))
    inner = scores * (features if s["score_mode"] == "concat" else 1)
    return Cost((*query[:-1], value[-1]), weights, scores * features + mixed, inner=inner)


def multi_head_attention(s: Settings, inputs: Inputs) -> Cost:
    """Vaswani et al. 2017, section 3.2.2, over all places between batch and features."""
    query, value, key = _attended(inputs)
    heads, depth, value_depth = s["num_heads"], s["key_dim"], s["value_dim"] or s["key_dim"]
    places, others = size(query[:-1]), size(value[:-1])
    attended = s["attention_axes"]
    if attended is not None and sorted(_axis(axis, len(query)) for axis in attended) != list(range(1, len(query) - 1)):
        raise misfit("attention over all places", list(attended))
    made = (query[-1],) if s["output_shape"] is None else _each(s["output_shape"], 1)
    features = [int(shape[-1] or 0) for shape in (query, key, value)]
    kernels = {
        "query_dense": ((features[0], heads, depth), (heads, depth), places),
        "key_dense": ((features[1], heads, depth), (heads, depth), others),
        "value_dense": ((features[2], heads, value_depth), (heads, value_depth), others),
        "output_dense": ((heads, value_depth, int(made[0] or 0)), (int(made[0] or 0),), places),
    }
    weights = tuple(
        Weight(shape, f"{name}/vars/{index}")
        for name, (kernel, bias, _) in kernels.items()
        for index, shape in enumerate((kernel, *_bias(s, *bias)))
    )
    scores = heads * places * others
    projections = sum(math.prod(kernel) * count for kernel, _, count in kernels.values())
    return Cost((*query[:-1], *made), weights, projections + scores * (depth + value_depth), inner=scores)


# --- operations between tensors, which a model holds where its author wrote arithmetic


def _operand(value: Any) -> Shape:
    """The shape of a tensor or of a constant."""
    shape: Shape | None = value.shape if isinstance(value, Operand) else value
    if shape is None:
        raise misfit("numbers or tensors", "something else")
    return shape


def elementwise(_: Settings, inputs: Inputs) -> Cost:
    """Tensors and numbers element by element."""
    if not 1 <= len(inputs) <= 2:
        raise misfit("one or two operands", f"{len(inputs)}")
    shape = broadcast([_operand(value) for value in inputs])
    if not shape or shape[0] is not None:
        raise misfit("an operation that keeps the batch", shape)
    return Cost(shape)


def unary(s: Settings, inputs: Inputs) -> Cost:
    """What acts on each value of a tensor."""
    if not inputs or isinstance(inputs[0], Operand):
        raise misfit("an input tensor", "none")
    for argument in inputs[1:]:
        _operand(argument)  # a slope, a limit
    return Cost(tuple(inputs[0]))


def reduced(s: Settings, inputs: Inputs) -> Cost:
    """Mean, sum, largest or smallest along axes behind the batch."""
    shape = _one(inputs)
    if s["axis"] is None:
        raise misfit("axes behind the batch", "all axes")
    gone = {_axis(axis, len(shape)) for axis in s["axis"]}
    kept = [1 if place in gone else side for place, side in enumerate(shape) if s["keepdims"] or place not in gone]
    return Cost(tuple(kept), operations=size(shape))


def _listed(inputs: Inputs) -> list[Shape]:
    if len(inputs) != 1 or not isinstance(inputs[0], list) or any(isinstance(each, Operand) for each in inputs[0]):
        raise misfit("a list of tensors", "something else")
    return [tuple(shape) for shape in inputs[0]]


def joined(s: Settings, inputs: Inputs) -> Cost:
    """`concatenate` as an operation: the tensors come in a list."""
    return concatenated(s, _listed(inputs))


def stacked(s: Settings, inputs: Inputs) -> Cost:
    """Tensors of one shape along a new axis."""
    shapes = _listed(inputs)
    if not shapes or len(set(shapes)) != 1:
        raise misfit("tensors of one shape", shapes[:8])
    axis = _axis(s["axis"], len(shapes[0]) + 1)
    return Cost((*shapes[0][:axis], len(shapes), *shapes[0][axis:]))


def reshaped_tensor(s: Settings, inputs: Inputs) -> Cost:
    """`reshape` as an operation: the batch is an axis of it and has to stay open."""
    if s["newshape"][0] != -1:
        raise misfit("a shape that leaves the batch open: -1 in front", list(s["newshape"]))
    return Cost(_reshaped(_one(inputs), s["newshape"][1:]))


def sliced(_: Settings, inputs: Inputs) -> Cost:
    """`x[:, 4:-4, ..., 0]`: slices keep an axis, numbers take one of it, an ellipsis stands for the axes between."""
    if len(inputs) != 2 or isinstance(inputs[0], Operand):
        raise misfit("a tensor and what to take of it", f"{len(inputs)} operands")
    shape = tuple(inputs[0])
    given = [item.value if isinstance(item, Operand) else None for item in _items(inputs[1])]
    kinds_of = [_class_of(item) for item in given]
    if kinds_of.count("__ellipsis__") == 0:
        given.append({"class_name": "__ellipsis__"})
        kinds_of.append("__ellipsis__")
    if kinds_of.count("__ellipsis__") > 1 or len(given) - 1 > len(shape):
        raise misfit(f"at most {len(shape)} places and one ellipsis", f"{len(given)}")
    place = kinds_of.index("__ellipsis__")
    everything: dict[str, Any] = {"class_name": "__slice__", "config": {}}
    given[place : place + 1] = [everything] * (len(shape) - len(given) + 1)
    if _slice(given[0]) != slice(None):
        raise misfit("a slice that keeps the whole batch", "another")
    out: list[int | None] = [None]
    for side, item in zip(shape[1:], given[1:], strict=True):
        length = int(side or 0)
        if type(item) is int:
            if not -length <= item < length:
                raise misfit(f"a place of {length}", item)
            continue
        out.append(len(range(*_slice(item).indices(length))))
    if 0 in out:
        raise misfit("a slice that leaves something", out)
    return Cost(tuple(out))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _class_of(value: Any) -> Any:
    return value.get("class_name") if isinstance(value, dict) else None


def _slice(value: Any) -> slice:
    config = value.get("config") if _class_of(value) == "__slice__" else None
    if not isinstance(config, dict):
        raise misfit("a slice", "something else")
    parts = [config.get(name) for name in ("start", "stop", "step")]
    if (
        any(part is not None and (type(part) is not int or abs(part) > kinds.LARGEST) for part in parts)
        or parts[2] == 0
    ):
        raise misfit("whole numbers in a slice", "others")
    return slice(*parts)
