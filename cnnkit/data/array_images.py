"""Pictures in NumPy arrays, checked before anything is trained on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from natsort import natsorted
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from cnnkit.data.arguments import names_of, said
from cnnkit.data.dataset import Dataset
from cnnkit.data.decode import picture_of
from cnnkit.data.pixel_arrays import CHANNELS, are_pictures, is_one_picture, rgb
from cnnkit.data.source import LabelArray, Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset
from cnnkit.data.value_range import check_values
from cnnkit.errors import DataError, InputError, unknown_name


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """Pictures in one array (n, h, w) or (n, h, w, 1, 3 or 4), or of several sizes; 0…255, of any numeric type."""

    images: NDArray[Any] | Sequence[NDArray[Any]]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture: floats are rounded, grey is repeated in all three channels, alpha lies over white."""
        return rgb(self.images[position])

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.images[position].shape[:2]
        return height, width

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
        x: (n, h, w, 3), or (n, h, w) and (n, h, w, 1) for grey, (n, h, w, 4) with alpha; or a list of such pictures of
            several sizes. Whole numbers or floats from 0 to 255.
        y: (n,) class indices or class names, or (n, classes) of 0 and 1 where several classes may apply.
        classes: The class names in the order of the indices; by default the numbers "0", "1", …, or the names in
            `y` in natural order.
        validation: `(x, y)` to choose by; without it a part of `x` is taken.
        test: `(x, y)` to report on. With `validation` and without `test` there is none.
        split: The shares of train, validation and test.
        seed: Another seed, another split.

    Raises:
        DataError: Values outside 0…255, NaN, pictures that were divided by 255, another shape, lengths that differ,
            labels that are no class, a class index that never occurs, or one class only.
    """
    classes = None if classes is None else names_of(classes, "classes")
    given = {"train": (x, y), "validation": validation, "test": test}
    prefix = "train/" if validation is not None or test is not None else ""
    parts: dict[str, Source] = {}
    for name, pair in given.items():
        if pair is None:
            continue
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"{name} as (x, y)", said(pair), "Give the pictures and their labels.")
        images = checked_images(pair[0], name)
        targets, names = _checked_targets(pair[1], parts["train"].classes if parts else classes, name)
        if len(images) != len(targets):
            raise DataError(
                f"as many labels as pictures in {name}",
                f"{len(images)} pictures and {len(targets)} labels",
                "Give one label a picture.",
            )
        ids = tuple(f"{prefix and name + '/'}{index}" for index in range(len(images)))
        parts[name] = Source.labelled(ids, names, targets, ArrayReader(images), np.arange(len(images)))
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
    images = checked_images(x, "x")
    ids = tuple(str(index) for index in range(len(images)))
    return Source(ids, None, ArrayReader(images), np.arange(len(images)))


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


def checked_images(x: ArrayLike | Sequence[ArrayLike], name: str) -> NDArray[Any] | Sequence[NDArray[Any]]:
    """Several pictures, as one array where they have one shape, of values 0…255.

    Raises:
        DataError: Values or a shape that no pictures have.
    """
    listed = [_array(picture) for picture in x] if isinstance(x, list | tuple) else []
    # NumPy refuses to put pictures of several sizes together.
    images = listed if len({picture.shape for picture in listed}) > 1 else np.asarray(listed if listed else x)
    if isinstance(images, list):
        for number, picture in enumerate(images):
            check_shape(picture[None], f"picture {number} of {name}")
    else:
        check_shape(images, name)
    check_values(images, name)
    return images


def _array(picture: Any) -> NDArray[Any]:
    return picture_of(picture) if isinstance(picture, Image.Image) else np.asarray(picture)


def check_shape(images: NDArray[Any], name: str) -> None:
    """Refuses arrays that are not several pictures of numbers.

    Raises:
        DataError: Another shape or another type.
    """
    shape = images.shape
    expected = f"pictures of shape (n, height, width, 3) in {name}"
    if images.dtype.kind not in "iuf":
        remedy = "Give x * 255." if images.dtype.kind == "b" else "Give numbers from 0 to 255, (height, width, 3) each."
        raise DataError(expected, f"values of type {images.dtype}", remedy)
    if len(shape) == 4 and shape[1] in CHANNELS and shape[3] not in CHANNELS:
        raise DataError(expected, f"channels first, {shape}", "Give np.moveaxis(x, 1, -1).")
    if not are_pictures(shape):
        remedy = "One picture alone is x[None]." if is_one_picture(shape) else "Give 1, 3 or 4 channels, the last axis."
        raise DataError(expected, f"shape {shape}", remedy)
    if not images.size:
        raise DataError(expected, f"nothing, shape {shape}", "Give at least one picture.")


def _checked_targets(y: ArrayLike, classes: Sequence[str] | None, name: str) -> tuple[LabelArray, tuple[str, ...]]:
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


def _named_targets(targets: NDArray[Any], classes: Sequence[str] | None) -> tuple[LabelArray, tuple[str, ...]]:
    labels = [str(label) for label in targets.ravel()]
    names = tuple(natsorted(set(labels))) if classes is None else tuple(classes)
    index_of = {label: index for index, label in enumerate(names)}
    for label in labels:
        if label not in index_of:
            raise unknown_name("a class", label, names)
    return np.array([index_of[label] for label in labels], np.int64), names
