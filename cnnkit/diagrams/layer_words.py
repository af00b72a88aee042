"""Names of layers in a drawing: the kind, which is a colour, and a word or two.

`WORDS` is a table from layer class to both. Layers of `MINOR` classes change numbers and not the picture: they are
drawn with the layer before them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnnkit.visualize import style


@dataclass(frozen=True)
class Kind:
    """What a box can be.

    Attributes:
        words: In the legend.
        colour: Of its front.
    """

    words: str
    colour: str


KINDS = {
    "input": Kind("input", style.FAINT),
    "convolution": Kind("convolution", style.BLUE),
    "residual": Kind("block, its branches added", style.PURPLE),
    "branches": Kind("block, its branches concatenated", style.SKY),
    "pooling": Kind("pooling", style.ORANGE),
    "enlarging": Kind("enlarging", style.PINK),
    "joining": Kind("joining", style.MUTED),
    "dense": Kind("dense", style.GREEN),
    "nested": Kind("a model inside", style.WINE),
    "other": Kind("other", style.SAND),
    "output": Kind("output", style.AMBER),
}
"""Name → what the legend says; in the order of the legend."""


def _activation(function: Any) -> str:
    name = getattr(function, "__name__", "activation").replace("_", " ")
    return {"relu": "ReLU", "relu6": "ReLU6", "linear": ""}.get(name, name)


# Class of a layer that is drawn with the layer before it → its words.
MINOR: dict[str, Callable[[Any], str]] = {
    "Activation": lambda layer: _activation(layer.activation),
    "ReLU": lambda layer: "ReLU" if layer.max_value is None else f"ReLU{layer.max_value:g}",
    "LeakyReLU": lambda _: "leaky ReLU",
    "PReLU": lambda _: "PReLU",
    "ELU": lambda _: "ELU",
    "Softmax": lambda _: "softmax",
    "BatchNormalization": lambda _: "batch norm",
    **dict.fromkeys(
        ("GroupNormalization", "LayerNormalization", "UnitNormalization"),
        lambda layer: f"{type(layer).__name__.removesuffix('Normalization').lower()} norm",
    ),
    **dict.fromkeys(
        ("AlphaDropout", "Dropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        lambda layer: f"dropout {layer.rate:g}",
    ),
    **dict.fromkeys(("GaussianNoise", "StochasticDepth"), lambda _: "noise"),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"), lambda _: "padding"),
    **dict.fromkeys(("Cropping1D", "Cropping2D", "Cropping3D"), lambda _: "cropping"),
    **dict.fromkeys(("CustomScaleLayer", "LayerScale", "Normalization", "Rescaling"), lambda _: "scaling"),
    **dict.fromkeys(("GetItem", "Flatten", "Permute", "Reshape"), lambda layer: type(layer).__name__.lower()),
    "Identity": lambda _: "",
}


def _sides(sides: Any) -> str:
    return "×".join(map(str, sides))


def _conv(layer: Any) -> str:
    """`3×3`, and what is unusual about it."""
    spread = f", dilation {max(layer.dilation_rate)}" if max(layer.dilation_rate) > 1 else ""
    if layer.groups == layer.filters > 1:
        return f"{_sides(layer.kernel_size)}{spread} dw"
    grouped = f" in {layer.groups} groups" if layer.groups > 1 else ""
    return f"{_sides(layer.kernel_size)}{spread}{grouped}"


# Layer class → kind and words.
WORDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "InputLayer": ("input", lambda _: "input"),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), ("convolution", _conv)),
    **dict.fromkeys(
        ("DepthwiseConv1D", "DepthwiseConv2D"), ("convolution", lambda layer: f"{_sides(layer.kernel_size)} dw")
    ),
    **dict.fromkeys(
        ("SeparableConv1D", "SeparableConv2D"), ("convolution", lambda layer: f"{_sides(layer.kernel_size)} dw, 1×1")
    ),
    **dict.fromkeys(
        ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
        ("enlarging", lambda layer: f"{_sides(layer.kernel_size)} transposed"),
    ),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D", "UpSampling3D"), ("enlarging", lambda _: "upsampling")),
    **dict.fromkeys(
        ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"), ("pooling", lambda layer: f"{_sides(layer.pool_size)} max")
    ),
    **dict.fromkeys(
        ("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
        ("pooling", lambda layer: f"{_sides(layer.pool_size)} mean"),
    ),
    **dict.fromkeys(
        ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"), ("pooling", lambda _: "global max")
    ),
    **dict.fromkeys(
        ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"),
        ("pooling", lambda _: "global mean"),
    ),
    "Dense": ("dense", lambda _: "dense"),
    "Add": ("joining", lambda _: "add"),
    "Concatenate": ("joining", lambda _: "concatenate"),
    "Multiply": ("joining", lambda _: "multiply"),
    "Average": ("joining", lambda _: "average"),
    "Maximum": ("joining", lambda _: "maximum"),
    "Subtract": ("joining", lambda _: "subtract"),
    "Dot": ("joining", lambda _: "dot product"),
}


def leading(layer: Any) -> Any:
    """The one layer that does something inside a nested model, or the layer itself.

    ConvNeXt's stem is a model of a convolution and its normalization: it is drawn as the convolution.
    """
    inside = [
        inner for inner in getattr(layer, "layers", ()) if not is_minor(inner) and type(inner).__name__ != "InputLayer"
    ]
    return leading(inside[0]) if len(inside) == 1 else layer


def is_minor(layer: Any) -> bool:
    """Whether a layer changes numbers and not the picture: of a `MINOR` class, or one weight for each channel."""
    alone = type(layer).__name__ == "DepthwiseConv2D" and set(layer.kernel_size) == {1} == {*layer.strides}
    return type(layer).__name__ in MINOR or (alone and layer.depth_multiplier == 1)


def described(layer: Any) -> tuple[str, str]:
    """Kind and words of a layer that is a box of its own; of an unknown one its class, of a nested model its name."""
    layer = leading(layer)
    if hasattr(layer, "layers"):
        return "nested", style.shortened(layer.name, 18)
    kind, words = WORDS.get(type(layer).__name__, ("other", lambda layer: style.shortened(type(layer).__name__, 18)))
    return kind, words(layer)


def extras(layer: Any) -> list[str]:
    """Words for what a layer also does, or for a minor one: normalization, activation, dropout.

    Args:
        layer: Any Keras layer.
    """
    if type(layer).__name__ in MINOR:
        words = MINOR[type(layer).__name__](layer)
        return [words] if words else []
    if leading(layer) is not layer:
        return [words for inner in layer.layers for words in extras(inner)]
    scaling = ["scaling"] if is_minor(layer) else []
    activation = _activation(getattr(layer, "activation", None)) if getattr(layer, "activation", None) else ""
    return [*scaling, activation] if activation else scaling


def stride_of(layer: Any) -> int:
    """The larger of a layer's strides; 1 for a layer without."""
    strides = getattr(leading(layer), "strides", None)
    return max(strides) if isinstance(strides, tuple) else int(strides or 1)


