"""What each legal cut gives and costs: shape, stride, receptive field, parameters, multiply-adds.

The numbers travel through the graph layer by layer. What a layer does to them is a row of `WINDOWS` (which part
of its input one output value sees) and of `COSTS` (its multiply-adds); a layer without a row in `WINDOWS`
makes the receptive field unknown from there on, one without a row in `COSTS` costs nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import pandas as pd

from cnnkit.backbones.graph import Node, cut_nodes, functional, nodes
from cnnkit.backbones.truncation import WHERE, cut_node
from cnnkit.errors import unknown_name
from cnnkit.primitives import counting
from cnnkit.primitives.receptive_field import Field, meet

Shape = tuple[int | None, ...]  # of one picture: (height, width, channels) or (units,)

COLUMNS = ["name", "shape", "stride", "receptive_field", "parameters", "multiply_adds"]


@dataclass(frozen=True)
class View:
    """What one output value sees along the height and along the width; `known` turns false and stays so."""

    height: Field
    width: Field
    known: bool = True

    def through(self, kernel: counting.Side, stride: counting.Side, dilation: counting.Side = 1) -> View:
        """After a window of this kernel."""
        kernels, strides, dilations = counting.pair(kernel), counting.pair(stride), counting.pair(dilation)
        return View(
            self.height.through(kernels[0], stride=strides[0], dilation=dilations[0]),
            self.width.through(kernels[1], stride=strides[1], dilation=dilations[1]),
            self.known,
        )

    def transposed(self, kernel: counting.Side, stride: counting.Side) -> View:
        """After a transposed convolution, or an up-sampling as one."""
        kernels, strides = counting.pair(kernel), counting.pair(stride)
        return View(
            self.height.through_transposed(kernels[0], stride=strides[0]),
            self.width.through_transposed(kernels[1], stride=strides[1]),
            self.known,
        )

    def whole(self) -> View:
        """After something that sees the whole picture."""
        return View(self.height.whole(), self.width.whole(), self.known)


def _meet(views: list[View]) -> View:
    return View(
        meet([view.height for view in views]),
        meet([view.width for view in views]),
        all(view.known for view in views),
    )


def _convolution(layer: Any, view: View) -> View:
    return view.through(layer.kernel_size, layer.strides, layer.dilation_rate)


def _pooling(layer: Any, view: View) -> View:
    return view.through(layer.pool_size, layer.strides)


def _transposed(layer: Any, view: View) -> View:
    return view.transposed(layer.kernel_size, layer.strides)


def _upsampling(layer: Any, view: View) -> View:
    """Values repeated, or mixed from two neighbours (bilinear)."""
    factors = counting.pair(layer.size)
    kernel = factors if layer.interpolation == "nearest" else (2 * factors[0], 2 * factors[1])
    return view.transposed(kernel, factors)


def _whole(_: Any, view: View) -> View:
    return view.whole()


def _pointwise(_: Any, view: View) -> View:
    return view


# Layer class → what one of its outputs sees of its input.
WINDOWS: dict[str, Callable[[Any, View], View]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "SeparableConv2D": _convolution,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "Conv2DTranspose": _transposed,
    "UpSampling2D": _upsampling,
    "GlobalAveragePooling2D": _whole,
    "GlobalMaxPooling2D": _whole,
    "Flatten": _whole,
    "MultiHeadAttention": _whole,
    "GroupNormalization": _whole,
    # Padding and cropping move the window and do not widen it; the others work place by place.
    **dict.fromkeys(
        (
            "InputLayer",
            "ZeroPadding2D",
            "Cropping2D",
            "Rescaling",
            "Normalization",
            "BatchNormalization",
            "LayerNormalization",
            "Activation",
            "ReLU",
            "LeakyReLU",
            "PReLU",
            "ELU",
            "Softmax",
            "Dropout",
            "SpatialDropout2D",
            "StochasticDepth",
            "GaussianNoise",
            "LayerScale",
            "CustomScaleLayer",
            "Add",
            "Subtract",
            "Multiply",
            "Average",
            "Maximum",
            "Concatenate",
            "Dense",
            "Reshape",
            "Identity",
        ),
        _pointwise,
    ),
}


def _places(shape: Shape) -> int:
    """Number of places (height × width) of a feature map, 1 of a vector; 0 where a side is unknown."""
    return math.prod(side or 0 for side in shape[:-1])


def _convolution_cost(layer: Any, given: Shape, output: Shape) -> int:
    return counting.conv_multiply_adds(
        layer.kernel_size, (1, _places(output)), given[-1] or 0, layer.filters, groups=layer.groups
    )


def _depthwise_cost(layer: Any, given: Shape, output: Shape) -> int:
    return counting.depthwise_multiply_adds(
        layer.kernel_size, (1, _places(output)), given[-1] or 0, multiplier=layer.depth_multiplier
    )


def _separable_cost(layer: Any, given: Shape, output: Shape) -> int:
    deep = (given[-1] or 0) * layer.depth_multiplier
    pointwise = counting.pointwise_multiply_adds((1, _places(output)), deep, layer.filters)
    return _depthwise_cost(layer, given, output) + pointwise


def _transposed_cost(layer: Any, given: Shape, _: Shape) -> int:
    """A transposed convolution works once for each place of its *input*."""
    return counting.conv_multiply_adds(layer.kernel_size, (1, _places(given)), given[-1] or 0, layer.filters)


def _dense_cost(layer: Any, given: Shape, output: Shape) -> int:
    return counting.dense_multiply_adds(given[-1] or 0, layer.units, positions=_places(output))


# Layer class → multiply-adds of one picture, from the layer, its input's and its output's shape. As in papers,
# pooling, normalization, activations and biases count nothing.
COSTS: dict[str, Callable[[Any, Shape, Shape], int]] = {
    "Conv2D": _convolution_cost,
    "DepthwiseConv2D": _depthwise_cost,
    "SeparableConv2D": _separable_cost,
    "Conv2DTranspose": _transposed_cost,
    "Dense": _dense_cost,
}


def _shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _call(call: Node, view: View) -> tuple[View, int]:
    """The view after a layer call, and the call's multiply-adds."""
    layer = call.layer
    if isinstance(layer, keras.Model):
        views, costs = _walk(functional(layer), view)
        return views[-1], sum(costs)
    kind = type(layer).__name__
    if kind not in WINDOWS:
        return View(view.height, view.width, known=False), 0
    cost = COSTS[kind](layer, _shape(call.inputs[0]), _shape(call.outputs[0])) if kind in COSTS else 0
    return WINDOWS[kind](layer, view), cost


