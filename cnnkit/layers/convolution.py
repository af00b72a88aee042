"""Convolutions of every kind, and the fully connected layer: kernels that meet an input place by place."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from cnnkit.errors import InputError
from cnnkit.layers import views
from cnnkit.layers.configuration import CHANNELS_LAST, COUNT, FLAG, Arguments, Kind, Settings, one_of, sides
from cnnkit.layers.cost import Cost, Inputs, misfit, size
from cnnkit.layers.inputs import bias_of, only_shape, per_axis, sides_and_channels, weights_of
from cnnkit.layers.row import Row
from cnnkit.layers.stock_objects import ACTIVATION, CONSTRAINT, INITIALIZER, REGULARIZER
from cnnkit.primitives.counting import Padding, effective_kernel, output_side


def window_sides(s: Settings, sides: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
    """Sides of the output of anything that slides a window.

    Raises:
        MisfitError: The window is larger than the input, or both strides and dilations are above 1.
    """
    strides = per_axis(s["strides"] if s["strides"] is not None else kernel, len(sides))
    dilations = per_axis(s.get("dilation_rate", 1), len(sides))
    if max(strides) > 1 and max(dilations) > 1:
        raise misfit("strides or dilations of 1", f"strides {strides}, dilations {dilations}")
    # A causal convolution pads as much as "same" does, all of it before the first value.
    padding: Padding = "same" if s["padding"] == "causal" else s["padding"]
    try:
        return tuple(
            output_side(side, length, stride=stride, padding=padding, dilation=dilation)
            for side, length, stride, dilation in zip(sides, kernel, strides, dilations, strict=True)
        )
    except InputError as error:
        raise misfit(error.expected, error.received) from error


def convolution(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """Kernel (sides…, C_in / groups, C_out), applied at each output position."""
    sides, channels = sides_and_channels(inputs, rank)
    kernel, filters, groups = per_axis(s["kernel_size"], rank), s["filters"], s["groups"]
    if channels % groups or filters % groups:
        raise misfit(f"channels that {groups} groups divide", f"{channels} in, {filters} out")
    output = window_sides(s, sides, kernel)
    weights = weights_of((*kernel, channels // groups, filters), *bias_of(s, filters))
    products = math.prod(kernel) * math.prod(output) * (channels // groups) * filters
    return Cost((None, *output, filters), weights, products)


def depthwise(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """A kernel (sides…, C_in, multiplier): each channel by itself."""
    sides, channels = sides_and_channels(inputs, rank)
    kernel, filters = per_axis(s["kernel_size"], rank), channels * s["depth_multiplier"]
    output = window_sides(s, sides, kernel)
    weights = weights_of((*kernel, channels, s["depth_multiplier"]), *bias_of(s, filters))
    return Cost((None, *output, filters), weights, math.prod(kernel) * math.prod(output) * filters)


def separable(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """A depthwise convolution and a 1×1 convolution of what it makes."""
    sides, channels = sides_and_channels(inputs, rank)
    kernel, deep, filters = per_axis(s["kernel_size"], rank), channels * s["depth_multiplier"], s["filters"]
    output = window_sides(s, sides, kernel)
    weights = weights_of(
        (*kernel, channels, s["depth_multiplier"]), (*(1,) * rank, deep, filters), *bias_of(s, filters)
    )  # depthwise, pointwise, bias
    products = math.prod(output) * deep * (math.prod(kernel) + filters)
    return Cost((None, *output, filters), weights, products, inner=math.prod(output) * deep)


def transposed(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """Each input position adds a kernel to the output: sides as in `compute_conv_transpose_output_shape` of Keras."""
    sides, channels = sides_and_channels(inputs, rank)
    kernel, strides = per_axis(s["kernel_size"], rank), per_axis(s["strides"], rank)
    dilations, filters = per_axis(s["dilation_rate"], rank), s["filters"]
    extra = (None,) * rank if s["output_padding"] is None else per_axis(s["output_padding"], rank)
    output = []
    for side, length, stride, dilation, more in zip(sides, kernel, strides, dilations, extra, strict=True):
        span = effective_kernel(length, dilation)
        if more is None:
            output.append(side * stride + (max(span - stride, 0) if s["padding"] == "valid" else 0))
        elif s["padding"] == "valid":
            output.append((side - 1) * stride + span + more)
        else:
            output.append((side - 1) * stride + span - 2 * (span // 2) + more)
    if min(output) < 1:
        raise misfit("an output with sides of at least 1", output)
    weights = weights_of((*kernel, filters, channels), *bias_of(s, filters))
    return Cost((None, *output, filters), weights, math.prod(kernel) * math.prod(sides) * channels * filters)


def dense(s: Settings, inputs: Inputs) -> Cost:
    """Kernel (features, units), along the last axis."""
    shape = only_shape(inputs)
    if len(shape) < 2:
        raise misfit("an input with features", shape)
    features, units = int(shape[-1] or 0), s["units"]
    weights = weights_of((features, units), *bias_of(s, units))
    return Cost((*shape[:-1], units), weights, size(shape) * units)


WINDOW: dict[str, Kind] = {
    "strides": sides() | 1,
    "padding": one_of("valid", "same") | "valid",
    "data_format": CHANNELS_LAST | None,
}
BIAS: dict[str, Kind] = {
    "bias_initializer": INITIALIZER | None,
    "bias_regularizer": REGULARIZER | None,
    "bias_constraint": CONSTRAINT | None,
}
KERNEL: dict[str, Kind] = {
    "kernel_initializer": INITIALIZER | None,
    "kernel_regularizer": REGULARIZER | None,
    "kernel_constraint": CONSTRAINT | None,
}
_KERNEL_SIZE: dict[str, Kind] = {
    **WINDOW,
    "kernel_size": sides(),
    "dilation_rate": sides() | 1,
    "use_bias": FLAG | True,
}
_CONVOLUTION = {**_KERNEL_SIZE, "filters": COUNT, "groups": COUNT | 1}
_DEPTHWISE = {**_KERNEL_SIZE, "depth_multiplier": COUNT | 1}
_TRANSPOSED = {**_KERNEL_SIZE, "filters": COUNT, "output_padding": sides(0) | None}
_OTHERS: dict[str, Kind] = {**KERNEL, **BIAS, "activation": ACTIVATION | None}
_KERAS_2: dict[str, Kind] = {"groups": one_of(1) | 1}  # which wrote it where it has no meaning
_DEPTHWISE_OTHERS: dict[str, Kind] = {
    **_OTHERS,
    **_KERAS_2,
    "depthwise_initializer": INITIALIZER | None,
    "depthwise_regularizer": REGULARIZER | None,
    "depthwise_constraint": CONSTRAINT | None,
}
_SEPARABLE_OTHERS: dict[str, Kind] = {
    **_DEPTHWISE_OTHERS,
    "pointwise_initializer": INITIALIZER | None,
    "pointwise_regularizer": REGULARIZER | None,
    "pointwise_constraint": CONSTRAINT | None,
}


def _rows(name: str, cost: Callable[..., Cost], arguments: Arguments, others: Arguments, ranks: str) -> dict[str, Row]:
    view = views.stamps if cost is transposed else views.window
    return {name.format(rank): Row(partial(cost, int(rank)), view, arguments, others) for rank in ranks}


ROWS: dict[str, Row] = {
    **_rows("Conv{}D", convolution, _CONVOLUTION, _OTHERS, "23"),
    **_rows(
        "Conv{}D",
        convolution,
        {**_CONVOLUTION, "padding": one_of("valid", "same", "causal") | "valid"},
        _OTHERS,
        "1",
    ),
    **_rows("Conv{}DTranspose", transposed, _TRANSPOSED, {**_OTHERS, **_KERAS_2}, "123"),
    **_rows("DepthwiseConv{}D", depthwise, _DEPTHWISE, _DEPTHWISE_OTHERS, "12"),
    **_rows("SeparableConv{}D", separable, {**_DEPTHWISE, "filters": COUNT}, _SEPARABLE_OTHERS, "12"),
    "Dense": Row(
        dense,
        views.same,
        {"units": COUNT, "use_bias": FLAG | True},
        {**KERNEL, **BIAS, "activation": ACTIVATION | None, "quantization_config": one_of() | None},
    ),
}
