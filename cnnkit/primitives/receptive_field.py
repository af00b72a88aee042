"""The receptive field: which input pixels one output value can see along a side.

Three numbers travel through the network: the field's size, the stride between the fields of neighbours, and the
centre of the first field. A layer of kernel F, stride S, dilation D and padding P turns them into

    size + (F − 1)·D·stride,   stride·S,   centre + ((F − 1)·D/2 − P)·stride

Where branches meet, the joint output sees from the first to the last pixel that any branch saw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnnkit.errors import InputError


@dataclass(frozen=True)
class Field:
    """What one value sees of the input, along one side.

    Attributes:
        size: Input pixels from the first to the last that can change the value. Infinite: the whole picture;
            NaN: unknown.
        stride: Input pixels between the fields of two neighbours; below 1 after up-sampling.
        centre: The middle of the first value's field, in input pixels from 0; the border of the padding has it
            lie before the picture's middle pixels, or between two pixels.
    """

    size: float = 1
    stride: Fraction = Fraction(1)
    centre: Fraction = Fraction(0)

    def through(self, kernel: int, *, stride: int = 1, dilation: int = 1, padding: int = 0) -> Field:
        """The field after a convolution or pooling of this kernel, with so much padding before the first pixel.

        >>> field = Field().through(3, stride=2, padding=1).through(3, padding=1)
        >>> field.size, field.stride, field.centre
        (7, Fraction(2, 1), Fraction(0, 1))
        """
        reach = (kernel - 1) * dilation
        centre = self.centre + (Fraction(reach, 2) - padding) * self.stride
        return Field(self._wider(reach * self.stride), self.stride * stride, centre)

    def through_transposed(self, kernel: int, *, stride: int, cropped: int = 0) -> Field:
        """The field after a transposed convolution, of which an output meets ⌈F/S⌉ inputs at most.

        >>> field = Field(size=5, stride=Fraction(4)).through_transposed(4, stride=2, cropped=1)
        >>> field.size, field.stride, field.centre
        (9, Fraction(2, 1), Fraction(-1, 1))
        """
        centre = self.centre + (cropped - Fraction(kernel - 1, 2)) * self.stride / stride
        return Field(self._wider((math.ceil(kernel / stride) - 1) * self.stride), self.stride / stride, centre)

    def shifted(self, pixels: int) -> Field:
        """The field after a border of so many pixels; cropping is a border of less than nothing."""
        return Field(self.size, self.stride, self.centre - pixels * self.stride)

    def whole(self) -> Field:
        """The field after something that sees the whole picture: global pooling, flatten, attention."""
        return Field(math.inf, self.stride, self.centre)

    def unknown(self) -> Field:
        """The field after a layer of which nobody knows what it sees."""
        return Field(math.nan, self.stride, self.centre)

    def _wider(self, pixels: Fraction) -> float:
        return self.size + math.ceil(pixels) if math.isfinite(self.size) else self.size


def meet(fields: Iterable[Field]) -> Field:
    """The field where branches meet: from the first to the last pixel that any branch saw.

    >>> meet([Field(3), Field(5)]).size, meet([Field(3), Field(3, centre=Fraction(1))]).size
    (5, 4)
    """
    branches = list(fields)
    if len(branches) == 1:
        return branches[0]
    stride = max(field.stride for field in branches)
    sizes = [field.size for field in branches]
    if not all(map(math.isfinite, sizes)):
        return Field(math.nan if any(map(math.isnan, sizes)) else math.inf, stride, branches[0].centre)
    reaches = [Fraction(field.size - 1) / 2 for field in branches]
    first = min(field.centre - reach for field, reach in zip(branches, reaches, strict=True))
    last = max(field.centre + reach for field, reach in zip(branches, reaches, strict=True))
    return Field(math.ceil(last - first) + 1, stride, (first + last) / 2)


def receptive_fields(
    kernels: Sequence[int], strides: Sequence[int] | None = None, dilations: Sequence[int] | None = None
) -> list[int]:
    """The receptive field after each layer of a chain.

    >>> receptive_fields([3] * 8, strides=[1, 2, 1, 1, 2, 1, 1, 2])  # the lecture's table
    [3, 5, 9, 13, 17, 25, 33, 41]

    Raises:
        InputError: The lists have different lengths.
    """
    strides = strides if strides is not None else [1] * len(kernels)
    dilations = dilations if dilations is not None else [1] * len(kernels)
    if not len(kernels) == len(strides) == len(dilations):
        raise InputError(
            "one kernel, one stride and one dilation a layer",
            f"{len(kernels)} kernels, {len(strides)} strides, {len(dilations)} dilations",
            "Give lists of one length.",
        )
    field, sizes = Field(), []
    for kernel, stride, dilation in zip(kernels, strides, dilations, strict=True):
        field = field.through(kernel, stride=stride, dilation=dilation)
        sizes.append(int(field.size))
    return sizes
