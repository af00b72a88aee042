"""Layers as a paper's table writes them down: what each makes of a shape, what it costs, what it sees.

A shape is (*sides, channels), of a vector (units,). A side may be None where a Keras model leaves it open: it then
costs nothing. Kernels, strides and dilations are one number for all sides, or one for each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

from cnnkit.errors import InputError
from cnnkit.primitives import counting
from cnnkit.primitives.arrays import Sides, each
from cnnkit.primitives.counting import effective_kernel, output_side, transposed_crop, transposed_side
from cnnkit.primitives.padding import Borders, Padding, borders
from cnnkit.primitives.receptive_field import Field

Shape = tuple[int | None, ...]
View = tuple[Field, ...]
"""What one value sees, along each side of the input."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Works value by value: an activation, dropout, whatever changes no shape and has no parameters.

    Attributes:
        name: In the table; empty: the kind and a number.
    """

    name: str = ""

    def meet(self, shapes: Sequence[Shape]) -> Shape:
        """The shape that it works on, from those of the layers before it."""
        return shapes[0]

    def output(self, shape: Shape) -> Shape:
        """The output's shape."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Parameters, given the input's shape."""
        return 0

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """Multiply-adds of one picture, as papers count: without biases, pooling, normalization, activations."""
        return 0

    def activations(self, output: Shape) -> int:
        """Values that it holds in memory for one picture."""
        return places(output) * (output[-1] or 0)

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """What its outputs see, given what its inputs see."""
        return view

    def note(self, shape: Shape) -> str:
        """What a reader should know."""
        return ""


class Activation(Layer):
    """An activation, dropout: value by value."""


class Step(NamedTuple):
    """A kernel's slide along one side."""

    side: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    def output(self) -> int:
        """⌊(W − F + before + after)/S⌋ + 1."""
        padded = self.side + self.before + self.after
        return output_side(padded, self.kernel, stride=self.stride, dilation=self.dilation)

    def unseen(self) -> int:
        """Pixels at the far end that no place of the kernel reaches."""
        padded = self.side + self.before + self.after
        return counting.remainder(padded, self.kernel, stride=self.stride, dilation=self.dilation)

    def misfit(self) -> str:
        """The lecture's formula with its fraction, for one who wonders where pixels went."""
        padding = self.before + self.after
        rest = self.side + padding - effective_kernel(self.kernel, self.dilation)
        added = f" + {padding}" if padding else ""
        return (
            f"({self.side} − {self.side + padding - rest}{added})/{self.stride} + 1 = {rest / self.stride + 1:.2f}, "
            f"taken as {self.output()}: the last {self.unseen()} of {self.side + padding} pixels are never seen"
        )


class Sliding(Layer):
    """What slides a kernel over the picture: convolution and pooling."""

    kernel: Sides
    stride: Sides | None
    padding: Padding
    dilation: Sides = 1

    def steps(self, shape: Shape) -> list[Step]:
        """The slide along each side; an open side counts as a multiple of the stride."""
        kernels, dilations = self.kernels(shape), each(self.dilation, len(shape) - 1)
        strides = kernels if self.stride is None else each(self.stride, len(shape) - 1)
        sides = [side or f * s * d for side, f, s, d in zip(shape, kernels, strides, dilations, strict=False)]
        around = zip(*borders(self.padding, sides, kernels, strides, dilations), strict=True)
        return [Step(*row) for row in zip(sides, kernels, strides, dilations, *around, strict=True)]

    def kernels(self, shape: Shape) -> tuple[int, ...]:
        """The kernel's sides."""
        return each(self.kernel, len(shape) - 1)

    def slid(self, shape: Shape) -> Shape:
        """The sides of the output."""
        return tuple(side and step.output() for side, step in zip(shape, self.steps(shape), strict=False))

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """Wider by the kernel."""
        return tuple(
            seen.through(step.kernel, stride=step.stride, dilation=step.dilation, padding=step.before)
            for seen, step in zip(view, self.steps(shape), strict=False)
        )

    def note(self, shape: Shape) -> str:
        """A bad fit: pixels that no place of the kernel reaches (lecture 001)."""
        bad = [step for step, side in zip(self.steps(shape), shape, strict=False) if side and step.unseen()]
        return bad[0].misfit() if bad else ""


