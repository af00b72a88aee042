"""Weights and outputs that are numbers: what a training that diverged, or an overflow, leaves is named and refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.engines.forward import Forward
from cnnkit.engines.runtimes import Pictures
from cnnkit.errors import DataError, InputError


def all_finite(arrays: Mapping[str, NDArray[Any]] | Iterable[NDArray[Any]]) -> bool:
    """Whether no floating-point number of the arrays is NaN or infinite."""
    values = arrays.values() if isinstance(arrays, Mapping) else arrays
    # bfloat16 is a type of its own to NumPy, of kind "V".
    return all(bool(np.isfinite(array).all()) for array in values if array.dtype.kind in "fV")


def not_finite(model: keras.Model) -> str | None:
    """The path of the first weight that holds NaN or infinity, or None."""
    for variable in model.weights:
        if not all_finite([np.asarray(variable.numpy())]):
            return str(variable.path)
    return None


def require_finite_weights(model: keras.Model) -> None:
    """Refuses a model that nothing can be trained on or predicted with.

    Raises:
        InputError: A weight is NaN or infinite: it is named.
    """
    path = not_finite(model)
    if path is not None:
        raise InputError(
            "a network with finite weights",
            f"NaN or infinity in {path}",
            "A training diverged or a file is damaged: build the network anew, or ck.load a saved one.",
        )


def require_finite_outputs(model: keras.Model, outputs: NDArray[Any], indices: NDArray[np.int64]) -> None:
    """Refuses outputs that no label can be read from.

    Args:
        model: What gave them.
        outputs: (n, …), of n pictures.
        indices: (n,), places of the pictures in their source.

    Raises:
        InputError: The weights of the model are not finite.
        DataError: An output is NaN or infinite although the weights are finite.
    """
    if all_finite([outputs]):
        return
    require_finite_weights(model)
    bad = ~np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1)
    raise DataError(
        "finite outputs of the network",
        f"NaN or infinity for {int(bad.sum())} of {len(outputs)} pictures, the first at place {indices[bad][0]}",
        overflow_remedy(model),
    )


def finite_features(forward: Forward, images: Pictures) -> list[NDArray[np.float32]]:
    """What a frozen prefix gives, before anything is trained on it or kept.

    Raises:
        DataError: A feature is NaN or infinite.
    """
    features = forward(images)
    if not all_finite(features):
        raise DataError("finite features of the frozen layers", "NaN or infinity", overflow_remedy(forward.model))
    return features


def overflow_remedy(model: keras.Model) -> str:
    """The usual reason for outputs that are not finite although the weights are."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and (np.asarray(layer.moving_variance) < 0).any():
            return f"The variance of {layer.name} is negative: load its weights again."
    if any(layer.compute_dtype == "float16" for layer in model.layers):
        return "float16 overflows above 65,504: use the dtype policy mixed_bfloat16 or float32."
    return "Numbers overflow on the way: look for pictures that are not 0…255, and use precision='float32'."
