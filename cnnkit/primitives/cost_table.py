"""What a network costs, layer by layer, as a table: the lecture's "Memory and Parameters", for any network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cnnkit.errors import InputError
from cnnkit.primitives.architecture import Count, walk, written
from cnnkit.primitives.counting import memory_bytes
from cnnkit.primitives.layers import Layer, Parallel, Shape

if TYPE_CHECKING:
    import pandas as pd

COPIES = {
    "forward": (1, 1),
    "training, SGD": (2, 2),
    "training, SGD with momentum": (3, 2),
    "training, Adam": (4, 2),
}
"""Copies of the parameters and of the activations: training keeps a gradient of each, momentum one more value a
parameter, Adam two more (lecture 000)."""


def count(layers: Sequence[Layer | Parallel], input_shape: Sequence[int]) -> pd.DataFrame:
    """What each layer of a hand-written network gives, costs and sees; for Keras models, `ck.backbones.count`.

    Args:
        layers: A chain; `Parallel` inside it makes branches.
        input_shape: (*sides, channels): (height, width, channels) for pictures.

    Returns:
        One row a layer, the input's first:

        * name, kind: of the layer.
        * shape: of the output, (height, width, channels) or (units,).
        * parameters: moving statistics included.
        * multiply_adds: of one picture: convolutions and dense layers, as papers count.
        * activations: values of the output, held in memory for one picture.
        * stride: input pixels between neighbouring places; <NA> for vectors.
        * receptive_field: input pixels along a side that one value can see; the picture's side after something that
          sees all of it. Where the two sides differ, of the larger.
        * centre: middle of the first value's receptive field, in input pixels from 0; <NA> for vectors.
        * note: pixels that no kernel reaches, …

    Raises:
        InputError: The layers do not fit each other.

    >>> from cnnkit.primitives.layers import Conv, Pool
    >>> table = count([Conv(96, 11, stride=4, name="CONV1"), Pool(3, stride=2, name="POOL1")], (227, 227, 3))
    >>> print(table[["name", "shape", "parameters", "receptive_field", "stride"]].to_string(index=False))
     name         shape  parameters  receptive_field  stride
    input (227, 227, 3)           0                1       1
    CONV1  (55, 55, 96)       34944               11       4
    POOL1  (27, 27, 96)           0               19       8
    """
    shape: Shape = tuple(input_shape) if isinstance(input_shape, Sequence) else ()
    if not shape or not all(isinstance(side, int) and side > 0 for side in shape):
        raise InputError("an input shape (*sides, channels)", f"{input_shape}", "For example (224, 224, 3).")
    return table(walk(written(layers), shape), shape)


def table(counts: Iterable[Count], input_shape: Shape) -> pd.DataFrame:
    """Counts as a DataFrame, see `count`."""
    import pandas as pd  # not at the top: to convolve, nobody needs it

    side = max((side or 0 for side in input_shape[:-1]), default=0) or None
    rows = [_row(entry, side) for entry in counts]
    columns = ["name", "kind", "shape", "parameters", "multiply_adds", "activations"]
    made = pd.DataFrame(rows, columns=[*columns, "stride", "receptive_field", "centre", "note"])
    made = made.astype({"stride": "Float64", "receptive_field": "Int64", "centre": "Float64"})
    whole = (made["stride"].dropna() % 1 == 0).all()
    return made.astype({"stride": "Int64"}) if whole else made


def _row(entry: Count, side: int | None) -> tuple[object, ...]:
    """Of the side along which the field is larger."""
    costs = (entry.name, entry.kind, entry.shape, entry.parameters, entry.multiply_adds, entry.activations)
    sizes = [field.size for field in entry.view]
    if not sizes or any(map(math.isnan, sizes)):
        size, centre = None, None
    elif any(map(math.isinf, sizes)):
        size, centre = side, None
    else:
        widest = max(entry.view, key=lambda field: field.size)
        size, centre = int(widest.size), float(widest.centre)
    vector = len(entry.shape) == 1 or not sizes
    stride = None if vector else float(max(field.stride for field in entry.view))
    return (*costs, stride, size, None if vector else centre, entry.note)


def memory(costs: pd.DataFrame, *, batch_size: int = 1, bytes_per_value: int = 4) -> pd.DataFrame:
    """Bytes that a network needs, forward and in training: the usual rule of thumb.

    Training holds a gradient of each activation (×2). A parameter has its gradient with plain SGD (×2), a velocity
    too with momentum (×3), two moments with Adam (×4). All activations are held at once, which is what training
    needs; a forward pass alone can give most of them back.

    Args:
        costs: What `count` gives.
        batch_size: Pictures at once.
        bytes_per_value: 4 for float32, 2 for float16.

    Returns:
        Rows forward, training with SGD, SGD with momentum, and Adam; columns parameters, activations, total.

    >>> from cnnkit.primitives.layers import Dense
    >>> memory(count([Dense(10)], (90,)), batch_size=2).loc["training, Adam"].tolist()  # 910 parameters, 100 values
    [14560, 1600, 16160]
    """
    import pandas as pd

    sums = costs[["parameters", "activations"]].sum()
    rows = {
        name: (
            memory_bytes(int(sums["parameters"]), bytes_per_value=bytes_per_value, copies=of_parameters),
            memory_bytes(int(sums["activations"]) * batch_size, bytes_per_value=bytes_per_value, copies=of_activations),
        )
        for name, (of_parameters, of_activations) in COPIES.items()
    }
    made = pd.DataFrame.from_dict(rows, orient="index", columns=["parameters", "activations"])
    return made.assign(total=made.sum(axis=1))
