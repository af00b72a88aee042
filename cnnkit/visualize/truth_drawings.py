"""How truth and predictions of each kind are drawn over a picture: a kind is a row of `DRAWINGS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.pictures import Pictures
from cnnkit.data.targets.tags import Tags
from cnnkit.data.targets.targets import Targets
from cnnkit.visualize.box_drawing import box_legend, draw_box_errors, draw_boxes, sure_boxes
from cnnkit.visualize.mask_drawing import draw_mask, draw_mask_errors, mask_legend
from cnnkit.visualize.point_drawing import draw_point_errors, draw_points, point_legend


def _nothing(axes: Axes, truth: Any, index: int) -> None:
    """Truth without a place is in the title."""


@dataclass(frozen=True)
class TruthDrawing:
    """How one kind of truth, or of predictions, is shown with its picture. What a kind does not have stays empty.

    Attributes:
        draw: Draws one example, by its index, over the picture that the axes show. Coordinates are those of
            `axes.imshow`: the middle of the upper left pixel is (0, 0).
        title: The line above the picture of one example.
        legend: The entries of a legend for all examples of one column or more, truth and predictions: an artist each,
            whose label is its name.
        errors: Draws what is wrong with a prediction over its picture: axes, truth, prediction, index.
        covers: Whether what is drawn hides the picture, so that it has a panel of its own or is not drawn.
        sure: What is worth drawing of predictions, given the least score of it.
    """

    draw: Callable[[Axes, Any, int], None] = _nothing
    title: Callable[[Any, int], str] = lambda truth, index: ""
    legend: Callable[..., Sequence[Artist]] = lambda *columns: ()
    errors: Callable[[Axes, Any, Any, int], None] | None = None
    covers: bool = False
    sure: Callable[[Any, float], Any] = lambda said, least: said


def _label(truth: Labels, index: int) -> str:
    return truth.names[int(truth.values[index])]


def _tags(truth: Tags, index: int) -> str:
    return ", ".join(truth.names[label] for label in np.flatnonzero(truth.values[index]))


def _draw_picture(axes: Axes, truth: Pictures, index: int) -> None:
    """The picture in place of the one that the axes show."""
    axes.imshow(truth.picture(index))


DRAWINGS: dict[str, TruthDrawing] = {
    "labels": TruthDrawing(title=_label),
    "tags": TruthDrawing(title=_tags),
    "boxes": TruthDrawing(draw_boxes, legend=box_legend, errors=draw_box_errors, sure=sure_boxes),
    "points": TruthDrawing(draw_points, legend=point_legend, errors=draw_point_errors),
    "pictures": TruthDrawing(_draw_picture, covers=True),
    "masks": TruthDrawing(draw_mask, legend=mask_legend, errors=draw_mask_errors),
}
"""Kind of truth → how it is drawn."""


def drawing_of(kind: str) -> TruthDrawing:
    """How a kind is drawn; one that has no row yet, and no truth at all, as nothing."""
    return DRAWINGS.get(kind, TruthDrawing())


def truth_titles(truth: Targets | None) -> list[str]:
    """The line above each picture; [] where the kind has none."""
    if truth is None:
        return []
    titles = [drawing_of(truth.kind).title(truth, index) for index in range(len(truth))]
    return titles if any(titles) else []


def draw_truth(panels: Sequence[Axes], truth: Targets | None) -> None:
    """Draws each example over the picture that its axes show, unless it would hide it."""
    if truth is not None and not drawing_of(truth.kind).covers:
        for index, axes in enumerate(panels):
            drawing_of(truth.kind).draw(axes, truth, index)
