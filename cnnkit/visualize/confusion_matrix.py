"""The confusion matrix: predicted classes by true class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.targets.tags import Tags
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.metrics import classification
from cnnkit.metrics.given_arrays import array_of, flags_of
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import fitting_columns

TEXT_UP_TO = 30
"""More classes than this leave no room for numbers in the cells: colour alone tells."""
LABELS_UP_TO = 40
"""More labels than this are not drawn: of several labels each has a matrix of its own."""
DARK_FROM = 0.7
"""Shares on the diagonal from which its blue is dark enough for white numbers."""
SHARES_UP_TO = 12
"""More classes than this leave room for the count alone."""


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> Figure:
    """Counts, and the percentage of each true class that was predicted as each class.

    A row is a true class, a column what was predicted; the percentages of a row add up to 100. What is right is on
    the blue diagonal, what is wrong is orange; the colour deepens with the share of the row. Where a picture may have
    several labels, each label has a matrix of its own: whether it was there against whether it was predicted.

    Args:
        labels: (n,) true classes, as indices or as names; or (n, classes) of 0 and 1: `photos.test.labels`.
        predicted: (n,) predicted classes, as indices or as names: `table["label"]`; or (n, classes) of 0 and 1.
        classes: All class names, in the order of the labels.

    Returns:
        A figure that grows with the number of classes.

    Raises:
        DataError: No examples, other lengths, or an index that is no class.
        InputError: `classes` is no list of names.
        UnknownNameError: A name that is no class.
    """
    classes = _names(classes)
    if array_of(labels).ndim == 2:
        panels = min(len(classes), LABELS_UP_TO)
        columns = fitting_columns(panels)
        figure = style.figure(11, 0.5 + 2.3 * -(-panels // columns) * 4.4 / max(columns, 3.2))
        draw_label_confusions(figure, labels, predicted, classes, columns=columns)
        return figure
    side = float(np.clip(2.6 + 0.58 * len(classes), 4.4, 12))
    figure = style.figure(side + 0.9, side)
    draw_confusion(figure, labels, predicted, classes)
    return figure


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
    totals = counts.sum(axis=1)
    count = len(classes)
    names = [style.plain(style.shortened(str(name), 22 if count <= 12 else 14)) for name in classes]
    rows = [f"{name}\n{total:,} pictures" for name, total in zip(names, totals, strict=True)]
    right = int(counts.trace())
    title = f"{style.percent(right / counts.sum())} right: {right:,} of {counts.sum():,}"
    draw_matrix(canvas, counts, rows if count <= 8 else names, names, title=title, numbers=True)


def draw_matrix(
    canvas: style.Canvas,
    counts: NDArray[np.int64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    numbers: bool,
) -> None:
    """A matrix of counts: the diagonal blue, the rest orange, deeper with the share of the row.

    Args:
        canvas: A figure or a part of one.
        counts: (rows, columns), no fewer columns than rows; what is right on the diagonal.
        rows: Names of the true classes.
        columns: Names of the predicted ones.
        title: The line above.
        numbers: Whether the cells show counts, and below them shares where there is room; else shares alone.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    count = len(columns)
    size = float(np.clip(16 - (0.6 if numbers else 0.38) * count, 6, 14))  # a share has two digits, a count many
    both = count <= SHARES_UP_TO
    with style.styled():
        axes = canvas.subplots()
        axes.imshow(_colours(shares), aspect="equal")
        for row, column in np.argwhere(counts) if count <= TEXT_UP_TO else ():
            colour = style.PAPER if row == column and shares[row, column] > DARK_FROM else style.INK
            share = style.percent(shares[row, column])
            texts = [(share.removesuffix(" %"), size, "normal", 0.0)]
            if numbers:
                texts = [(f"{counts[row, column]:,}", size, "bold", 0.5 * size if both else 0.0)]
                texts += [(share, 0.75 * size, "normal", -0.75 * size)] if both else []
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
        turned = 0 if max(len(name) for name in columns) * count < 34 else 45 if both else 90
        axes.set_xticks(range(count), columns, rotation=turned, ha="right" if turned == 45 else "center")
        if turned == 45:
            for label in axes.get_xticklabels():
                label.set_rotation_mode("anchor")
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0, labelsize=11 if both else 9 if count <= 20 else 7, labelcolor=style.INK)
        axes.set_xlabel("predicted", labelpad=8)
        axes.set_ylabel("true", labelpad=8)
        axes.set_title(title)
        _frame(axes, len(rows), count)


