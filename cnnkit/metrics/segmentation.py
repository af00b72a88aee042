"""How good a class for each pixel is: overlap and accuracy from one confusion of pixels, void left out.

    >>> true, predicted = [[0, 0, 1, 1]], [[0, 1, 1, 1]]
    >>> round(mean_iou(true, predicted, classes=2), 4), pixel_accuracy(true, predicted, classes=2)
    (0.5833, 0.75)

Of many pictures, `PixelConfusion` counts one after the other: the IoU of a data set is that of all its pixels, not a
mean over pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.metrics.label_maps import class_count, joint_counts, map_pair

Shares = NDArray[np.float64]


class PixelConfusion:
    """How many pixels of each class were taken for each class, over any number of label maps, in constant memory.

    Pixels that are void (255) in the truth are left out. A prediction may be void too, where a network says nothing:
    that is wrong, and counts as no class.

    What has no value is NaN for a class, and such classes do not count in a mean: the accuracy of a class that no pixel
    shows, the precision of one that none was taken for, the IoU and the Dice score of one to which both applies.

    Args:
        classes: How many there are, at most 255.

    Raises:
        InputError: No such number.

    >>> confusion = PixelConfusion(2)
    >>> confusion.add([[0, 0, 1, 255]], [[0, 1, 1, 1]])  # the share of known pixels that is wrong
    0.3333333333333333
    >>> confusion.iou.tolist(), confusion.accuracy.tolist()
    ([0.5, 0.5], [0.5, 1.0])
    """

    def __init__(self, classes: int) -> None:
        self._counts = np.zeros((class_count(classes), classes + 1), np.int64)

    def add(self, true: ArrayLike, predicted: ArrayLike) -> float:
        """Counts the pixels of one label map, or of several of one size.

        Args:
            true: (h, w) or (n, h, w) class indices, 255 for void.
            predicted: The same shape.

        Returns:
            The share of their known pixels that is wrong, 0…1; 0 where none is known.

        Raises:
            DataError: Maps of different shapes, or a class that does not exist.
        """
        joint = joint_counts(*map_pair(true, predicted), len(self._counts))[1:]
        counts = np.roll(joint, -1, axis=1)  # void, what is predicted for no class, comes last
        self._counts += counts
        known = int(counts.sum())
        return (known - int(counts.trace())) / known if known else 0.0

    def merge(self, other: PixelConfusion) -> None:
        """Adds what another one has counted.

        Raises:
            InputError: It has other classes.
        """
        if not isinstance(other, PixelConfusion) or other._counts.shape != self._counts.shape:
            received = f"{len(other._counts)} classes" if isinstance(other, PixelConfusion) else type(other).__name__
            raise InputError(f"a PixelConfusion of {len(self._counts)} classes", received, "Count the same classes.")
        self._counts += other._counts

    @property
    def matrix(self) -> NDArray[np.int64]:
        """(classes, classes + 1) pixels: row the true class, column the predicted one, the last one void."""
        return self._counts.copy()

    @property
    def pixels(self) -> NDArray[np.int64]:
        """(classes,) how many pixels show each class."""
        return np.asarray(self._counts.sum(axis=1))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(classes,) how many known pixels were taken for each class."""
        return np.asarray(self._counts[:, :-1].sum(axis=0))

    @property
    def right(self) -> NDArray[np.int64]:
        """(classes,) how many pixels of each class were taken for it."""
        return self._counts.diagonal().copy()

    @property
    def accuracy(self) -> Shares:
        """(classes,) the share of the pixels of each class that was taken for it: its recall."""
        return share(self.right, self.pixels)

    @property
    def precision(self) -> Shares:
        """(classes,) the share of the pixels that were taken for each class that is of it."""
        return share(self.right, self.predicted)

    @property
    def iou(self) -> Shares:
        """(classes,) intersection over union: right / (pixels + predicted − right), the Jaccard index."""
        return share(self.right, self.pixels + self.predicted - self.right)

    @property
    def dice(self) -> Shares:
        """(classes,) the Dice score 2 right / (pixels + predicted), which is the F1 of pixels."""
        return share(2 * self.right, self.pixels + self.predicted)

    @property
    def pixel_accuracy(self) -> float:
        """The share of all known pixels that is right (Long et al. 2015, section 5, as the three that follow)."""
        return mean_of(self.right, self.pixels)

    @property
    def mean_accuracy(self) -> float:
        """The mean accuracy of the classes that occur."""
        return mean_of(self.accuracy)

    @property
    def mean_iou(self) -> float:
        """The mean IoU of the classes that occur or were predicted; one that was only predicted has IoU 0."""
        return mean_of(self.iou)

    @property
    def frequency_weighted_iou(self) -> float:
        """The mean IoU, each class weighed by its pixels."""
        return mean_of(np.nan_to_num(self.iou) * self.pixels, self.pixels)

    @property
    def mean_dice(self) -> float:
        """The mean Dice score of the classes that occur or were predicted."""
        return mean_of(self.dice)

    def table(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """The scores of each class by its name.

        Args:
            names: One for each class.

        Returns:
            Name → `pixels`, `accuracy`, `precision`, `iou`, `dice`, without those that have no value.

        Raises:
            InputError: Another number of names, or two that are equal.
        """
        listed = isinstance(names, Sequence) and not isinstance(names, str | bytes)
        if not listed or len(set(names)) != len(self._counts) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{len(self._counts)} names", repr(names)[:200], "Give each class a name of its own.")
        columns = {name: getattr(self, name) for name in ("pixels", "accuracy", "precision", "iou", "dice")}
        return {
            name: {column: float(values[row]) for column, values in columns.items() if not np.isnan(values[row])}
            for row, name in enumerate(names)
        }


def pixel_accuracy(true: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """The share of the known pixels whose class is right, 0…1.

    Args:
        true: (h, w) or (n, h, w) class indices, 255 for void.
        predicted: The same shape.
        classes: How many there are, at most 255.

    Raises:
        DataError: Maps of different shapes, a class that does not exist, or no pixel whose class is known.
        InputError: No number of classes.
    """
    return _confusion(true, predicted, classes).pixel_accuracy


def mean_accuracy(true: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """The share of the pixels of a class that is right, on average over the classes that occur, 0…1.

    Arguments and errors are those of `pixel_accuracy`.
    """
    return _confusion(true, predicted, classes).mean_accuracy


def mean_iou(true: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Intersection over union of the pixels of a class, on average over the classes that occur or were predicted, 0…1.

    A class that was predicted and does not occur has IoU 0; one that neither occurs nor was predicted has none and
    does not count. Arguments and errors are those of `pixel_accuracy`.
    """
    return _confusion(true, predicted, classes).mean_iou


def frequency_weighted_iou(true: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """The IoU of the classes, each weighed by its share of the known pixels, 0…1.

    Arguments and errors are those of `pixel_accuracy`.
    """
    return _confusion(true, predicted, classes).frequency_weighted_iou


def dice(true: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Twice the intersection over the sum of both areas, on average over the classes as in `mean_iou`, 0…1.

    Arguments and errors are those of `pixel_accuracy`.
    """
    return _confusion(true, predicted, classes).mean_dice


def share(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> Shares:
    """How much of each whole each part is; NaN where there is no whole."""
    return np.asarray(np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0), np.float64)


def mean_of(values: NDArray[np.number], weights: NDArray[np.int64] | None = None) -> float:
    """The mean of the values that are numbers; with weights, the sum of the values over that of the weights.

    Raises:
        DataError: There are none.
    """
    total = np.count_nonzero(~np.isnan(values)) if weights is None else weights.sum()
    if not total:
        raise DataError("a pixel whose class is known", "none", "All are void (255): give maps with classes.")
    return float(np.nansum(values) / total)


def _confusion(true: ArrayLike, predicted: ArrayLike, classes: int) -> PixelConfusion:
    confusion = PixelConfusion(classes)
    confusion.add(true, predicted)
    return confusion
