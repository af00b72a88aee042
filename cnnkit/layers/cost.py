"""The values of layer arithmetic: shapes, weights, and what one call gives and costs.

Shapes begin with the open batch, None; all other sides are whole numbers. Multiply-adds are counted as papers count
them, see `cnnkit.primitives.counting`; `operations` are the comparisons and additions of pooling windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnkit.errors import InputError

Shape = tuple[int | None, ...]
Inputs = Sequence[Any]
"""Of a layer: the shapes of its tensors. Of an operation: shapes, operands, and lists of shapes."""


class MisfitError(InputError):
    """A layer and its inputs or arguments do not go together."""


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
        others: Shapes of further outputs.
    """

    output: Shape
    weights: tuple[Weight, ...] = ()
    multiply_adds: int = 0
    operations: int = 0
    inner: int = 0
    others: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Operand:
    """What a call passes besides tensors: a number, a list of them, a slice.

    Attributes:
        value: As the configuration has it.
        shape: Of numbers and lists of them; None of all else.
    """

    value: Any
    shape: tuple[int, ...] | None


def size(shape: Shape) -> int:
    """Values of one picture.

    >>> size((None, 2, 3))
    6
    """
    return math.prod(side for side in shape if side is not None)


def misfit(expected: str, received: object) -> MisfitError:
    """The error for shapes or arguments that do not go together."""
    return MisfitError(
        expected, str(received), "Keras could not build this layer: write the JSON of a model that runs."
    )