def label_confusion_counts(labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> NDArray[np.int64]:
    """(classes, 2, 2) counts per label: absent or present (row), not predicted or predicted (column).

    Args:
        labels: (n, classes) of 0 and 1.
        predicted: The same, or (n,) names joined by "|": `table["label"]`.
        classes: All label names, in the order of the columns.

    Raises:
        DataError: Another shape, or no examples.
        UnknownNameError: A name that is no class.

    >>> label_confusion_counts([[1, 0], [1, 1]], ["a", "b"], ["a", "b"]).tolist()
    [[[0, 0], [1, 1]], [[1, 0], [0, 1]]]
    """
    array = array_of(predicted)
    decided = Tags.of_texts(array.tolist(), classes) if array.ndim == 1 and array.dtype.kind in "OUT" else array
    true = array_of(labels)
    if true.shape != decided.shape or true.shape[1:] != (len(classes),) or not len(true):
        raise DataError(
            f"two tables of shape (n, {len(classes)}), one column for each class",
            f"shapes {true.shape} and {array.shape}",
            'Pass photos.test.labels and table["label"] of a multi-label network.',
        )
    return np.stack(
        [classification.confusion(flags_of(true[:, j]), flags_of(decided[:, j])) for j in range(len(classes))]
    )


def draw_label_confusions(
    canvas: style.Canvas, labels: ArrayLike, predicted: ArrayLike, classes: Sequence[str], *, columns: int
) -> None:
    """`confusion` of several labels on a figure or a part of one; where not all fit, those with the most mistakes."""
    counts = label_confusion_counts(labels, predicted, classes)
    mistakes = counts[:, 0, 1] + counts[:, 1, 0]
    worst = np.sort(np.argsort(-mistakes, kind="stable")[:LABELS_UP_TO])
    with style.styled():
        grid = canvas.subplots(-(-len(worst) // columns), columns, squeeze=False).ravel()
        for place, axes in enumerate(grid):
            if place >= len(worst):
                axes.set_visible(False)
                continue
            label = worst[place]
            _label_panel(axes, counts[label], style.plain(style.shortened(str(classes[label]), 22)))
            if place % columns == 0:
                axes.set_ylabel("there", labelpad=4)
            if place + columns >= len(worst):
                axes.set_xlabel("predicted", labelpad=4)
        part = "" if len(worst) == len(classes) else f", the {len(worst)} labels of {len(classes)} with the most wrong"
        right = 1 - mistakes.sum() / counts.sum()
        canvas.suptitle(
            f"{style.percent(right)} of all yes/no decisions right{part}",
            x=0.01,
            ha="left",
            fontsize=12,
            fontweight="bold",
            color=style.INK,
        )


def _label_panel(axes: Axes, counts: NDArray[np.int64], name: str) -> None:
    """One label: no and yes against no and yes."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(_colours(shares), aspect="equal")
    for row, column in np.ndindex(2, 2):
        dark = row == column and shares[row, column] > DARK_FROM
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            color=style.PAPER if dark else style.INK,
            fontsize=13,
            fontweight="bold",
        )
    axes.set_xticks([0, 1], ["no", "yes"], fontsize=10)
    axes.set_yticks([0, 1], ["no", "yes"], fontsize=10)
    axes.tick_params(length=0, labelcolor=style.INK)
    axes.set_title(name, fontsize=11, loc="center")
    _frame(axes, 2, 2)


def _colours(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blue on the diagonal, orange elsewhere, deeper with the share of the row."""
    colours: NDArray[np.float64] = style.WRONG_SHARES(shares**0.6)  # a mistake of 5 % must be seen
    diagonal = np.eye(*shares.shape) > 0
    colours[diagonal] = style.RIGHT_SHARES(shares[diagonal])
    return colours


def _frame(axes: Axes, rows: int, columns: int) -> None:
    """White lines between cells, a thin frame around all."""
    axes.set_xticks(np.arange(1, columns) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, rows) - 0.5, minor=True)
    axes.grid(which="minor", color=style.PAPER, linewidth=2 if columns <= 12 else 0.6)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.GRID)


def _names(classes: object) -> list[str]:
    if isinstance(classes, str) or not isinstance(classes, Iterable) or not list(classes):
        raise InputError("a list of class names", f"{classes!r}"[:100], "photos.classes is one.")
    return [str(name) for name in classes]


def _indices(values: ArrayLike, classes: Sequence[str]) -> NDArray[np.int64]:
    """Class indices of indices or names."""
    array = array_of(values)
    if array.ndim != 1:
        raise DataError(
            "one class for each example, shape (n,)",
            f"{type(values).__name__} of shape {array.shape}",
            'Pass photos.test.labels and table["label"]; of several labels a table (n, classes).',
        )
    if array.dtype.kind in "iu":
        if array.size and not 0 <= array.min() <= array.max() < len(classes):
            raise DataError(
                f"class indices from 0 to {len(classes) - 1}",
                f"from {array.min()} to {array.max()}",
                "Give `classes` all names, in the order of the labels.",
            )
        return array.astype(np.int64)
    position = {str(name): index for index, name in enumerate(classes)}
    for name in array:
        if str(name) not in position:
            raise unknown_name("a class", str(name), position)
    return np.array([position[str(name)] for name in array], np.int64)
