"""A dataset of the largest boxes: as many in each picture, for heads that say where a known number of objects is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cnnkit.data.arguments import said, whole_number
from cnnkit.data.class_choice import chosen_labels
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.column import text_names
from cnnkit.errors import DataError, InputError


def largest_boxes(photos: Dataset, classes: str | Sequence[str] | None = None, *, count: int = 1) -> Dataset:
    """The pictures that show at least `count` things, with the boxes of the largest ones.

    Boxes that are marked as crowds or as difficult are left out, and count for nothing.

    Args:
        photos: With boxes.
        classes: Which things, one name or several; all by default. The others are as if they were not there.
        count: Boxes per picture.

    Returns:
        A dataset of these classes, in this order. The boxes of a picture stay in the order that they had.

    Raises:
        DataError: The truth is of another kind, or no picture to train on shows so many.
        InputError: No dataset, no names, or a count below 1.
        UnknownNameError: No such class.

    >>> from cnnkit.data import scenes
    >>> people = largest_boxes(scenes(20, size=64, target="boxes"), "person")
    >>> people.classes, people.train.targets.starts.tolist() == list(range(len(people.train) + 1))
    (('person',), True)
    """
    if not isinstance(photos, Dataset):
        raise InputError("a dataset", said(photos), 'ck.data.scenes(100, target="boxes") is one.')
    count = whole_number(count, "count", least=1, remedy="1 keeps the largest box.")
    names = photos.classes if classes is None else text_names([classes] if isinstance(classes, str) else classes)
    train, validation, test = (_largest(source, names, count) for source in photos.parts().values())
    if not len(train):
        raise DataError(f"pictures to train on that show {count} of {list(names)}", "none", "photos.report() counts.")
    return replace(photos, classes=names, train=train, validation=validation, test=test)


def _largest(source: Source, names: tuple[str, ...], count: int) -> Source:
    boxes, labels = chosen_labels(source, names)
    eligible = labels >= 0
    for flag in (boxes.crowd, boxes.difficult):
        eligible &= True if flag is None else ~flag
    areas = np.prod(boxes.boxes[:, 2:] - boxes.boxes[:, :2], axis=1)
    order = np.lexsort((-areas, ~eligible, boxes.owners))  # of each picture the eligible ones, the largest first
    chosen = order[(np.arange(len(order)) - boxes.starts[boxes.owners] < count) & eligible[order]]
    enough = np.bincount(boxes.owners[chosen], minlength=len(boxes)) == count
    places = np.sort(chosen[enough[boxes.owners[chosen]]])
    fewer = Boxes(
        names=names,
        boxes=boxes.boxes[places],
        labels=labels[places],
        starts=np.arange(int(enough.sum()) + 1) * count,
        masks=None if boxes.masks is None else boxes.masks.take(places),
        points=None if boxes.points is None else boxes.points.take(places),
    )
    return replace(source.take(enough), targets=fewer)
