"""Boxes over their photograph: a line in the colour of the class, edged so as to be seen on any picture, and a name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.metrics.box_overlap import box_iou
from cnnkit.visualize import style
from cnnkit.visualize.class_colours import class_colours

MOST_NAMES = 5
"""Boxes of a picture that have their names beside them; of more the legend tells the classes."""
POINTS = 7
LINE, EDGE = 1.6, 3.4
"""Widths of a box's line and of the white or dark one below it, in points."""
RIGHT = 0.5
"""From which IoU on a box is drawn as right."""


def sure_boxes(boxes: Boxes, least: float) -> Boxes:
    """Those with a score of at least `least`: for its average precision a detector says a hundred that are not."""
    if boxes.scores is None:
        return boxes
    return boxes.where(boxes.scores >= least)


def draw_boxes(axes: Axes, boxes: Boxes, index: int) -> None:
    """Draws the boxes of one example, the largest first so that small ones lie on top; predictions with their score."""
    span = boxes.span(index)
    names = [boxes.names[label] for label in boxes.labels[span]]
    if boxes.scores is not None:
        names = [f"{name} {style.percent(float(score))}" for name, score in zip(names, boxes.scores[span], strict=True)]
    colours = class_colours(len(boxes.names))
    areas = np.prod(boxes.boxes[span, 2:] - boxes.boxes[span, :2], axis=1)
    for place in np.argsort(-areas, kind="stable"):
        name = names[place] if len(names) <= MOST_NAMES else ""
        _draw(axes, boxes.boxes[span][place], colours[boxes.labels[span][place]], name)


def draw_box_errors(axes: Axes, truth: Boxes, predictions: Boxes, index: int) -> None:
    """Draws true boxes dashed, predicted ones blue where they are right, else orange, with their IoU.

    Right is a predicted box that overlaps a true one of its class by an IoU above one half. One that overlaps another
    class is told what it is.
    """
    mine, theirs = truth.span(index), predictions.span(index)
    for corners in truth.boxes[mine]:
        _draw(axes, corners, style.PAPER, "", edge=style.INK, dashed=True)
    ious = box_iou(predictions.boxes[theirs], truth.boxes[mine])
    for corners, label, row in zip(predictions.boxes[theirs], predictions.labels[theirs], ious, strict=True):
        best = int(row.argmax()) if len(row) else -1
        iou = float(row[best]) if len(row) else 0.0
        other = iou > 0 and truth.labels[mine][best] != label
        name = f"{truth.names[truth.labels[mine][best]]}, " if other else ""
        _draw(axes, corners, style.WRONG if other or iou <= RIGHT else style.RIGHT, f"{name}IoU {iou:.2f}")


def box_legend(*columns: Boxes) -> Sequence[Artist]:
    """A patch for each class that occurs, where some picture has too many boxes to name them in it."""
    if max(int(np.diff(boxes.starts).max(initial=0)) for boxes in columns) <= MOST_NAMES:
        return ()
    names = columns[0].names
    occur = sorted({int(label) for boxes in columns for label in boxes.labels})
    colours = class_colours(len(names))
    return [Patch(facecolor=colours[label], label=style.plain(names[label])) for label in occur]


def _draw(
    axes: Axes, corners: NDArray[np.float64], colour: str, name: str, *, edge: str | None = None, dashed: bool = False
) -> None:
    """One box in continuous pixels, of which (0, 0) is the outer corner of the first one; `imshow` has its middle."""
    left, top, right, bottom = corners - 0.5
    box = Rectangle(
        (left, top),
        right - left,
        bottom - top,
        fill=False,
        edgecolor=colour,
        linewidth=LINE,
        linestyle=(0, (4, 2)) if dashed else "solid",
        joinstyle="miter",
    )
    box.set_path_effects([Stroke(linewidth=EDGE, foreground=edge or _against(colour)), Normal()])
    axes.add_patch(box)
    if not name:
        return
    # Above the box where there is room, and never beyond the right edge of the picture.
    height, width = axes.get_images()[0].get_size()
    above, leftwards = top > 0.12 * height, left > 0.6 * width
    axes.annotate(
        style.plain(name),
        (right if leftwards else left, top),
        xytext=(0, 2 if above else -2),
        textcoords="offset points",
        ha="right" if leftwards else "left",
        va="bottom" if above else "top",
        fontsize=POINTS,
        color=_against(colour),
        bbox={"facecolor": colour, "edgecolor": "none", "boxstyle": "square,pad=0.15"},
    )


def _against(colour: str) -> str:
    """White on dark colours, ink on bright ones (relative luminance of sRGB, ITU-R BT.709)."""
    return style.PAPER if float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722))) < 0.45 else style.INK
