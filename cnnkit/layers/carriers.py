"""The classes of Keras that carry more than numbers: code, a file or a vocabulary, and what to use in their place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Carrier:
    """A class whose configuration does not say all that it computes, or names what another machine has not.

    Attributes:
        load: What it carries.
        instead: What to use in its place, as the object of "Use".
    """

    load: Literal["code", "a file", "a vocabulary"]
    instead: str


def _rows(load: Literal["code", "a file", "a vocabulary"], names: Iterable[str], instead: str) -> dict[str, Carrier]:
    return dict.fromkeys(names, Carrier(load, instead))


_ARITHMETIC = "Rescaling for arithmetic with numbers, Add or Multiply between tensors"

# Class name → what it carries. Keras 2 wrote operators as layers of their own: `TFOpLambda` and its like.
CARRIERS: dict[str, Carrier] = {
    **_rows("code", ("Lambda",), "Rescaling for a scale and offset, Reshape, Activation or Cropping2D"),
    **_rows("code", ("__lambda__",), "a stock layer"),
    **_rows("code", ("TorchModuleWrapper", "FlaxLayer", "JaxLayer"), "keras.layers"),
    **_rows("code", ("TFOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod"), _ARITHMETIC),
    **_rows("code", ("SlicingOpLambda",), "Cropping2D"),
    **_rows("a file", ("TFSMLayer",), "the layers of the model that it wraps"),
    **_rows(
        "a vocabulary",
        ("StringLookup", "IntegerLookup", "TextVectorization", "Hashing", "HashedCrossing"),
        "class indices in the data",
    ),
}