def spread_out(shape: tuple[int | None, ...]) -> str:
    """A shape as text.

    >>> spread_out((56, 56, 64)), spread_out((None, None, 3)), spread_out((1000,))
    ('56×56×64', '?×?×3', '1000')
    """
    return "×".join("?" if side is None else str(side) for side in shape)


Words = tuple[tuple[str, ...], ...]
"""What the parts of a box do, a tuple a part."""


def lines_of(words: Words) -> list[str]:
    """Words as lines on a slide, repetitions as (…) ×6.

    >>> lines_of((("dense",),)), lines_of((("3×3",), ("3×3",)))
    (['dense'], ['3×3 ×2'])
    >>> lines_of((("3×3",), ("1×1",), ("1×1", "3×3 dw", "1×1"), ("1×1", "3×3 dw", "1×1")))
    ['3×3, 1×1', '(1×1, 3×3 dw, 1×1) ×2']
    """
    lines = []
    for part, times in runs(words):
        text = ", ".join(part)
        bracketed = f"({text})" if len(part) > 1 else text
        lines.append(f"{bracketed} ×{times}" if times > 1 else text)
    return lines


def runs(words: Words) -> list[tuple[tuple[str, ...], int]]:
    """What is repeated and how often: of whole blocks, or where none is, across them.

    >>> runs((("3×3", "3×3"), ("3×3", "3×3")))
    [(('3×3', '3×3'), 2)]
    >>> runs((("3×3",), ("1×1",), ("3×3", "1×1")))
    [(('3×3', '1×1'), 2)]
    """
    by_block = _runs(words)
    if len(words) == 1 or any(times > 1 for _, times in by_block):
        return by_block
    return _runs(tuple((word,) for part in words for word in part))


def _runs(words: Words) -> list[tuple[tuple[str, ...], int]]:
    """From the first part on, the run that says most; parts that are not repeated are one."""
    found: list[tuple[tuple[str, ...], int]] = []
    at = 0
    while at < len(words):
        candidates = [(period, _times(words, at, period)) for period in range(1, 7)]
        period, times = max(candidates, key=lambda run: (run[0] * run[1] if run[1] > 1 else 0, -run[0]))
        part = tuple(word for block in words[at : at + period] for word in block)
        if times == 1 and found and found[-1][1] == 1:
            found[-1] = ((*found[-1][0], *part), 1)
        else:
            found.append((part, times))
        at += period * times
    return found


def _times(words: Words, at: int, period: int) -> int:
    """How often the next `period` parts follow each other."""
    part = words[at : at + period]
    times = 1
    while len(part) == period and words[at + times * period : at + (times + 1) * period] == part:
        times += 1
    return times
