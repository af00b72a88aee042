"""What pixels are taken for what: the confusion matrix of a class per pixel."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.stored import in_threads
from cnnkit.errors import DataError
from cnnkit.metrics.segmentation import PixelConfusion
from cnnkit.visualize import style
from cnnkit.visualize.answers import predicted
from cnnkit.visualize.confusion_matrix import SHARES_UP_TO, draw_matrix


def pixel_confusion(source: Source, table: pd.DataFrame) -> Figure:
    """The percentage of the pixels of each true class that was taken for each class, void left out.

    A row is a true class, a column what was predicted; a row adds up to 100. Classes that neither occur nor were
    predicted are left out; what was predicted for no class is the column "void".

    Args:
        source: Pictures with masks.
        table: From `ck.predict`. Rows are matched by id.

    Returns:
        A figure that grows with the number of classes.

    Raises:
        DataError: No source, none with masks, none with a known pixel, or a picture is not in the table.
        InputError: The table has other columns, or is none.
    """
    confusion = confused_pixels(source, table)
    classes = int((confusion.pixels + confusion.predicted > 0).sum())
    side = float(np.clip(2.6 + 0.52 * classes, 4.4, 12))
    figure = style.figure(side + 0.9, side)
    draw_pixel_confusion(figure, confusion, source.names)
    return figure


def confused_pixels(source: Source, table: pd.DataFrame) -> PixelConfusion:
    """The pixels of all pictures, counted by several threads; arguments and errors as of `pixel_confusion`."""
    said = predicted(source, table)
    truth = source.targets
    if not isinstance(truth, Masks) or not isinstance(said, Masks):
        raise DataError("pictures with masks", f"pictures with {source.kind}", "ck.visualize.confusion is of labels.")

    def counted(index: int) -> PixelConfusion:
        confusion = PixelConfusion(len(truth.names))
        confusion.add(truth.mask(index), said.mask(index))
        return confusion

    whole = PixelConfusion(len(truth.names))
    for confusion in in_threads(counted, len(truth)):
        whole.merge(confusion)
    return whole


def draw_pixel_confusion(canvas: style.Canvas, confusion: PixelConfusion, classes: tuple[str, ...]) -> None:
    """`pixel_confusion` on a figure or a part of one."""
    right = confusion.pixel_accuracy  # refuses what has no known pixel
    occurring = np.flatnonzero(confusion.pixels + confusion.predicted)
    void = [len(classes)] if confusion.matrix[:, -1].any() else []
    few = len(occurring) <= SHARES_UP_TO
    names = [style.plain(style.shortened(classes[index], 22 if few else 14)) for index in occurring]
    counts = confusion.matrix[occurring][:, [*occurring, *void]]
    columns = [*names, "void"] if void else names
    title = f"{style.percent(right)} of the pixels right; percentages are of the row"
    draw_matrix(canvas, counts, names, columns, title=title, numbers=False)
