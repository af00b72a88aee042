"""What Keras callbacks have counted, as values that a checkpoint can keep.

`EarlyStopping.wait`, `ReduceLROnPlateau.best`, `ModelCheckpoint.best` and what a callback of one's own counts lie in
attributes that are numbers, texts, arrays, or lists and dictionaries of them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence, MutableSet, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import InputError

Counters = dict[str, dict[str, Any]]  # callback → attribute → value, of which arrays are `Array`

# `EarlyStopping` and its like turn the sign of `min_delta` when they first see a metric, and note it in a function: the
# new object does both again.
NOT_COUNTED = frozenset({"params", "min_delta"})
UNKEEPABLE = (
    MutableSet,
    MutableSequence,
    MutableMapping,
    Iterator,
    random.Random,
    np.random.Generator,
    keras.Variable,
    keras.metrics.Metric,
)


class Array:
    """An array that compares by its content."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = np.array(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]


def counters(callbacks: Sequence[keras.callbacks.Callback]) -> Counters:
    """The attributes of each callback that are plain values, copied."""
    return {name: _attributes(callback) for name, callback in _named(callbacks)}


def restore(callbacks: Sequence[keras.callbacks.Callback], kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Puts back what `counters` took, into the callbacks of the same class at the same place."""
    for name, callback in _named(callbacks):
        for key, value in kept.get(name, {}).items():
            setattr(callback, key, _thaw(value))


def require_keepable(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Refuses callbacks whose state a checkpoint would lose.

    Raises:
        InputError: One of them is named.
    """
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise InputError(
                "callbacks that fit(..., resume=folder) can go on with",
                "BackupAndRestore, which puts back weights of its own",
                "Leave it out: resume keeps a checkpoint of each epoch.",
            )
        for key, value in vars(callback).items():
            if isinstance(value, UNKEEPABLE) and type(value) not in (list, dict):
                raise InputError(
                    "callbacks that count in numbers, texts, arrays, or lists and dictionaries of them, to resume",
                    f"{type(callback).__name__}.{key}, a {type(value).__name__}",
                    "Count in one of these types, or call fit without resume.",
                )


def packed(kept: Counters) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Counters as JSON values and, by the names that stand in them, arrays."""
    arrays: dict[str, NDArray[Any]] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Array):
            name = f"callback/{len(arrays)}"
            arrays[name] = value.values
            return {"array": name}
        if isinstance(value, dict):
            return {"items": [[plain(key), plain(item)] for key, item in value.items()]}
        if isinstance(value, tuple | list):
            return {"list" if isinstance(value, list) else "tuple": [plain(item) for item in value]}
        return value

    return {name: {key: plain(value) for key, value in of_one.items()} for name, of_one in kept.items()}, arrays


def unpacked(values: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]) -> Counters:
    """The way back from `packed`."""

    def full(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "array":
            return Array(arrays[content])
        if kind == "items":
            return {full(key): full(item) for key, item in content}
        return (list if kind == "list" else tuple)(full(item) for item in content)

    return {name: {key: full(value) for key, value in of_one.items()} for name, of_one in values.items()}


def _named(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[tuple[str, keras.callbacks.Callback]]:
    """Each by its class and its place among those of the class: leaving another one out changes nothing."""
    seen: Counter[str] = Counter()
    for callback in callbacks:
        kind = type(callback).__name__
        seen[kind] += 1
        yield f"{kind} {seen[kind]}", callback


def _attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    found = {key: _frozen(value) for key, value in vars(callback).items() if key not in NOT_COUNTED}
    return {key: value for key, value in found.items() if value is not NotImplemented}


def _frozen(value: Any) -> Any:
    """A copy of a plain value, or NotImplemented for another."""
    if isinstance(value, np.ndarray):
        return Array(value)
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) in (list, tuple):
        items = [_frozen(item) for item in value]
        return NotImplemented if any(item is NotImplemented for item in items) else type(value)(items)
    if type(value) is dict:
        items = _frozen([part for pair in value.items() for part in pair])
        return items if items is NotImplemented else dict(zip(items[::2], items[1::2], strict=True))
    return NotImplemented


def _thaw(value: Any) -> Any:
    if isinstance(value, Array):
        return value.values
    if isinstance(value, list | tuple):
        return type(value)(_thaw(item) for item in value)
    if isinstance(value, dict):
        return {key: _thaw(item) for key, item in value.items()}
    return value
