"""Pictures in NumPy arrays, checked before anything is trained on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from natsort import natsorted
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Labels, Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset
from cnnkit.errors import DataError, unknown_name

# Pictures looked at together while the values are checked, so that no second copy of all of them is made.
CHUNK = 256


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """Pictures in one array (n, h, w) or (n, h, w, 1 or 3), values 0…255, of any numeric type."""

    images: NDArray[Any]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture: floats are rounded, grey is repeated in all three channels."""
        picture = self.images[position]
        if picture.dtype != np.uint8:
            picture = np.rint(picture).astype(np.uint8)
        if picture.ndim == 2:
            picture = picture[..., None]
        return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))

    def digest(self, position: int) -> str:
        """The sha256 of the pixels and their shape."""
        picture = self.read(position)
        return hashlib.sha256(f"{picture.shape}".encode() + picture.tobytes()).hexdigest()


def arrays(
    x: ArrayLike,
    y: ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Arrays of pictures and labels, as a dataset. The pictures are not copied.

    Args:
        x: (n, h, w, 3), or (n, h, w) and (n, h, w, 1) for grey; whole numbers or floats from 0 to 255.
        y: (n,) class indices or class names, or (n, classes) of 0 and 1 where several classes may apply.
        classes: The class names in the order of the indices; by default the numbers "0", "1", …, or the names in
            `y` in natural order.
        validation: `(x, y)` to choose by; without it a part of `x` is taken.
        test: `(x, y)` to report on. With `validation` and without `test` there is none.
        split: The shares of train, validation and test.
        seed: Another seed, another split.

    Raises:
        DataError: Values outside 0…255, NaN, floats that end at 1, another shape, lengths that differ, labels that
            are no class, a class index that never occurs, or one class only.
    """
    given = {"train": (x, y), "validation": validation, "test": test}
    prefix = "train/" if validation is not None or test is not None else ""
    parts: dict[str, Source] = {}
    for name, pair in given.items():
        if pair is None:
            continue
        images = _checked_images(pair[0], name)
        targets, names = _checked_targets(pair[1], parts["train"].classes if parts else classes, name)
        if len(images) != len(targets):
            raise DataError(
                f"as many labels as pictures in {name}",
                f"{len(images)} pictures and {len(targets)} labels",
                "Give one label a picture.",
            )
        ids = tuple(f"{prefix and name + '/'}{index}" for index in range(len(images)))
        parts[name] = Source(ids, names, targets, ArrayReader(images), np.arange(len(images)))
    if not parts["train"].multi_label:
        _refuse_phantom_classes(parts["train"], classes is not None)
    return as_dataset(arranged(parts, split=split, seed=seed))


def unlabelled(x: ArrayLike) -> Source:
    """An array of pictures without labels, as a source; ids are "0", "1", ….

    Args:
        x: As for `arrays`.

    Raises:
        DataError: Values or a shape that `arrays` refuses too.
    """
    images = _checked_images(x, "x")
    ids = tuple(str(index) for index in range(len(images)))
    return Source(ids, (), None, ArrayReader(images), np.arange(len(images)))


def _refuse_phantom_classes(train: Source, named: bool) -> None:
    counts = train.counts()
    if np.count_nonzero(counts) < 2:
        raise DataError("examples of at least two classes", "1 class in y", "Add examples of another.")
    if not named and not counts.all():  # labels that begin with 1, most often
        raise DataError(
            f"every class index from 0 to {len(counts) - 1} in y",
            f"no {int(counts.argmin())}",
            "Number the classes from 0, or name all of them in `classes`.",
        )


def _checked_images(x: ArrayLike, name: str) -> NDArray[Any]:
    images = np.asarray(x)
    expected = f"pictures of shape (n, height, width, 3) in {name}"
    if not (np.issubdtype(images.dtype, np.integer) or np.issubdtype(images.dtype, np.floating)):
        raise DataError(expected, f"values of type {images.dtype}", "Give an array of numbers, all of one shape.")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        raise DataError(expected, f"channels first, {images.shape}", "Give np.moveaxis(x, 1, -1).")
    if images.ndim == 4 and images.shape[3] == 4:
        raise DataError(expected, f"four channels, {images.shape}", "Give x[..., :3] for RGB with alpha.")
    alone = images.ndim == 3 and images.shape[2] in (3, 4)  # or grey pictures of 3 or 4 columns, which nobody has
    if alone or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise DataError(expected, f"shape {images.shape}", "One picture alone is x[None].")
    if not images.size:
        raise DataError(expected, f"nothing, shape {images.shape}", "Give at least one picture.")
    low, high = np.inf, -np.inf
    for start in range(0, len(images), CHUNK):
        some = images[start : start + CHUNK]
        if not np.isfinite(some).all():
            bad = int(start + np.argmin(np.isfinite(some).reshape(len(some), -1).all(axis=1)))
            raise DataError(
                f"numbers from 0 to 255 in {name}", f"NaN or infinity in picture {bad}", "Remove that picture."
            )
        low, high = min(low, float(some.min())), max(high, float(some.max()))
    if low < 0 or high > 255:
        remedy = "Give (x + 1) * 127.5." if low >= -1 and high <= 1 else "Give the pictures before any preprocessing."
        raise DataError(f"values from 0 to 255 in {name}", f"values from {low:g} to {high:g}", remedy)
    if high <= 1 and np.issubdtype(images.dtype, np.floating):
        raise DataError(
            f"values from 0 to 255 in {name}",
            f"floats from {low:g} to {high:g}",
            "They were divided by 255: multiply by 255. A cnnkit network does its own preprocessing.",
        )
    return images


def _checked_targets(y: ArrayLike, classes: Sequence[str] | None, name: str) -> tuple[Labels, tuple[str, ...]]:
    """Labels as the source wants them, and the class names."""
    targets = np.asarray(y)
    if targets.dtype.kind in "UTO" and all(isinstance(label, str) for label in targets.ravel()):
        return _named_targets(targets, classes)
    if targets.dtype.kind not in "biuf":
        raise DataError(
            f"class indices or class names as labels of {name}", f"type {targets.dtype}", "Give numbers or text."
        )
    if targets.ndim == 2 and targets.shape[1] == 1 and (classes is None or len(classes) > 1):
        targets = targets[:, 0]  # Keras gives the labels of CIFAR as (n, 1)
    if targets.ndim not in (1, 2) or not targets.size:
        raise DataError(
            f"labels of shape (n,) or (n, classes) in {name}", f"shape {targets.shape}", "Give one row a picture."
        )
    if not np.array_equal(targets, np.rint(targets)):  # NaN included: it equals nothing
        raise DataError(
            f"whole numbers as labels of {name}", "fractions or NaN", "Give class indices, or 0 and 1 a class."
        )
    if targets.ndim == 2 and name == "train" and (targets.sum(axis=1) == 1).all() and len(targets) > 1:
        raise DataError(
            "several classes in some row of labels of shape (n, classes)",
            "exactly one class in every row",
            "For one class a picture give indices: y.argmax(axis=1).",
        )
    count = targets.shape[1] if targets.ndim == 2 else max(0, int(targets.max())) + 1
    names = tuple(str(index) for index in range(count)) if classes is None else tuple(classes)
    if targets.ndim == 2:
        return targets.astype(np.float32), names
    return targets.astype(np.int64), names


def _named_targets(targets: NDArray[Any], classes: Sequence[str] | None) -> tuple[Labels, tuple[str, ...]]:
    labels = [str(label) for label in targets.ravel()]
    names = tuple(natsorted(set(labels))) if classes is None else tuple(classes)
    index_of = {label: index for index, label in enumerate(names)}
    for label in labels:
        if label not in index_of:
            raise unknown_name("a class", label, names)
    return np.array([index_of[label] for label in labels], np.int64), names
