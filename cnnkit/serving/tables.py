"""What a network says, in the three forms of the interfaces: rows of JSON, values of JSON, tensors by name."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.targets.column import ID, LABEL
from cnnkit.data.targets.targets import Targets
from cnnkit.serving.served import Answer

# Kinds of which a picture has one row of numbers, (n, numbers): the attribute that holds them and what it is called.
MATRICES = {"labels": "probabilities", "tags": "probabilities", "vectors": "values"}
Tensor = NDArray[Any] | list[bytes]


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The table as JSON values: of labels `id`, `label` and `probabilities` by class; a PNG as base64."""
    table = answer.table()
    records = _records(table)
    if not _has_probabilities(answer.targets):
        return records
    return [
        {ID: row.pop(ID), LABEL: row.pop(LABEL), "probabilities": {str(name): value for name, value in row.items()}}
        for row in records
    ]


def values_of(answer: Answer) -> list[Any]:
    """Per picture what TensorFlow Serving calls a prediction: numbers, or rows by column; a PNG as `{"b64": …}`."""
    if (matrix := matrix_of(answer.targets)) is not None:
        return list(matrix.tolist())
    numbers = tuple(str(number) for number in range(len(answer.ids)))
    rows: dict[str, list[dict[str, Any]]] = {number: [] for number in numbers}
    table = answer.targets.table(numbers)
    binary = [name for name in table if _is_binary(table[name])]
    for row in _records(table):
        rows[row.pop(ID)].append(row | {str(name): {"b64": row[str(name)]} for name in binary})
    return list(rows.values())


def tensors_of(answer: Answer) -> dict[str, Tensor]:
    """Tensors by name: `probabilities` (n, classes) and `label`, `values`, or the columns of the table."""
    if (matrix := matrix_of(answer.targets)) is not None:
        tensors: dict[str, Tensor] = {MATRICES[answer.targets.kind]: matrix}
        if LABEL in (table := answer.table()):
            tensors[LABEL] = [label.encode() for label in table[LABEL]]
        return tensors
    table = answer.table()
    return {str(name): _column(table[name]) for name in table}


def matrix_of(targets: Targets) -> NDArray[np.float32] | None:
    """(n, numbers) of the kinds in `MATRICES`."""
    name = MATRICES.get(targets.kind)
    return None if name is None else np.asarray(getattr(targets, name), np.float32)


def _has_probabilities(targets: Targets) -> bool:
    return MATRICES.get(targets.kind) == "probabilities"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    columns = {str(name): [_plain(value) for value in table[name].tolist()] for name in table}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _is_binary(column: pd.Series[Any]) -> bool:
    return bool(len(column)) and isinstance(column.iloc[0], bytes)


def _column(column: pd.Series[Any]) -> Tensor:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.to_numpy()
    return [value if isinstance(value, bytes) else str(value).encode() for value in column]
