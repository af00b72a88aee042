"""The receptive field: how many input pixels one output value can see along a side.

Two numbers travel through the network: the field's size, and the stride between the fields of neighbours.
A layer of kernel F, stride S and dilation D turns (size, stride) into

    size + (F − 1)·D·stride,   stride·S

Where branches meet, the largest field counts: the joint output sees everything that any branch saw.
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
        size: Input pixels from the first to the last that can change the value; infinite: the whole picture.
        stride: Input pixels between the fields of two neighbours; below 1 after up-sampling.
    """

    size: float = 1
    stride: Fraction = Fraction(1)

    def through(self, kernel: int, *, stride: int = 1, dilation: int = 1) -> Field:
        """The field after a convolution or pooling of this kernel.

        >>> Field().through(3, stride=2).through(3)
        Field(size=7, stride=Fraction(2, 1))
        """
        reach = (kernel - 1) * dilation * self.stride
        size = self.size if math.isinf(self.size) else int(self.size + math.ceil(reach))
        return Field(size, self.stride * stride)

    def through_transposed(self, kernel: int, *, stride: int) -> Field:
        """The field after a transposed convolution, of which an output meets ⌈F/S⌉ inputs at most.

        >>> Field(size=5, stride=Fraction(4)).through_transposed(4, stride=2)
        Field(size=9, stride=Fraction(2, 1))
        """
        wider = self.through(math.ceil(kernel / stride))
        return Field(wider.size, self.stride / stride)

    def whole(self) -> Field:
        """The field after something that sees the whole picture: global pooling, flatten, attention."""
        return Field(math.inf, self.stride)


def meet(fields: Iterable[Field]) -> Field:
    """The field where branches meet: the largest size.

    >>> meet([Field(3), Field(5)])
    Field(size=5, stride=Fraction(1, 1))
    """
    branches = list(fields)
    return Field(max(field.size for field in branches), max(field.stride for field in branches))


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
