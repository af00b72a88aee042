"""A class for each pixel over its photograph: tints and contours, what is void hatched, what is wrong in orange."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from numpy.typing import NDArray

from cnnkit.data.targets.masks import Masks
from cnnkit.metrics.label_maps import VOID
from cnnkit.visualize import style
from cnnkit.visualize.class_colours import class_colours, painted

OPACITY = 0.62
"""Of the tint over a photograph, which stays visible below it."""
HATCH = "////"


def draw_mask(axes: Axes, truth: Masks, index: int) -> None:
    """Tints the picture that the axes show by the class of each pixel, with a thin white line between classes."""
    mask = truth.mask(index)
    height, width = mask.shape
    tint = np.full((height, width, 4), OPACITY, np.float32)
    tint[..., :3] = painted(mask, len(truth.names))
    tint[mask == VOID] = (*to_rgb(style.GRID), 0.75)
    axes.imshow(tint, interpolation="nearest", extent=(-0.5, width - 0.5, height - 0.5, -0.5))
    draw_contours(axes, mask)
    if (mask == VOID).any():
        _hatch(axes, mask)


def draw_contours(axes: Axes, mask: NDArray[np.uint8], *, colour: str = style.PAPER, linewidth: float = 0.6) -> None:
    """A line along every border between two classes, between the middles of pixels."""
    x, y = _cell_edges(mask)
    # Not snapped to dots of the figure: the sides of single pixels would become dashes.
    axes.plot(x, y, color=colour, linewidth=linewidth, scalex=False, scaley=False, snap=False)


def draw_mask_errors(axes: Axes, truth: Masks, predictions: Masks, index: int) -> None:
    """Greys the picture and paints orange what was taken for another class; what is void in the truth is hatched."""
    mask, predicted = truth.mask(index), predictions.mask(index)
    height, width = mask.shape
    tint = np.zeros((height, width, 4), np.float32)
    tint[...] = (*to_rgb(style.PAPER), 0.55)
    tint[mask != predicted] = (*to_rgb(style.WRONG), 0.85)
    tint[mask == VOID] = (*to_rgb(style.GRID), 0.75)
    axes.imshow(tint, interpolation="nearest", extent=(-0.5, width - 0.5, height - 0.5, -0.5))
    if (mask == VOID).any():
        _hatch(axes, mask)


def mask_legend(*columns: Masks) -> Sequence[Artist]:
    """A patch of colour for each class that any of these masks shows, and a hatched one if some pixels are void."""
    names = columns[0].names
    shown = np.zeros(VOID + 1, bool)
    for masks in columns:
        for index in range(len(masks)):
            shown |= np.bincount(masks.mask(index).ravel(), minlength=VOID + 1) > 0
    colours = class_colours(len(names))
    patches = [
        Patch(facecolor=(*to_rgb(colour), 0.9), edgecolor=style.FAINT, linewidth=0.6, label=style.plain(name))
        for colour, name, occurs in zip(colours, names, shown, strict=False)
        if occurs
    ]
    void = Patch(facecolor=style.GRID, edgecolor=style.MUTED, linewidth=0, hatch=HATCH, label="void")
    return [*patches, void] if shown[VOID] else patches


def _hatch(axes: Axes, mask: NDArray[np.uint8]) -> None:
    """Hatches what is void; the frame around it closes areas at the edge of the picture."""
    height, width = mask.shape
    void = np.pad((mask == VOID).astype(np.float32), 1)
    with style.styled():
        drawn = axes.contourf(
            np.arange(-1, width + 1), np.arange(-1, height + 1), void, levels=[0.5, 1.5], colors="none", hatches=[HATCH]
        )
    drawn.set_edgecolor(style.MUTED)
    drawn.set_linewidth(0)


def _cell_edges(mask: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sides of pixels between two classes as one broken line: x and y with NaN between the pieces."""
    rows, columns = np.nonzero(mask[1:] != mask[:-1])
    flat = np.stack([columns - 0.5, columns + 0.5, np.full(len(columns), np.nan)], axis=1), rows + 0.5
    down, across = np.nonzero(mask[:, 1:] != mask[:, :-1])
    upright = np.stack([down - 0.5, down + 0.5, np.full(len(down), np.nan)], axis=1), across + 0.5
    x = np.concatenate([flat[0].ravel(), upright[1].repeat(3)])
    y = np.concatenate([flat[1].repeat(3), upright[0].ravel()])
    return x.astype(np.float64), y.astype(np.float64)