@dataclass(frozen=True)
class Conv(Sliding):
    """A convolution; arguments as in `conv2d`.

    >>> Conv(96, 11, stride=4).output((227, 227, 3)), Conv(96, 11).parameters((227, 227, 3))  # AlexNet, CONV1
    ((55, 55, 96), 34944)
    """

    filters: int
    kernel: Sides
    _: KW_ONLY
    stride: Sides = 1
    padding: Padding = 0
    dilation: Sides = 1
    groups: int = 1
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """(*sides, filters)."""
        return (*self.slid(shape), self.filters)

    def parameters(self, shape: Shape) -> int:
        """(F·F·C_in/groups + 1)·C_out."""
        channels = shape[-1] or 0
        return counting.conv_parameters(self.kernels(shape), channels, self.filters, bias=self.bias, groups=self.groups)

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """F·F·H·W·C_in·C_out/groups."""
        channels = shape[-1] or 0
        return counting.conv_multiply_adds(
            self.kernels(shape), (places(output),), channels, self.filters, groups=self.groups
        )


@dataclass(frozen=True)
class Depthwise(Sliding):
    """A depthwise convolution; arguments as in `depthwise_conv2d`."""

    kernel: Sides
    _: KW_ONLY
    stride: Sides = 1
    padding: Padding = 0
    dilation: Sides = 1
    multiplier: int = 1
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """(*sides, channels · multiplier)."""
        return (*self.slid(shape), (shape[-1] or 0) * self.multiplier)

    def parameters(self, shape: Shape) -> int:
        """(F·F + 1)·C_in·multiplier."""
        channels = shape[-1] or 0
        return counting.depthwise_parameters(self.kernels(shape), channels, multiplier=self.multiplier, bias=self.bias)

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """F·F·H·W·C_in·multiplier."""
        channels = shape[-1] or 0
        return counting.depthwise_multiply_adds(
            self.kernels(shape), (places(output),), channels, multiplier=self.multiplier
        )


@dataclass(frozen=True)
class Separable(Sliding):
    """A depthwise and a pointwise convolution in one layer, with one bias, as in Keras."""

    filters: int
    kernel: Sides
    _: KW_ONLY
    stride: Sides = 1
    padding: Padding = 0
    dilation: Sides = 1
    multiplier: int = 1
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """(*sides, filters)."""
        return (*self.slid(shape), self.filters)

    def parameters(self, shape: Shape) -> int:
        """Of both."""
        depthwise = self._depthwise().parameters(shape)
        return depthwise + counting.conv_parameters(1, self._deep(shape), self.filters, bias=self.bias)

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """Of both."""
        pointwise = counting.pointwise_multiply_adds((places(output),), self._deep(shape), self.filters)
        return self._depthwise().multiply_adds(shape, output) + pointwise

    def _depthwise(self) -> Depthwise:
        return Depthwise(self.kernel, multiplier=self.multiplier, bias=False)

    def _deep(self, shape: Shape) -> int:
        return (shape[-1] or 0) * self.multiplier


@dataclass(frozen=True)
class Pool(Sliding):
    """Max or average pooling; without a stride, windows side by side.

    >>> Pool(3, stride=2).output((55, 55, 96))
    (27, 27, 96)
    """

    kernel: Sides = 2
    _: KW_ONLY
    stride: Sides | None = None
    padding: Padding = 0

    def output(self, shape: Shape) -> Shape:
        """(*sides, channels)."""
        return (*self.slid(shape), shape[-1])


