"""Precision over recall of a detector, one curve per class."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError
from cnnkit.metrics.voc import PrecisionRecall, VocResult, voc
from cnnkit.visualize import style

# Classes whose curves have colours and names; the others are grey.
MOST_CURVES = 6
COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.AMBER, style.PURPLE)


def precision_recall(truth: Boxes, predictions: Boxes, *, iou: float = 0.5) -> Figure:
    """How many of a detector's best boxes are right, from its best one to its last, for each class.

    The thin line is as counted; the thick one is the best precision at each recall or beyond, and the area below it is
    the average precision (Pascal VOC since 2010). Where classes are many, the six best have names.

    Args:
        truth: The boxes of the photographs.
        predictions: Boxes with scores for the same photographs and classes: what `Boxes.from_table(names, table, ids)`
            reads of a table from `ck.predict`.
        iou: From which overlap on a box is right.

    Returns:
        A figure of 8 × 5 inches.

    Raises:
        DataError: Boxes that do not belong together, predictions without scores, or no box at all.
        InputError: An overlap out of 0 … 1.
    """
    found = voc(truth, predictions, iou=iou)
    if not found.curves:
        raise DataError("photographs with boxes", "none that counts", "Give the truth of a part that shows things.")
    figure = style.figure(8, 5)
    draw_precision_recall(figure, found, iou)
    return figure


def draw_precision_recall(canvas: style.Canvas, found: VocResult, iou: float) -> None:
    """`precision_recall` on a figure or a part of one."""
    ordered = sorted(found.average_precision, key=lambda name: -found.average_precision[name])
    with style.styled():
        axes = canvas.subplots()
        for place, name in reversed(list(enumerate(ordered))):  # the best ones lie on top
            x, y = _outline(found.curves[name])
            if place >= MOST_CURVES:
                axes.step(x[:-1], y[:-1], where="pre", color=style.FAINT, zorder=1)  # else falls are all that is seen
                continue
            label = f"{style.plain(style.shortened(name, 20))}, AP {found.average_precision[name]:.2f}"
            axes.step(x, y, where="pre", color=COLOURS[place], label=label)
            if len(ordered) <= MOST_CURVES:
                curve = found.curves[name]
                axes.plot(curve.recall, curve.precision, color=COLOURS[place], linewidth=0.8, alpha=0.6)
        handles, labels = axes.get_legend_handles_labels()
        handles, labels = [*handles[::-1]], [*labels[::-1]]
        if len(ordered) > MOST_CURVES:
            handles += axes.plot([], [], color=style.FAINT)
            labels += [f"{len(ordered) - MOST_CURVES} other classes"]
        axes.legend(handles, labels, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        axes.set_xlabel("recall: things that are found")
        axes.set_ylabel("precision: boxes that are right")
        of = f"mean average precision {found.mean:.2f} of {len(ordered)} classes" if len(ordered) > 1 else "boxes"
        axes.set_title(f"{of}, right from an IoU of {iou:g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlim(0, 1.01)
        axes.set_ylim(0, 1.03)
        axes.grid()


def _outline(curve: PrecisionRecall) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and the best precision at each or beyond, from recall 0 on, to precision 0 at the last recall."""
    best = np.maximum.accumulate(curve.precision[::-1])[::-1]
    last = float(curve.recall[-1]) if len(best) else 0.0
    return np.array([0, *curve.recall, last]), np.array([best[0] if len(best) else 0, *best, 0])
