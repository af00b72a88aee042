"""Points over their photograph: dots, and of a person the bones between them, left and right in their own colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from cnnkit.data.targets.bones import bones_of
from cnnkit.data.targets.points import Points
from cnnkit.metrics.keypoints import point_errors
from cnnkit.visualize import style

SIDES = {"left": style.SKY, "right": style.AMBER, "middle": style.GREEN}
"""Side of the body, the person's own → colour."""
BONE, DOT, EDGE = 1.8, 3.6, 1.4
"""Widths of a bone, of a dot, and of the dark line around them, in points."""
RIGHT = 0.1
"""Up to which part of the longer side of their box points are drawn as right."""


def side_of(*names: str) -> str:
    """`"left"` or `"right"` where all of the names say so, else `"middle"`."""
    sides = {next((side for side in ("left", "right") if side in name.lower()), "middle") for name in names}
    return sides.pop() if len(sides) == 1 else "middle"


def draw_points(axes: Axes, points: Points, index: int) -> None:
    """Draws the points of one example that are shown; hidden ones are hollow."""
    places, shown = points.values[index] - 0.5, points.shown[index]
    for one, other in bones_of(points.names):
        if shown[one] and shown[other]:
            _line(axes, places[[one, other]], SIDES[side_of(points.names[one], points.names[other])])
    for name, place, state in zip(points.names, places, shown.tolist(), strict=True):
        if state:
            _dot(axes, place, SIDES[side_of(name)], hollow=state == 1)


def draw_point_errors(axes: Axes, truth: Points, predictions: Points, index: int) -> None:
    """Draws each predicted point, with a line to the true one: blue within .1 of the box around the true ones."""
    errors = point_errors(truth.take([index]), predictions.take([index]), scale="box")[0]
    for point in np.flatnonzero(truth.shown[index]).tolist():
        true, said = truth.values[index, point] - 0.5, predictions.values[index, point] - 0.5
        colour = style.RIGHT if errors[point] <= RIGHT else style.WRONG
        if predictions.shown[index, point]:
            _line(axes, np.stack([true, said]), colour)
            _dot(axes, said, colour)
        else:
            _dot(axes, true, colour, hollow=True)


def point_legend(*columns: Points) -> Sequence[Artist]:
    """A line for the left, the right and the middle of a body, where points have sides."""
    sides = dict.fromkeys(side_of(name) for name in columns[0].names)
    if set(sides) == {"middle"}:
        return ()
    return [Line2D([], [], color=SIDES[side], linewidth=2 * BONE, label=side) for side in sides]


def _line(axes: Axes, ends: NDArray[np.float64], colour: str) -> None:
    line = Line2D(ends[:, 0], ends[:, 1], color=colour, linewidth=BONE, solid_capstyle="round")
    line.set_path_effects([Stroke(linewidth=BONE + EDGE, foreground=style.INK), Normal()])
    axes.add_line(line)


def _dot(axes: Axes, place: NDArray[np.float64], colour: str, *, hollow: bool = False) -> None:
    face = style.PAPER if hollow else colour
    edge = colour if hollow else style.INK
    axes.add_line(
        Line2D(
            [place[0]],
            [place[1]],
            marker="o",
            markersize=DOT,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=EDGE / 2,
            linestyle="none",
        )
    )