@dataclass(frozen=True)
class TransposedConv(Layer):
    """A transposed convolution; arguments as in `transposed_conv2d`."""

    filters: int
    kernel: Sides
    _: KW_ONLY
    stride: Sides = 1
    padding: counting.Padding = "valid"
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """(*larger sides, filters)."""
        steps = zip(shape, *self._steps(shape), strict=False)
        sides = [w and transposed_side(w, f, stride=s, padding=self.padding) for w, f, s in steps]
        return (*sides, self.filters)

    def parameters(self, shape: Shape) -> int:
        """(F·F·C_in + 1)·C_out."""
        kernel = each(self.kernel, len(shape) - 1)
        return counting.conv_parameters(kernel, shape[-1] or 0, self.filters, bias=self.bias)

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """One stamp for each place of its *input*: F·F·H·W·C_in·C_out."""
        kernel = each(self.kernel, len(shape) - 1)
        return counting.conv_multiply_adds(kernel, (places(shape),), shape[-1] or 0, self.filters)

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """Wider by the stamps that overlap."""
        return tuple(
            seen.through_transposed(f, stride=s, cropped=transposed_crop(f, stride=s, padding=self.padding)[0])
            for seen, f, s in zip(view, *self._steps(shape), strict=False)
        )

    def _steps(self, shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return each(self.kernel, len(shape) - 1), each(self.stride, len(shape) - 1)


@dataclass(frozen=True)
class Upsample(Layer):
    """Values repeated, or with `bilinear` mixed from two neighbours."""

    factor: Sides = 2
    _: KW_ONLY
    bilinear: bool = False

    def output(self, shape: Shape) -> Shape:
        """Each side times the factor."""
        return (*(w and w * s for w, s in zip(shape, each(self.factor, len(shape) - 1), strict=False)), shape[-1])

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """As a transposed convolution of kernel S, bilinear 2S."""
        factors = each(self.factor, len(shape) - 1)
        kernels = [2 * factor if self.bilinear else factor for factor in factors]
        return tuple(
            seen.through_transposed(f, stride=s, cropped=(f - s) // 2)
            for seen, f, s in zip(view, kernels, factors, strict=False)
        )


@dataclass(frozen=True)
class Border(Layer):
    """A layer of its own that adds a border; negative numbers crop."""

    around: Borders

    def output(self, shape: Shape) -> Shape:
        """Each side with what comes before and after."""
        return (*(w and w + sum(pair) for w, pair in zip(shape, self.around, strict=False)), shape[-1])

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """The same, further on."""
        return tuple(seen.shifted(before) for seen, (before, _) in zip(view, self.around, strict=False))


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer, at each place of a map.

    >>> Dense(4096).parameters((6 * 6 * 256,))  # AlexNet, FC6
    37752832
    """

    units: int
    _: KW_ONLY
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """(*sides, units)."""
        return (*shape[:-1], self.units)

    def parameters(self, shape: Shape) -> int:
        """(inputs + 1)·units."""
        return counting.dense_parameters(shape[-1] or 0, self.units, bias=self.bias)

    def multiply_adds(self, shape: Shape, output: Shape) -> int:
        """inputs·units, at each place."""
        return counting.dense_multiply_adds(shape[-1] or 0, self.units, positions=places(shape))


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    """Batch normalization: scale, shift, moving mean and moving variance."""

    scale: bool = True
    shift: bool = True

    def parameters(self, shape: Shape) -> int:
        """4·channels."""
        return counting.batch_norm_parameters(shape[-1] or 0, scale=self.scale, shift=self.shift)


class Whole(Layer):
    """Keeps the shape and sees everything: attention, group normalization."""

    def sees(self, view: View, shape: Shape, output: Shape) -> View:
        """The whole picture."""
        return tuple(seen.whole() for seen in view)


class GlobalPool(Whole):
    """Global pooling: one value a channel."""

    def output(self, shape: Shape) -> Shape:
        """(channels,)."""
        return shape[-1:]


class Flatten(Whole):
    """All values in a row; another way to read the same memory."""

    def output(self, shape: Shape) -> Shape:
        """(values,)."""
        return (places(shape) * (shape[-1] or 0) or None,)

    def activations(self, output: Shape) -> int:
        """None of its own."""
        return 0


class Add(Layer):
    """The sum of branches, as at the end of a residual block."""

    def meet(self, shapes: Sequence[Shape]) -> Shape:
        """All of one shape, or with sides of 1 that are repeated.

        Raises:
            InputError: They cannot be added.
        """
        widest = tuple(max((side or 0 for side in sides), default=0) or None for sides in zip(*shapes, strict=False))
        if any(side not in (1, None, most) for shape in shapes for side, most in zip(shape, widest, strict=True)):
            raise InputError(
                "branches of one shape", f"{list(shapes)}", "Give the shortcut the same stride and filters."
            )
        return widest


class Concat(Layer):
    """The channels of branches side by side, as at the end of an inception module."""

    def meet(self, shapes: Sequence[Shape]) -> Shape:
        """All channels together.

        Raises:
            InputError: The branches have different sides.
        """
        if len({shape[:-1] for shape in shapes}) != 1:
            raise InputError("branches with the same sides", f"{list(shapes)}", "Pad them alike: padding='same'.")
        return (*shapes[0][:-1], sum(shape[-1] or 0 for shape in shapes))


@dataclass(frozen=True)
class Parallel:
    """Branches that start from the same map and are joined again; an empty branch is the identity.

    Attributes:
        branches: Lists of layers.
        join: `Add()` or `Concat()`.
        name: Put before the names of its layers.
    """

    branches: Sequence[Sequence[Layer | Parallel]]
    join: Layer = field(default_factory=Add)
    name: str = ""


def places(shape: Shape) -> int:
    """The number of places (height × width) of a map, 1 of a vector; 0 where a side is open."""
    return math.prod(side or 0 for side in shape[:-1])
