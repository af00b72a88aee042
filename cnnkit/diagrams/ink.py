"""Elements of drawn graphs: a page in inches, text sizes, tints, arrows with round corners."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from cnnkit.visualize import style

Point = tuple[float, float]
LINE = 1.3
"""Height of a line of text, in its size."""


@cache
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Inches that a text of a size in points takes."""
    if not text.strip():
        return 0.0
    family = style.SETTINGS["font.family"]
    font = FontProperties(family=family, weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=size, prop=font).get_extents().x1) / 72


def line_height(size: float) -> float:
    """Inches of a line of text of a size in points."""
    return LINE * size / 72


def tinted(colour: str, share: float) -> tuple[float, float, float]:
    """A colour mixed with a share of white, or of black where the share is negative."""
    other = 1.0 if share > 0 else 0.0
    red, green, blue = ((1 - abs(share)) * part + abs(share) * other for part in to_rgb(colour))
    return red, green, blue


def arrow(axes: Axes, points: Sequence[Point], *, radius: float = 0.09, colour: str = style.MUTED) -> None:
    """An arrow through points, its corners round.

    Args:
        axes: Whose unit is an inch.
        points: From the first to the last.
        radius: Of the corners.
        colour: Of line and head.
    """
    way = _corners(points)
    vertices, codes = [way[0]], [Path.MOVETO]
    for before, corner, after in zip(way, way[1:], way[2:], strict=False):
        into, out = _step(corner, before, radius), _step(corner, after, radius)
        vertices += [into, corner, out]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    path = Path([*vertices, way[-1]], [*codes, Path.LINETO])
    axes.add_patch(
        FancyArrowPatch(
            path=path, arrowstyle="-|>", mutation_scale=9, color=colour, linewidth=1.1, shrinkA=0, shrinkB=0
        )
    )


def _corners(points: Sequence[Point]) -> list[Point]:
    """The points at which the way turns, and both ends."""
    corners = [points[0]]
    for here, after in zip(points[1:], [*points[2:], None], strict=True):
        if np.hypot(here[0] - corners[-1][0], here[1] - corners[-1][1]) < 1e-6:
            continue
        across, up = here[0] - corners[-1][0], here[1] - corners[-1][1]
        turns = after is None or abs(across * (after[1] - here[1]) - up * (after[0] - here[0])) > 1e-9
        if turns:
            corners.append(here)
    return corners


def _step(start: Point, towards: Point, length: float) -> Point:
    """From a point towards another, at most half the way."""
    across, up = towards[0] - start[0], towards[1] - start[1]
    far = float(np.hypot(across, up))
    share = min(length, far / 2) / far
    return start[0] + share * across, start[1] + share * up


def page(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure and axes that fill it, whose units are inches."""
    figure = style.figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    return figure, axes
