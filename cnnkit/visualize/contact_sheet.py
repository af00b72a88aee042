"""Contact sheets: pictures side by side with a line above each, and what is known of them drawn over them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.source import Source
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import InputError
from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.figure_legend import add_legend
from cnnkit.visualize.given_pictures import Image, levels, refuse_scaled, several_pictures
from cnnkit.visualize.truth_drawings import draw_truth, drawing_of, truth_titles

LARGEST = 4.5
"""Inches of a picture's side, at most: one alone does not fill a page."""
HIGHEST = 0.62
"""Height of a sheet of many pictures, in its width."""
LETTER = 0.68
"""Width of a bold letter, in its size."""


def pictures(
    images: Pictures,
    titles: Sequence[str] = (),
    *,
    count: int = 12,
    columns: int | None = None,
    colours: Sequence[str] = (),
    seed: int = 0,
) -> Figure:
    """Pictures in rows, each in a square of the same size with its title above.

    Args:
        images: Arrays of 0…255, (h, w, 3) or grey (h, w), paths or Pillow images, of any sizes; one or several. Or a
            source, `photos.train`, or a folder, of which some are drawn by chance, as many of each class as of the
            others.
        titles: One for each picture; of a source with labels its classes, otherwise none at all by default. A long one
            is broken into two lines, a very long one is shortened.
        count: How many pictures of a source or a folder at most.
        columns: Pictures in a row; by default what fills a slide.
        colours: The colour of each title; ink by default.
        seed: Another seed, other pictures of a source.

    Returns:
        A figure up to 11 inches wide. The truth of a source is drawn over its pictures as its kind demands: classes of
        pixels as tints, with a legend below.

    Raises:
        InputError: No pictures, or another number of titles than pictures.
        DataError: Pictures that were divided by 255, or no file at a path.
    """
    check_figure({"count": count, "columns": columns, "titles": titles, "colours": colours, "seed": seed})
    if isinstance(images, str | Path):
        images = as_source(images)
    truth: Targets | None = None
    if isinstance(images, Source):
        some = images.take(random_indices(images, count, seed))
        truth, titles = some.targets, titles or truth_titles(some.targets)
        images = [some.image(index) for index in range(len(some))]
    sheet = several_pictures(images)
    refuse_scaled(sheet)
    across = columns or fitting_columns(len(sheet))
    rows = -(-len(sheet) // across)
    side = min(11 / across, LARGEST)
    lines = max((title.count("\n") + 1 for title in fitting_titles(across, titles)), default=0)
    figure = style.figure(across * side, max(1.0, rows * (side + 0.22 * lines)))
    panels = draw_pictures(figure, sheet, titles, columns=across, colours=colours)
    draw_truth(panels, truth)
    add_legend(figure, () if truth is None else drawing_of(truth.kind).legend(truth))
    return figure


def random_indices(source: Source, count: int, seed: int) -> NDArray[np.int64]:
    """Sorted indices of random examples: one per class, then a second per class, and so on."""
    shuffled = np.random.default_rng(seed).permutation(len(source))
    strata = np.zeros(len(source), np.int64) if source.targets is None else source.targets.strata()
    _, kinds = np.unique(strata[shuffled], return_inverse=True)
    turns = pd.Series(kinds).groupby(kinds).cumcount()  # the how many-th of its class
    return np.sort(shuffled[np.argsort(turns.to_numpy(), kind="stable")[: max(0, count)]])


def fitting_columns(count: int) -> int:
    """Columns that leave few gaps: 6 pictures in 6 columns, 8 in two rows of 4, 12 in two rows of 6.

    Of many pictures so many columns that the sheet is no higher than a slide.

    Raises:
        InputError: Nothing to show.
    """
    if count < 1:
        raise InputError("at least one picture", f"{count}", "Check that the source is not empty, and count.")
    if count <= 6:
        return count
    if count <= 18:
        return min(range(4, 7), key=lambda columns: (-count % columns, -columns))
    return next(columns for columns in range(6, count) if -(-count // columns) <= columns * HIGHEST)


def draw_pictures(
    canvas: style.Canvas,
    images: Sequence[Image],
    titles: Sequence[str] = (),
    *,
    columns: int,
    colours: Sequence[str] = (),
) -> list[Axes]:
    """`pictures` on a figure or a part of one; the axes, in the order of the pictures."""
    if titles and len(titles) != len(images):
        raise InputError(
            "as many titles as pictures, or none",
            f"{len(images)} pictures and {len(titles)} titles",
            "Give each picture its title.",
        )
    with style.styled():
        grid = canvas.subplots(-(-len(images) // columns), columns, squeeze=False).ravel()
        for axes in grid:
            style.bare(axes)
            axes.set_box_aspect(1)
        names, size = fitting_titles(columns, titles), title_size(columns, titles)
        for index, image in enumerate(images):
            axes = grid[index]
            show(axes, image)
            if titles:
                axes.set_title(
                    style.plain(names[index]),
                    color=colours[index] if colours else style.INK,
                    fontsize=size,
                    loc="center",
                    pad=5,
                )
        for axes in grid[len(images) :]:
            axes.set_visible(False)
    return list(grid[: len(images)])


def title_size(columns: int, titles: Sequence[str]) -> float:
    """Font size of the titles in points: 12 where all fit over their pictures, else at least 8, or 6 over tiny ones."""
    longest = max((len(line) for title in titles for line in title.split("\n")), default=1)
    side = min(11 / columns, LARGEST)
    return float(np.clip(72 * side / max(1, longest) / LETTER, 8 if side > 1.2 else 6, 12))


def fitting_titles(columns: int, titles: Sequence[str]) -> list[str]:
    r"""The titles, of which lines that are wider than a picture are broken in two and shortened.

    >>> fitting_titles(6, ["Welsh springer spaniel → English springer spaniel"])
    ['Welsh springer spaniel →\nEnglish springer spaniel']
    """
    letters = int(72 * min(11 / columns, LARGEST) / title_size(columns, titles) / LETTER)
    return ["\n".join(part for line in title.split("\n") for part in _broken(line, letters)) for title in titles]


def _broken(line: str, letters: int) -> list[str]:
    """A line of more than `letters` as two lines, each shortened to `letters`."""
    if len(line) <= letters:
        return [line]
    first, *others = textwrap.wrap(line, letters, break_on_hyphens=False)
    return [style.shortened(part, letters) for part in (first, " ".join(others)) if part]


def show(axes: Axes, image: Image, *, square: bool = True) -> None:
    """One picture, whole: in the middle of square axes, or filling its own."""
    height, width = image.shape[:2]
    axes.imshow(levels(image), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    edge = Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=style.FAINT, linewidth=0.6)
    axes.add_patch(edge)  # a white picture ends somewhere on white paper
    across, down = (max(height, width),) * 2 if square else (width, height)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    axes.set_xlim(middle_x - across / 2, middle_x + across / 2)
    axes.set_ylim(middle_y + down / 2, middle_y - down / 2)
