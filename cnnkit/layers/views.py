"""What the outputs of a layer see of its inputs, as layers of `primitives.layers`: from settings to geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnkit.layers.configuration import Settings
from cnnkit.layers.inputs import border_pairs, per_axis
from cnnkit.primitives.counting import effective_kernel
from cnnkit.primitives.layers import (
    Activation,
    Border,
    Flatten,
    Layer,
    Shape,
    Sliding,
    TransposedConv,
    Upsample,
    View,
    Whole,
)
from cnnkit.primitives.padding import Padding

Sides = int | tuple[int, ...]


@dataclass(frozen=True)
class Window(Sliding):
    """Anything that slides a window over the picture, whatever it does inside."""

    kernel: Sides
    stride: Sides | None
    padding: Padding
    dilation: Sides = 1


class Unknown(Layer):
    """A layer of which cnnkit does not know what its outputs see."""

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """Nobody knows, unless it is the whole picture already."""
        return tuple(field if field == field.whole() else field.unknown() for field in view)

    def note(self, shape: Shape) -> str:
        """That its view is unknown."""
        return "cnnkit does not know what this layer sees: receptive field unknown"


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


def unknown(_: Settings) -> Layer:
    """Nobody knows."""
    return Unknown()


def same(_: Settings) -> Layer:
    """Works place by place."""
    return Activation()


def whole(_: Settings) -> Layer:
    """Sees the whole picture."""
    return Whole()


def flat(_: Settings) -> Layer:
    """Sees the whole picture and holds nothing of its own."""
    return Flatten()


def rearrangement(_: Settings) -> Layer:
    """The same values in another shape."""
    return Rearranged()


def permutation(s: Settings) -> Layer:
    """Axes behind the sides may change places: the middle of a channel shuffle."""
    return Rearranged() if s["dims"][:2] == (1, 2) else Unknown()


def window(s: Settings) -> Layer:
    """A convolution; a causal one pads before the first value only."""
    kernel, dilation = s["kernel_size"], s["dilation_rate"]
    padding: Padding = s["padding"]
    if s["padding"] == "causal":
        span = effective_kernel(*per_axis(kernel, 1), *per_axis(dilation, 1))
        padding = ((span - 1, 0),)
    return Window(kernel, s["strides"], padding, dilation)


def pool(s: Settings) -> Layer:
    """A pooling; without strides its windows lie side by side."""
    return Window(s["pool_size"], s["strides"], s["padding"])


def stamps(s: Settings) -> Layer:
    """A transposed convolution."""
    return TransposedConv(s["filters"], s["kernel_size"], stride=s["strides"], padding=s["padding"])


def upsampling(s: Settings) -> Layer:
    """Upsampling."""
    return Upsample(s["size"], bilinear=s["interpolation"] == "bilinear")


def border(argument: str, rank: int, sign: int) -> Callable[[Settings], Layer]:
    """A border of its own (sign 1), or one cut off (-1), by this argument."""
    return lambda s: Border([(sign * before, sign * after) for before, after in border_pairs(s[argument], rank)])
