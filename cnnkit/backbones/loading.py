"""Loading a weights file into the network that it fits: with or without the classifier, Keras 2 or 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras

from cnnkit.backbones.truncation import truncate
from cnnkit.errors import WeightsError

Shapes = Counter[tuple[int, ...]]


def shapes_in(path: Path) -> Shapes:
    """The shapes of all weights in an HDF5 file of Keras 2 or 3, and how often each occurs.

    Raises:
        WeightsError: The file is not HDF5.
    """
    shapes: Shapes = Counter()

    def visit(name: str, item: Any) -> None:
        # A Keras 3 file also holds the random state of Dropout; a full model's file holds the optimizer.
        if isinstance(item, h5py.Dataset) and not {"seed_generator", "optimizer_weights"} & set(name.split("/")):
            shapes[tuple(item.shape)] += 1

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise WeightsError(
            "an HDF5 weights file", f"{path}: {error}", "Fetch it again: a download may have stopped half-way."
        ) from error
    return shapes


def fit_build(path: Path, build: Callable[[bool, int], keras.Model], *, top: bool) -> keras.Model:
    """Build the network that fits a weights file, load it, and give it back with or without the classifier.

    Args:
        path: A weights file, `.weights.h5` of Keras 3 or `.h5` of Keras 2, with or without the classifier.
        build: Makes the network from (with classifier, number of classes).
        top: The caller wants the classifier.

    Returns:
        The built network with the file's weights.

    Raises:
        WeightsError: The file fits neither.
    """
    received = shapes_in(path)
    bare = build(False, 1000)
    expected = _shapes_of(bare)
    model = None
    if received == expected and not top:
        model = bare
    elif not expected - received:
        # What is left is the classifier; its number of classes is the length of one of its vectors.
        for classes in sorted({shape[0] for shape in received - expected if len(shape) == 1}):
            candidate = build(True, classes)
            if _shapes_of(candidate) == received:
                model = candidate
                break
    if model is None:
        raise WeightsError(
            f"a file that holds the {sum(expected.values())} weights of {bare.name!r}"
            + (" and those of its classifier" if top else ", with or without a classifier"),
            f"{path} with {sum(received.values())} weights" + _first_difference(expected, received),
            "Check name, alpha and top: the file may belong to another architecture or width.",
        )
    try:
        model.load_weights(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"weights for the layers of {model.name!r} in their order",
            f"{path}: {error}",
            "The file has the right shapes in another order: it belongs to another architecture.",
        ) from error
    return model if top or model is bare else truncate(model, bare.layers[-1].name)


def _shapes_of(model: keras.Model) -> Shapes:
    return Counter(tuple(int(side) for side in weight.shape) for weight in model.weights)


def _first_difference(expected: Shapes, received: Shapes) -> str:
    missing = sorted((expected - received).elements())
    return f"; it lacks {len(missing)} of them, e.g. one of shape {missing[0]}" if missing else ""
