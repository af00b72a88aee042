"""What makes a network's numbers: each tensor by the layer that holds it, with shape, dtype and hash.

Keras loads weights by class and order and would put them into the wrong layers of a reordered model without a word.
These records are what a saved network is compared with, after loading.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict

_AUTOMATIC = re.compile(r"variable(_\d+)?")


class TensorRecord(BaseModel):
    """One tensor of a model.

    Attributes:
        path: `layer/variable`, with the names of nested models in front; unique.
        shape: Its shape.
        dtype: Its NumPy name, e.g. `"float32"`.
        sha256: Of its bytes in C order, little-endian, as hexadecimal digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str


def tensor_records(model: keras.Model) -> tuple[TensorRecord, ...]:
    """All weights of a model in the order of its layers; random states are not weights."""
    return tuple(_record(path, variable) for path, variable in named_weights(model))


def model_hash(records: Iterable[TensorRecord]) -> str:
    """One hash of all tensors: equal when two models have the same weights in the same layers.

    Independent of the file that held them, so that predictions can name the model that made them.
    """
    lines = (f"{record.path} {'x'.join(map(str, record.shape))} {record.dtype} {record.sha256}\n" for record in records)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def named_weights(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The variables of a model, each with its path.

    The path is made of layer names as they are now: `variable.path` keeps the name that a layer was built under, and
    automatic ones differ from build to build.
    """
    seen: set[int] = set()
    for layer in model.layers:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, keras.Model):
            yield from named_weights(layer, f"{prefix}{layer.name}/")
            continue
        repeated = Counter(variable.name for variable in layer.weights)
        for index, variable in enumerate(layer.weights):
            name = variable.name if repeated[variable.name] == 1 else f"{index}/{variable.name}"
            if _AUTOMATIC.fullmatch(variable.name):  # ConvNeXt's LayerScale: another number in every build
                name = str(index)
            yield f"{prefix}{layer.name}/{name}", variable


def differences(expected: Iterable[TensorRecord], found: Iterable[TensorRecord]) -> list[str]:
    """What differs between two lists of tensors, in words; empty if they are the same, order included."""
    wanted = {record.path: record for record in expected}
    there = {record.path: record for record in found}
    said = [f"{path} is missing" for path in wanted if path not in there]
    said += [f"{path} was not there when it was saved" for path in there if path not in wanted]
    for path in wanted.keys() & there.keys():
        old, new = wanted[path], there[path]
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            said.append(f"{path} has {new.dtype} {new.shape} instead of {old.dtype} {old.shape}")
        elif old.sha256 != new.sha256:
            said.append(f"{path} has other values")
    if not said and list(wanted) != list(there):
        path = next(new for old, new in zip(wanted, there, strict=True) if old != new)
        said.append(f"{path} stands in another place")
    return sorted(said)


def _record(path: str, variable: Any) -> TensorRecord:
    values = np.ascontiguousarray(variable.numpy())
    little = values.astype(values.dtype.newbyteorder("<"), copy=False) if values.dtype.kind in "fiu" else values
    return TensorRecord(
        path=path,
        shape=tuple(int(side) for side in values.shape),
        dtype=values.dtype.name,
        sha256=hashlib.sha256(little.tobytes()).hexdigest(),
    )
