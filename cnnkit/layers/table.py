"""All rows: the layers and operations that cnnkit knows by arithmetic, and that a submission may have.

What is not in the tables has no arithmetic, and is refused where it is handed in: everything that carries code, a file
or a vocabulary, and everything that a network of pictures does not need. Each row stands beside the functions of its
kind.
"""

from __future__ import annotations

from cnnkit.layers import (
    choosing,
    convolution,
    elementwise,
    merging,
    normalization,
    operations,
    pooling,
    products,
    rearrangement,
    resizing,
)
from cnnkit.layers.row import Row

# Class name → row.
LAYERS: dict[str, Row] = {
    **convolution.ROWS,
    **normalization.ROWS,
    **pooling.ROWS,
    **resizing.ROWS,
    **rearrangement.ROWS,
    **elementwise.ROWS,
    **merging.ROWS,
    **products.ROWS,
}
# (module, class name) → row: names of operations are those of layers too.
OPERATIONS: dict[tuple[str, str], Row] = {**operations.ROWS, **choosing.ROWS}


def find_row(class_name: object, module: object) -> Row | None:
    """The row of a class, None of one that is not in the tables.

    Args:
        class_name: As a configuration has it.
        module: Where it says that the class is exported.

    >>> find_row("Conv2D", "keras.layers") is LAYERS["Conv2D"], find_row("Add", "keras.src.ops.numpy").layer
    (True, False)
    """
    row = LAYERS.get(class_name) if isinstance(class_name, str) else None
    if row is None or module not in row.modules:
        row = OPERATIONS.get((str(module), str(class_name)))
    return row
