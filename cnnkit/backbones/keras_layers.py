"""What Keras layers cost and see: each translated to a layer of `primitives.layers`, which can count.

`TRANSLATIONS` is a table from layer class to translation. A class without a row works for all that Keras knows itself,
shapes and parameters; its multiply-adds count 0, and what its outputs see is unknown from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from cnnkit.backbones.graph import functional, nodes
from cnnkit.primitives.architecture import Call, walk
from cnnkit.primitives.counting import effective_kernel
from cnnkit.primitives.layers import (
    Activation,
    BatchNorm,
    Border,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    Layer,
    Pool,
    Separable,
    Shape,
    TransposedConv,
    Upsample,
    View,
    Whole,
)
from cnnkit.primitives.padding import Padding


class Unknown(Layer):
    """A layer of which cnnkit knows only what Keras says."""

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """Nobody knows, unless it is the whole picture already."""
        return tuple(field if field == field.whole() else field.unknown() for field in view)

    def note(self, shape: Shape) -> str:
        """Says so."""
        return "cnnkit does not know this layer: multiply-adds left out, receptive field unknown"


@dataclass(frozen=True)
class Nested(Layer):
    """A model inside a model, counted as one layer."""

    calls: tuple[Call, ...]

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """Of all its layers."""
        return sum(count.multiply_adds for count in walk(self.calls, shape))

    def activations(self, output: Shape) -> int:
        """Of all its layers but its input, which is the output of the layer before."""
        return sum(call.layer.activations(call.output or ()) for call in self.calls if call.parents)

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """What its last layer sees."""
        return walk(self.calls, shape, view)[-1].view


class Rearranged(Unknown):
    """The same values in another shape, or some of them: each place sees what it saw if the sides stay."""

    def activations(self, output: Shape) -> int:
        """None of its own."""
        return 0

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """Lost with the sides."""
        return view if shape[: len(view)] == output[: len(view)] else super().sees(view, shape, output)

    def note(self, shape: Shape) -> str:
        """Nothing to say."""
        return ""


def _padding(layer: Any) -> Padding:
    """As Keras has it; a causal one is before the first value only."""
    if layer.padding != "causal":
        return str(layer.padding)  # type: ignore[return-value]
    return ((effective_kernel(layer.kernel_size[0], layer.dilation_rate[0]) - 1, 0),)


def _conv(layer: Any) -> Layer:
    return Conv(
        layer.filters,
        layer.kernel_size,
        stride=layer.strides,
        padding=_padding(layer),
        dilation=layer.dilation_rate,
        groups=layer.groups,
        bias=layer.use_bias,
    )


def _depthwise(layer: Any) -> Layer:
    return Depthwise(
        layer.kernel_size,
        stride=layer.strides,
        padding=_padding(layer),
        dilation=layer.dilation_rate,
        multiplier=layer.depth_multiplier,
        bias=layer.use_bias,
    )


def _separable(layer: Any) -> Layer:
    return Separable(
        layer.filters,
        layer.kernel_size,
        stride=layer.strides,
        padding=_padding(layer),
        dilation=layer.dilation_rate,
        multiplier=layer.depth_multiplier,
        bias=layer.use_bias,
    )


def _pool(layer: Any) -> Layer:
    return Pool(layer.pool_size, stride=layer.strides, padding=_padding(layer))


def _transposed(layer: Any) -> Layer:
    return TransposedConv(
        layer.filters, layer.kernel_size, stride=layer.strides, padding=layer.padding, bias=layer.use_bias
    )


def _upsampling(layer: Any) -> Layer:
    return Upsample(layer.size, bilinear=getattr(layer, "interpolation", "nearest") == "bilinear")


def _padded(layer: Any) -> Layer:
    return Border(_pairs(layer.padding))


def _cropped(layer: Any) -> Layer:
    return Border([(-before, -after) for before, after in _pairs(layer.cropping)])


def _pairs(around: Any) -> list[tuple[int, int]]:
    """(before, after) for each side; Keras gives the pair itself where there is one side."""
    return [around] if isinstance(around[0], int) else list(around)


def _dense(layer: Any) -> Layer:
    return Dense(layer.units, bias=layer.use_bias)


def _permuted(layer: Any) -> Layer:
    """Axes behind the sides may change places: the middle of a channel shuffle."""
    return Rearranged() if tuple(layer.dims[:2]) == (1, 2) else Unknown()


# Layer class → what it is to `primitives.layers`.
TRANSLATIONS: dict[str, Callable[[Any], Layer]] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _conv),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _transposed),
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"), _pool),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"), _pool),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D", "UpSampling3D"), _upsampling),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"), _padded),
    **dict.fromkeys(("Cropping1D", "Cropping2D", "Cropping3D"), _cropped),
    "Dense": _dense,
    "BatchNormalization": lambda layer: BatchNorm(scale=layer.scale, shift=layer.center),
    "Flatten": lambda _: Flatten(),
    **dict.fromkeys(("Reshape", "GetItem"), lambda _: Rearranged()),
    "Permute": _permuted,
    **dict.fromkeys(
        (
            "GlobalAveragePooling1D",
            "GlobalAveragePooling2D",
            "GlobalAveragePooling3D",
            "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
            "GlobalMaxPooling3D",
            "MultiHeadAttention",
            "GroupNormalization",
        ),
        lambda _: Whole(),
    ),
    # These work place by place; the classes of arithmetic between tensors are Keras operations.
    **dict.fromkeys(
        (
            "InputLayer",
            "Rescaling",
            "Normalization",
            "LayerNormalization",
            "Activation",
            "ReLU",
            "LeakyReLU",
            "PReLU",
            "ELU",
            "Softmax",
            "Dropout",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
            "StochasticDepth",
            "GaussianNoise",
            "LayerScale",
            "CustomScaleLayer",
            "Add",
            "Subtract",
            "Multiply",
            "Average",
            "Maximum",
            "Minimum",
            "Divide",
            "TrueDivide",
            "Concatenate",
            "Identity",
        ),
        lambda _: Activation(),
    ),
}


def translated(layer: Any) -> Layer:
    """The layer as one that counts."""
    if isinstance(layer, keras.Model):
        return Nested(tuple(calls(functional(layer))))
    translate = TRANSLATIONS.get(type(layer).__name__)
    return translate(layer) if translate else Unknown()


def calls(model: keras.Model) -> list[Call]:
    """Every layer call of a functional model, in the order of `graph.nodes`, shapes and parameters from Keras.

    A layer that is called twice has its parameters counted once.
    """
    counted: set[int] = set()
    made = []
    for node in nodes(model):
        first = isinstance(node.layer, keras.Layer) and id(node.layer) not in counted
        counted.add(id(node.layer))
        parameters = node.layer.count_params() if first else 0
        kind, shape = type(node.layer).__name__, tuple(node.outputs[0].shape[1:])
        made.append(Call(node.name, kind, translated(node.layer), node.parents, shape, parameters))
    return made
