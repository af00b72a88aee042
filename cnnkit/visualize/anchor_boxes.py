"""The anchors of a detector over a picture: what a cell of each level begins with."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnkit.errors import InputError
from cnnkit.heads.anchors import AnchorHead
from cnnkit.transfer.network import Network, network_of
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import draw_pictures
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.given_pictures import Image
from cnnkit.visualize.tapping import framed

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.SKY, style.INK)


def anchors(network: Network, image: Image, position: tuple[int, int] | None = None) -> Figure:
    """One panel per level: the middles of its cells as points, and all anchors of one cell.

    A thing that no anchor of any level meets by half is one that the detector can hardly learn to find.

    Args:
        network: A detector with anchors: `ck.heads.retinanet`, `ssd` or `yolo_v2`.
        image: RGB 0…255 of any size; it is framed as in prediction.
        position: Row and column of a pixel of the framed picture: of each level the cell is taken whose middle is
            nearest. None is the middle.

    Returns:
        A figure 11 inches wide. Anchors may reach beyond the picture.

    Raises:
        InputError: A head without anchors, no picture, or the pixel is not in it.
        DataError: A picture that `ck.predict` refuses: floats in 0…1, most often.
    """
    check_figure({"position": position})
    head: object = network_of(network).head
    if not isinstance(head, AnchorHead):
        raise InputError("a detector with anchors", type(head).__name__, "ck.heads.retinanet(classes) is one.")
    photo = framed(network, image)
    height, width = network.size
    row, column = position or (height // 2, width // 2)
    if not (0 <= row < height and 0 <= column < width):
        received, remedy = f"{(row, column)}", "Count rows and columns from 0."
        raise InputError(f"a pixel of the {height} × {width} picture", received, remedy)
    maps = head.anchor_maps(network.size)
    columns = min(4, len(maps))
    figure = style.figure(11, -(-len(maps) // columns) * (11 / columns + 0.5))
    titles = [_title(level, boxes) for level, boxes in maps.items()]
    panels = draw_pictures(figure, [photo] * len(maps), titles, columns=columns)
    for place, (axes, boxes) in enumerate(zip(panels, maps.values(), strict=False)):
        _draw(axes, boxes, (column + 0.5, row + 0.5), COLOURS[place % len(COLOURS)])
        axes.set_xlim(-0.5, width - 0.5)
        axes.set_ylim(height - 0.5, -0.5)
    return figure


def _title(level: str, boxes: NDArray[np.float64]) -> str:
    rows, columns, count = boxes.shape[:3]
    sides = np.sqrt(np.prod(boxes[0, 0, :, 2:] - boxes[0, 0, :, :2], axis=1))
    sizes = f"{sides.min():.0f} to {sides.max():.0f}" if round(sides.min()) < round(sides.max()) else f"{sides[0]:.0f}"
    return f"{level}: {rows} × {columns} cells\n{count} anchors of {sizes} pixels"


def _draw(axes: Axes, boxes: NDArray[np.float64], pixel: tuple[float, float], colour: str) -> None:
    """The middles of all cells, and the anchors of the one nearest to a pixel (x, y)."""
    middles = (boxes[:, :, 0, :2] + boxes[:, :, 0, 2:]) / 2
    away = np.abs(middles - pixel).max(axis=2)
    cell = np.unravel_index(int(away.argmin()), away.shape)
    axes.plot(*(middles.reshape(-1, 2).T - 0.5), ".", color=style.PAPER, markersize=2.5, markeredgecolor=style.INK)
    axes.lines[-1].set_markeredgewidth(0.3)
    for left, top, right, bottom in boxes[cell] - 0.5:  # `imshow` has the middle of the first pixel at 0
        frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=1.4)
        axes.add_patch(frame)