def _walk(model: keras.Model, start: View) -> tuple[list[View], list[int]]:
    """View and multiply-adds of every node of a functional model."""
    views: list[View] = []
    costs: list[int] = []
    for call in nodes(model):
        view, cost = _call(call, _meet([views[parent] for parent in call.parents]) if call.parents else start)
        views.append(view)
        costs.append(cost)
    return views, costs


def cut_table(model: keras.Model) -> pd.DataFrame:
    """All legal cuts of a functional model, the input's side first.

    Args:
        model: Any functional or built Sequential model.

    Returns:
        One row a cut:

        * name: the layer, what `cut=` takes.
        * shape: (height, width, channels) of the features, or (units,).
        * stride: input pixels between neighbouring places; <NA> for vectors.
        * receptive_field: input pixels along a side that one value can see, the largest over all paths and
          both axes, in theory also larger than the picture; the picture's side after global pooling (a
          squeeze-and-excitation branch has one). <NA> after a layer that cnnkit does not know.
        * parameters: of all layers up to it, moving statistics included: `truncate(model, name).count_params()`.
        * multiply_adds: of one picture up to it, convolutions and dense layers; 0 where a side is unknown.
    """
    model = functional(model)
    calls = nodes(model)
    views, costs = _walk(model, View(Field(), Field()))
    legal = {id(call.layer) for call in cut_nodes(model)}
    side = max((side or 0 for side in _shape(model.inputs[0])[:-1]), default=0)
    records = []
    parameters, multiply_adds = 0, 0
    counted: set[int] = set()
    for call, view, cost in zip(calls, views, costs, strict=True):
        multiply_adds += cost
        if isinstance(call.layer, keras.Layer) and id(call.layer) not in counted:
            counted.add(id(call.layer))
            parameters += call.layer.count_params()
        if id(call.layer) in legal:
            shape = _shape(call.outputs[0])
            stride = max(view.height.stride, view.width.stride) if len(shape) == 3 else None
            records.append((call.name, shape, stride, _pixels(view, side), parameters, multiply_adds))
    table = pd.DataFrame(records, columns=COLUMNS)
    whole = all(stride is None or stride.denominator == 1 for stride in table["stride"])
    table["stride"] = pd.array(
        [None if stride is None else float(stride) for stride in table["stride"]], dtype="Float64"
    )
    return table.astype({"stride": "Int64" if whole else "Float64", "receptive_field": "Int64"})


def _pixels(view: View, side: int) -> int | None:
    size = max(view.height.size, view.width.size)
    if not view.known:
        return None
    return int(size) if math.isfinite(size) else side or None


def stages(table: pd.DataFrame) -> tuple[str, ...]:
    """The last legal cut of each stride, shallow to deep: what `"stage1"`, `"stage2"` … stand for.

    Only feature maps count that a convolution or a pooling has made, and padding is not counted to a stage:
    ResNet50's stages end at `conv1_relu`, `conv2_block3_out`, …, not at its input or at `pool1_pad`.

    Args:
        table: What `cut_table` gives.
    """
    maps = table[table["stride"].notna() & (table["receptive_field"].isna() | (table["receptive_field"] > 1))]
    # Padding repeats the numbers of the cut before it, with a larger map.
    ends: dict[float, str] = {}
    before: tuple[object, int] | None = None
    for name, shape, stride, *numbers in maps[COLUMNS].itertuples(index=False, name=None):
        if before is None or before[0] != (stride, numbers) or shape[0] <= before[1]:
            ends[float(stride)] = str(name)
            before = (stride, numbers), shape[0]
    return tuple(ends[stride] for stride in sorted(ends))


def resolve_cut(model: keras.Model, cut: str) -> str:
    """The layer that a cut or a stage alias (`"stage1"` shallow, to `"stage5"`) stands for.

    Raises:
        UnknownNameError: Neither a layer nor a stage.
        InputError: A layer, but no legal cut.
    """
    model = functional(model)
    if re.fullmatch(r"stage\d+", cut) and all(layer.name != cut for layer in model.layers):
        ends = stages(cut_table(model))
        number = int(cut.removeprefix("stage"))
        if not 1 <= number <= len(ends):
            raise unknown_name("a stage", cut, [f"stage{count + 1}" for count in range(len(ends))], WHERE)
        return ends[number - 1]
    return cut_node(model, cut).name
