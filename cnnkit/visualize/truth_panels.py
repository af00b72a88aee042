"""Truth beside prediction beside what is wrong, one row of panels per picture."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnnkit.data.source import Source
from cnnkit.data.targets.targets import Targets
from cnnkit.visualize import style
from cnnkit.visualize.answers import predicted
from cnnkit.visualize.contact_sheet import random_indices, show
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.figure_legend import add_legend
from cnnkit.visualize.truth_drawings import TruthDrawing, drawing_of

WIDTH = 11
"""Inches of a figure."""
HEADING = 0.3
"""Inches of the line above the panels."""
SURE = 0.25
"""Score of the least sure box that is drawn."""


def predictions(source: Source, table: pd.DataFrame, *, count: int = 4, seed: int = 0, least: float = SURE) -> Figure:
    """Photograph, truth, prediction and, of kinds that have it, what is wrong, one row per picture.

    Of masks a tint tells the class of a pixel; what is wrong is orange, and what is void in the truth is hatched. Of
    boxes the last panel shows the true ones dashed, and predicted ones blue where they overlap one of their class by an
    IoU above one half, else orange.

    Args:
        source: Pictures with truth.
        table: From `ck.predict`. Rows are matched by id.
        count: How many pictures at most, drawn by chance.
        seed: Another seed, other pictures.
        least: Of predicted boxes, the score of those that are drawn, 0…1. A detector says many that are less sure, for
            its average precision.

    Returns:
        A figure 11 inches wide.

    Raises:
        DataError: No source, none with truth, or a picture is not in the table.
        InputError: The table has other columns, or is none; a count below 1, or `least` out of 0 … 1.
    """
    check_figure({"count": count, "seed": seed, "least": least})
    said = predicted(source, table)
    indices = random_indices(source, count, seed)
    return panels_figure(source.take(indices), said.take(indices), least=least)


def panels_figure(
    source: Source,
    said: Targets,
    captions: Sequence[str] = (),
    *,
    photograph: bool = True,
    across: int = 1,
    least: float = SURE,
) -> Figure:
    """Panels of all pictures of a source with truth, and the legend of their classes.

    Args:
        source: The pictures.
        said: What is predicted of them.
        captions: One per picture, written beside its panels.
        photograph: Whether the picture alone is a panel too.
        across: Pictures in a row.
        least: As of `predictions`.
    """
    said = drawing_of(said.kind).sure(said, least)
    panels = panel_names(drawing_of(said.kind), photograph=photograph)
    side = WIDTH / (across * len(panels))
    rows = -(-len(source) // across)
    shapes = [source.shape(index) for index in range(len(source))]
    heights = [
        max(height / width for height, width in shapes[row * across : (row + 1) * across]) for row in range(rows)
    ]
    figure = style.figure(WIDTH, side * sum(heights) + HEADING)
    draw_panels(figure, source, said, captions, photograph=photograph, across=across, heights=heights, least=least)
    truth = source.targets
    add_legend(figure, () if truth is None else drawing_of(truth.kind).legend(truth, said))
    return figure


def draw_panels(
    canvas: style.Canvas,
    source: Source,
    said: Targets,
    captions: Sequence[str] = (),
    *,
    photograph: bool,
    across: int,
    heights: Sequence[float] | None = None,
    least: float = SURE,
) -> None:
    """`panels_figure` on a figure or a part of one, without the legend."""
    said = drawing_of(said.kind).sure(said, least)
    panels = panel_names(drawing_of(said.kind), photograph=photograph)
    columns = panels * across
    rows = -(-len(source) // across)
    with style.styled():
        grid = canvas.subplots(rows, len(columns), squeeze=False, height_ratios=heights)
        for axes in grid.ravel():
            style.bare(axes)
        for index in range(len(source)):
            row, place = divmod(index, across)
            own = grid[row, place * len(panels) : (place + 1) * len(panels)]
            picture = source.image(index)
            for axes, name in zip(own, panels, strict=True):
                show(axes, picture, square=False)
                _draw_panel(name, axes, source.targets, said, index)
            if captions:
                own[0].set_ylabel(captions[index], fontsize=9, labelpad=3)
        for axes, name in zip(grid[0], columns, strict=True):
            axes.set_title(name, fontsize=10, loc="center", pad=4)
        for axes in grid.ravel()[len(source) * len(panels) :]:
            axes.set_visible(False)


def panel_names(drawing: TruthDrawing, *, photograph: bool) -> list[str]:
    """The headings of the panels of one picture."""
    first = ["photograph"] if photograph else []
    return [*first, "truth", "prediction", *(["wrong"] if drawing.errors is not None else [])]


def _draw_panel(name: str, axes: Axes, truth: Targets | None, said: Targets, index: int) -> None:
    """Draws over the picture that the axes show what the heading says."""
    drawing = drawing_of(said.kind)
    if name == "truth":
        drawing.draw(axes, truth, index)
    elif name == "prediction":
        drawing.draw(axes, said, index)
    elif name == "wrong" and drawing.errors is not None:
        drawing.errors(axes, truth, said, index)
