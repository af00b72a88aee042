"""The confusion matrix: what was taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, unknown_name
from cnnkit.metrics import classification
from cnnkit.visualize import style

TEXT_UP_TO = 30
"""More classes than this leave no room for numbers in the cells: colour alone tells."""
SHARES_UP_TO = 12
"""More classes than this leave room for the count alone."""


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> Figure:
    """Counts, and for each true class the percentage that was taken for each class.

    A row is a true class, a column what was predicted; the percentages of a row add up to 100. What is right is on
    the blue diagonal, what is wrong is orange; the colour deepens with the share of the row.

    Args:
        labels: (n,) true classes, as indices or as names: `photos.test.labels`.
        predicted: (n,) predicted classes, as indices or as names: `table["label"]`.
        classes: All class names, in the order of the labels.

    Returns:
        A figure that grows with the number of classes.

    Raises:
        DataError: No examples, other lengths, or an index that is no class.
        UnknownNameError: A name that is no class.
    """
    side = float(np.clip(2.6 + 0.58 * len(classes), 4.4, 12))
    made = style.figure(side + 0.9, side)
    draw_confusion(made, labels, predicted, classes)
    return made


def confusion_counts(labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> NDArray[np.int64]:
    """(classes, classes) how many examples of true class i were predicted as class j.

    >>> confusion_counts([0, 0, 1], ["cat", "dog", "dog"], ["cat", "dog"]).tolist()
    [[1, 1], [0, 1]]
    """
    true, guessed = _indices(labels, classes), _indices(predicted, classes)
    if len(true) != len(guessed) or not len(true):
        raise DataError(
            "one prediction for each of at least one label",
            f"{len(true)} labels and {len(guessed)} predictions",
            "Predict the source whose labels these are: ck.predict(net, photos.test).",
        )
    return classification.confusion(true, guessed, classes=len(classes))


def draw_confusion(canvas: style.Canvas, labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> None:
    """`confusion` on a figure or a part of one."""
    counts = confusion_counts(labels, predicted, classes)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    colours = style.WRONG_SHARES(shares**0.6)  # a mistake of 5 % must be seen
    diagonal = np.eye(len(classes), dtype=bool)
    colours[diagonal] = style.RIGHT_SHARES(shares[diagonal])
    count = len(classes)
    names = [style.plain(style.shortened(str(name), 22 if count <= 12 else 14)) for name in classes]
    size = float(np.clip(16 - 0.6 * count, 6, 14))
    both = count <= SHARES_UP_TO
    with style.styled():
        axes = canvas.subplots()
        axes.imshow(colours, aspect="equal")
        for row, column in np.argwhere(counts) if count <= TEXT_UP_TO else ():
            colour = style.PAPER if diagonal[row, column] and shares[row, column] > 0.55 else style.INK
            texts = [(f"{counts[row, column]:,}", size, "bold", 0.5 * size if both else 0.0)]
            if both:
                texts.append((style.percent(shares[row, column]), 0.75 * size, "normal", -0.75 * size))
            for text, points, weight, raised in texts:
                axes.annotate(
                    text,
                    (column, row),
                    xytext=(0, raised),
                    textcoords="offset points",
                    ha="center",
                    va="center",
                    color=colour,
                    fontsize=points,
                    fontweight=weight,
                )
        turned = 0 if max(len(name) for name in names) * count < 34 else 45 if both else 90
        axes.set_xticks(range(count), names, rotation=turned, ha="right" if turned == 45 else "center")
        if turned == 45:
            for label in axes.get_xticklabels():
                label.set_rotation_mode("anchor")
        rows = [f"{name}\n{total:,} pictures" for name, total in zip(names, totals[:, 0], strict=True)]
        axes.set_yticks(range(count), rows if count <= 8 else names)
        label_size = 11 if count <= 12 else 7
        axes.tick_params(length=0, labelsize=label_size, labelcolor=style.INK)
        axes.set_xlabel("predicted", labelpad=8)
        axes.set_ylabel("true", labelpad=8)
        axes.set_xticks(np.arange(1, count) - 0.5, minor=True)
        axes.set_yticks(np.arange(1, count) - 0.5, minor=True)
        axes.grid(which="minor", color=style.PAPER, linewidth=2 if count <= 12 else 0.6)
        axes.tick_params(which="minor", length=0)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color(style.GRID)
        right = int(counts[diagonal].sum())
        axes.set_title(f"{style.percent(right / counts.sum())} right: {right:,} of {counts.sum():,}")


def _indices(values: ArrayLike, classes: Sequence[str]) -> NDArray[np.int64]:
    """Class indices of indices or names."""
    given = np.asarray(values)
    if given.ndim != 1:
        raise DataError(
            "one class for each example, shape (n,)",
            f"{type(values).__name__} of shape {given.shape}",
            'Pass photos.test.labels and table["label"]; of several labels, draw one at a time.',
        )
    if given.dtype.kind in "iu":
        if given.size and not 0 <= given.min() <= given.max() < len(classes):
            raise DataError(
                f"class indices from 0 to {len(classes) - 1}",
                f"from {given.min()} to {given.max()}",
                "Give `classes` all names, in the order of the labels.",
            )
        return given.astype(np.int64)
    position = {str(name): index for index, name in enumerate(classes)}
    for name in given:
        if str(name) not in position:
            raise unknown_name("a class", str(name), position)
    return np.array([position[str(name)] for name in given], np.int64)
