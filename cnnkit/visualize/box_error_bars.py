"""Why a detector's boxes are wrong, as bars for each class."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError
from cnnkit.metrics.detection_errors import DetectionErrors
from cnnkit.metrics.detection_errors import detection_errors as errors_of
from cnnkit.visualize import style

# Kind → what the legend calls it, and its colour, from left to right.
KINDS = {
    "right": ("right", style.BLUE),
    "place": ("wrong place", style.AMBER),
    "class": ("wrong class", style.ORANGE),
    "both": ("both", style.WINE),
    "duplicate": ("found twice", style.PINK),
    "background": ("nothing there", style.MUTED),
}
MOST_CLASSES = 30


def detection_errors(truth: Boxes, predictions: Boxes, *, iou: float = 0.5, least: float = 0.1) -> Figure:
    """What became of the best boxes of each class, and how many things no box comes near.

    Of each class as many boxes are shown as there are things, from the best on, so that a perfect detector has one blue
    bar (Hoiem et al. 2012). The kinds of errors are those of TIDE (Bolya et al. 2020); `ck.metrics.detection_errors`
    says them box by box. Where classes are more than thirty, those with the most things are drawn.

    Args:
        truth: The boxes of the photographs.
        predictions: Boxes with scores for the same photographs and classes.
        iou: From which overlap on a box is right.
        least: Up to which overlap nothing is there.

    Returns:
        A figure 9 inches wide, as high as it has classes.

    Raises:
        DataError: Boxes that do not belong together, predictions without scores, or no box at all.
        InputError: An overlap out of 0 … 1.
    """
    found = errors_of(truth, predictions, iou=iou, least=least)
    if not found.things.any():
        raise DataError("photographs with boxes", "none that counts", "Give the truth of a part that shows things.")
    rows = min(int((found.things > 0).sum()), MOST_CLASSES)
    figure = style.figure(9, 1.8 + 0.32 * (rows + 1))
    draw_detection_errors(figure, found)
    return figure


def draw_detection_errors(canvas: style.Canvas, found: DetectionErrors) -> None:
    """`detection_errors` on a figure or a part of one."""
    most = np.argsort(-found.things, kind="stable")[:MOST_CLASSES]
    classes = [int(label) for label in most if found.things[label]]
    counts = {kind: row for kind, row in found.best().items() if kind in KINDS}
    right = counts["right"] / np.maximum(found.things, 1)
    classes.sort(key=lambda label: -right[label])
    names = ["all", *(found.names[label] for label in classes)]
    things = np.array([found.things.sum(), *found.things[classes]])
    with style.styled():
        axes, other = canvas.subplots(1, 2, sharey=True, width_ratios=[4, 1])
        rows, left = np.arange(len(names)), np.zeros(len(names))
        for kind, (label, colour) in KINDS.items():
            values = np.array([counts[kind].sum(), *counts[kind][classes]]) / things
            axes.barh(rows, values, left=left, height=0.74, color=colour, label=label, linewidth=0)
            left += values
        missed = np.array([found.missed.sum(), *found.missed[classes]]) / things
        other.barh(rows, missed, height=0.74, color=style.INK, linewidth=0)
        labels = (f"{style.shortened(name, 22)} ({count:,})" for name, count in zip(names, things, strict=True))
        axes.set_yticks(rows, [style.plain(label) for label in labels])
        axes.set_ylim(len(names) - 0.5, -0.5)
        for part, title in ((axes, "the best boxes, as many as there are things"), (other, "things missed")):
            part.set_xlim(0, 1)
            part.set_title(title)
            part.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
            part.tick_params(axis="y", length=0, labelcolor=style.INK)
            part.grid(axis="x")
            part.spines["left"].set_visible(False)
        other.set_xticks([0.5, 1])
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(KINDS), frameon=False)
