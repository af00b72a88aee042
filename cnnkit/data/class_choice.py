"""The same photographs with the boxes of some classes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import said
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.column import text_names
from cnnkit.errors import DataError, InputError, unknown_name


def with_classes(photos: Dataset, classes: str | Sequence[str]) -> Dataset:
    """All photographs, with the boxes of some classes; a photograph that shows none of them has no box.

    Args:
        photos: With boxes.
        classes: One name or several, in the order of their labels.

    Raises:
        DataError: The truth is of another kind.
        InputError: No dataset, or no names.
        UnknownNameError: No such class.

    >>> from cnnkit.data import scenes
    >>> with_classes(scenes(4, size=64, target="boxes"), "person").classes
    ('person',)
    """
    if not isinstance(photos, Dataset):
        raise InputError("a dataset", said(photos), 'ck.data.scenes(100, target="boxes") is one.')
    names = text_names([classes] if isinstance(classes, str) else classes)
    train, validation, test = (_chosen(source, names) for source in photos.parts().values())
    return replace(photos, classes=names, train=train, validation=validation, test=test)


def chosen_labels(source: Source, names: tuple[str, ...]) -> tuple[Boxes, NDArray[np.int64]]:
    """The boxes of a source, and of each its label among these names, −1 for another class.

    Raises:
        DataError: The truth is of another kind.
        UnknownNameError: No such class.
    """
    boxes = source.targets
    if not isinstance(boxes, Boxes):
        raise DataError("boxes as truth", source.kind or "none", 'Read the pictures with target="boxes".')
    for name in names:
        if name not in boxes.names:
            raise unknown_name("a class", str(name), boxes.names)
    numbers = np.array([names.index(name) if name in names else -1 for name in boxes.names], np.int64)
    return boxes, numbers[boxes.labels]


def _chosen(source: Source, names: tuple[str, ...]) -> Source:
    boxes, labels = chosen_labels(source, names)
    chosen = np.flatnonzero(labels >= 0)
    counts = np.bincount(boxes.owners[chosen], minlength=len(boxes))
    flags = {name: getattr(boxes, name) for name in ("scores", "crowd", "difficult")}
    fewer = Boxes(
        names=names,
        boxes=boxes.boxes[chosen],
        labels=labels[chosen],
        starts=np.cumsum([0, *counts.tolist()]),
        masks=None if boxes.masks is None else boxes.masks.take(chosen),
        points=None if boxes.points is None else boxes.points.take(chosen),
        **{name: None if values is None else values[chosen] for name, values in flags.items()},
    )
    return replace(source, targets=fewer)
