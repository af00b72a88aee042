"""A convolution or a pooling drawn step by step, as a picture and as an animation.

The picture of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016: the window over the
picture, the kernel's numbers small inside its cells, the sum written out, and the output as far as it is filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from numpy.typing import ArrayLike

from cnnkit.errors import InputError, MissingExtraError, unknown_name
from cnnkit.primitives.arrays import Sides
from cnnkit.primitives.counting import Padding as Cropping
from cnnkit.primitives.padding import Border, Padding
from cnnkit.visualize import style
from cnnkit.visualize.film import Film, OfflineWriter
from cnnkit.visualize.ink import text_width
from cnnkit.visualize.sliding_window import (
    BORDER,
    INSERTED,
    PICTURE,
    Slide,
    convolution_slide,
    pooling_slide,
    texts,
    transposed_convolution_slide,
)

TINTS = {PICTURE: "#E3F1FA", BORDER: style.BANDS[1], INSERTED: style.PAPER}
WINDOW_TINTS = {PICTURE: "#9CD0F0", BORDER: "#B9C9D6", INSERTED: "#D3E6F2"}
FILLED, FILLING = "#FBE3D3", "#F2A679"
"""Output cells of the steps before, and of this one."""

CELL, LEAST_CELL = 0.5, 0.34
"""Inches of a cell, at most and at least; text grows with the cell and can be read on half a slide."""
SHEET = (12.6, 7.7)
"""Width and height of a sheet at most, in inches: what a slide has room for."""
HEADING = 0.5
"""Inches of the title."""
BETWEEN = 1.5
"""Cells from the picture to the output, room for the arrow."""
FORMULA, FORMULA_LINE = 24, 0.62
"""Points of the sum where a cell is an inch, and cells that each of its lines takes."""


def convolution(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    step: int | None = None,
    decimals: int = 1,
) -> Figure:
    """A convolution drawn step by step: the window, the kernel's numbers in it, the sum, the output so far.

    Args:
        image: (h, w), a picture of one channel, small: each number is drawn.
        kernel: (f, f).
        stride: As for `ck.primitives.conv2d`.
        padding: As for `ck.primitives.conv2d`; the border has another tint.
        border: What the padding shows, `"zero"` or `"mirror"`.
        dilation: As for `ck.primitives.conv2d`.
        step: The one to draw, from 1, row by row. None draws all, arranged as the output is; where that is too much
            for a slide, as many as can be read: the first, the next, the first of the second row, the last.
        decimals: Of numbers that are not whole.

    Returns:
        A figure of at most 12.6 × 7.7 inches.

    Raises:
        InputError: Picture and kernel do not fit, no such step, or a picture of too many numbers for a slide.

    >>> _ = convolution([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[10, 20], [30, 40]], step=1)  # 370
    """
    slide = convolution_slide(image, kernel, stride=stride, padding=padding, border=border, dilation=dilation)
    return _figure(slide, step, decimals)


def convolution_animation(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    seconds: float = 1.0,
    decimals: int = 1,
) -> Film:
    """`convolution` as a film: arguments as there, and `seconds` from step to step.

    A notebook shows it with buttons; `ck.visualize.save_animation(film, "convolution.gif")` writes it.
    """
    slide = convolution_slide(image, kernel, stride=stride, padding=padding, border=border, dilation=dilation)
    return _film(slide, seconds, decimals)


def transposed_convolution(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Cropping = "valid",
    dilation: Sides = 1,
    step: int | None = None,
    decimals: int = 1,
) -> Figure:
    """A transposed convolution: the flipped kernel slides over the picture with zeros between and around its pixels.

    Args:
        image: (h, w).
        kernel: (f, f), as for `ck.primitives.transposed_conv2d`; drawn flipped.
        stride: How many times larger: stride − 1 zeros are inserted.
        padding: Of the convolution run backwards.
        dilation: From tap to tap.
        step: As for `convolution`.
        decimals: As for `convolution`.

    Raises:
        InputError: As for `convolution`.

    >>> _ = transposed_convolution([[1, 2], [3, 4]], [[1, 2], [3, 4]], stride=2, step=1)
    """
    slide = transposed_convolution_slide(image, kernel, stride=stride, padding=padding, dilation=dilation)
    return _figure(slide, step, decimals)


def transposed_convolution_animation(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Cropping = "valid",
    dilation: Sides = 1,
    seconds: float = 1.0,
    decimals: int = 1,
) -> Film:
    """`transposed_convolution` as a film, see `convolution_animation`."""
    slide = transposed_convolution_slide(image, kernel, stride=stride, padding=padding, dilation=dilation)
    return _film(slide, seconds, decimals)


def pooling(
    image: ArrayLike,
    size: Sides = 2,
    *,
    kind: str = "max",
    stride: Sides | None = None,
    padding: Padding = 0,
    step: int | None = None,
    decimals: int = 1,
) -> Figure:
    """A pooling drawn step by step; its border holds no numbers, as it does not count.

    Args:
        image: (h, w).
        size: The window's side, or (down, across).
        kind: `"max"` or `"average"`.
        stride: None: the size, windows side by side.
        padding: As for `ck.primitives.max_pool2d`.
        step: As for `convolution`.
        decimals: As for `convolution`.

    Raises:
        UnknownNameError: Another kind.
        InputError: As for `convolution`.

    >>> _ = pooling([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], 2)
    """
    return _figure(pooling_slide(image, size, kind=kind, stride=stride, padding=padding), step, decimals)


def pooling_animation(
    image: ArrayLike,
    size: Sides = 2,
    *,
    kind: str = "max",
    stride: Sides | None = None,
    padding: Padding = 0,
    seconds: float = 1.0,
    decimals: int = 1,
) -> Film:
    """`pooling` as a film, see `convolution_animation`."""
    return _film(pooling_slide(image, size, kind=kind, stride=stride, padding=padding), seconds, decimals)


WRITERS: dict[str, Any] = {".gif": PillowWriter, ".html": OfflineWriter, ".mp4": FFMpegWriter}


def save_animation(film: Film, path: str | Path, *, dpi: float = 100) -> Path:
    """Writes an animation; the ending says in which format: .gif, .html (with buttons), .mp4 (needs ffmpeg).

    Args:
        film: From `convolution_animation`, `animation` and the like.
        path: Where to; missing folders are made.
        dpi: Pixels per inch.

    Returns:
        The path.

    Raises:
        UnknownNameError: Another ending.
        InputError: No animation.
        MissingExtraError: .mp4 where there is no ffmpeg.
    """
    path = Path(path)
    if not isinstance(film, Film):
        raise InputError("an animation", type(film).__name__, "ck.visualize.save writes a figure.")
    if path.suffix not in WRITERS:
        raise unknown_name("an animation's format", path.suffix, WRITERS)
    writer = WRITERS[path.suffix]
    if not writer.isAvailable():
        raise MissingExtraError(
            f"ffmpeg, which writes {path.suffix}",
            "no program of that name",
            f"Install ffmpeg, or write {path.with_suffix('.gif').name}.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    film.save(str(path), writer=writer(fps=1 / film.seconds), dpi=dpi)
    return path


def _film(slide: Slide, seconds: float, decimals: int) -> Film:
    """A frame for each step."""
    sheet = _sheet(slide, range(1, slide.steps + 1), (1, 1), decimals)
    figure, (axes,) = _panels(sheet, slide.title)

    def draw(frame: int) -> list[Artist]:
        axes.clear()
        with style.styled():
            draw_step(axes, slide, frame + 1, sheet, decimals=decimals)
        return []

    return Film(figure, draw, slide.steps, seconds)


def _figure(slide: Slide, step: int | None, decimals: int) -> Figure:
    """One step, or as many as a slide has room for."""
    steps, sheet = _arranged(slide, decimals) if step is None else ([step], _sheet(slide, [step], (1, 1), decimals))
    shown = "" if len(steps) == slide.steps or step is not None else f": {len(steps)} of {slide.steps} steps"
    made, panels = _panels(sheet, slide.title + shown)
    with style.styled():
        for axes, number in zip(panels, steps, strict=False):
            draw_step(axes, slide, number, sheet, decimals=decimals)
        for axes in panels[len(steps) :]:
            axes.remove()
    return made


@dataclass(frozen=True)
class Sheet:
    """Panels of one size in rows.

    Attributes:
        rows: Of panels.
        columns: Of panels.
        panel: Width and height of a panel, in cells.
        cell: Inches of a cell.
    """

    rows: int
    columns: int
    panel: tuple[float, float]
    cell: float


def _sheet(slide: Slide, steps: Iterable[int], shape: tuple[int, int], decimals: int) -> Sheet:
    """Panels of these steps, (rows, columns) of them, in cells as large as a slide has room for.

    Raises:
        InputError: No such step, or cells would be too small to be read.
    """
    panel = _panel_size(slide, [slide.formula(step, decimals=decimals) for step in steps])
    sheet = Sheet(*shape, panel, _cell_size(panel, shape))
    if sheet.cell < LEAST_CELL:
        raise InputError(
            "a picture whose numbers can be read on a slide, up to about 15 × 15",
            f"{slide.shape[0]} × {slide.shape[1]}, with its border {slide.cells.shape[0]} × {slide.cells.shape[1]}",
            "Draw a part of it: image[:9, :9].",
        )
    return sheet


def _cell_size(panel: tuple[float, float], shape: tuple[int, int]) -> float:
    """Inches of a cell where (rows, columns) of panels fill a slide."""
    rows, columns = shape
    return min(CELL, SHEET[0] / (columns * panel[0]), (SHEET[1] - HEADING) / (rows * panel[1]))


def _arranged(slide: Slide, decimals: int) -> tuple[list[int], Sheet]:
    """The steps that a slide has room for and their sheet: all as the output is, or as many as can be read."""
    every = range(1, slide.steps + 1)
    panel = _panel_size(slide, [slide.formula(step, decimals=decimals) for step in every])
    down, across = slide.output.shape
    if _cell_size(panel, (down, across)) >= LEAST_CELL:
        return list(every), _sheet(slide, every, (down, across), decimals)
    shapes = [(rows, columns) for rows in range(1, 7) for columns in range(1, 7)]
    readable = [shape for shape in shapes if _cell_size(panel, shape) >= LEAST_CELL]
    best = max(
        readable,
        key=lambda shape: (min(shape[0] * shape[1], slide.steps), _cell_size(panel, shape)),
        default=(1, 1),
    )
    telling = [1, slide.steps, 2, across + 1, across, 3, *every]
    steps = list(dict.fromkeys(step for step in telling if step in every))[: best[0] * best[1]]
    return sorted(steps), _sheet(slide, every, best, decimals)


def _panels(sheet: Sheet, title: str) -> tuple[Figure, list[Axes]]:
    """A figure with its title and room for pictures of steps, row by row, in all of which a cell has the same size."""
    width, height = (sheet.cell * side for side in sheet.panel)
    down, across, cell = sheet.rows, sheet.columns, sheet.cell
    made = style.figure(across * width, down * height + HEADING)
    made.set_layout_engine("none")
    share = 1 - HEADING / made.get_figheight()
    size = min(14, 100 * made.get_figwidth() / len(title))
    with style.styled():
        made.suptitle(
            title, x=0.5 * cell / made.get_figwidth(), y=(1 + share) / 2, ha="left", va="center", fontsize=size
        )
        corners = [(column / across, share * (1 - (row + 1) / down)) for row in range(down) for column in range(across)]
        return made, [made.add_axes((*corner, 1 / across, share / down)) for corner in corners]


def _panel_size(slide: Slide, formulas: Sequence[str]) -> tuple[float, float]:
    """Width and height, in cells, of the picture of one step: the picture, beside it the output with the sum below."""
    (high, wide), (down, across) = slide.cells.shape, slide.output.shape
    lines = [line for formula in formulas for line in formula.split("\n")]
    sum_width = max(text_width(line, FORMULA) for line in lines)
    sum_height = 0.3 + FORMULA_LINE * max(formula.count("\n") + 1 for formula in formulas)
    return wide + BETWEEN + max(across, sum_width) + 1, max(high, down + sum_height) + 1.5


def draw_step(axes: Axes, slide: Slide, step: int, sheet: Sheet, *, decimals: int = 1) -> None:
    """One step of a slide on axes of a sheet.

    Args:
        axes: Cleared before.
        slide: What is drawn.
        step: From 1.
        sheet: Says how large a panel and its cells are.
        decimals: Of numbers that are not whole.
    """
    wide, down = slide.cells.shape[1], slide.output.shape[0]
    (width, height), cell = sheet.panel, sheet.cell
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 1.1, -1.1)
    axes.set_axis_off()
    left = wide + BETWEEN
    _input(axes, slide, step, cell, decimals)
    _output(axes, slide, step, (left, 0.0), cell, decimals)
    middle = min(down, slide.cells.shape[0]) / 2
    arrow = FancyArrowPatch(
        (wide + 0.3, middle), (left - 0.3, middle), arrowstyle="-|>", mutation_scale=24 * cell, color=style.MUTED
    )
    axes.add_patch(arrow)
    axes.text(0, -0.35, f"step {step} of {slide.steps}", fontsize=22 * cell, color=style.MUTED, va="bottom")
    axes.text(
        left,
        down + 0.3,
        slide.formula(step, decimals=decimals),
        fontsize=FORMULA * cell,
        linespacing=1.35,
        va="top",
        gid="formula",
    )


def _input(axes: Axes, slide: Slide, step: int, cell: float, decimals: int) -> None:
    """The picture with what was added to it; what the window covers is darker and shows the kernel."""
    covered = slide.taps[slide.place(step)]  # (f, f)
    wide = slide.cells.shape[1]
    shown = texts(slide.cells, decimals)
    for position, origin in enumerate(slide.origins.ravel()):
        row, column = divmod(position, wide)
        inside = position in covered
        _cell(axes, column, row, (WINDOW_TINTS if inside else TINTS)[int(origin)])
        colour = style.INK if origin == PICTURE else style.MUTED
        gid = f"input-{row}-{column}"
        text, size = shown[row, column], _fitting(shown[row, column], cell)
        axes.text(column + 0.5, row + 0.48, text, color=colour, gid=gid, fontsize=size, ha="center", va="center")
    if slide.kernel is not None:
        for tap, factor in zip(covered.ravel(), texts(slide.kernel, decimals).ravel(), strict=True):
            row, column = divmod(int(tap), wide)
            axes.text(
                column + 0.9,
                row + 0.94,
                factor,
                color=style.BLUE,
                fontsize=15.5 * cell,
                fontweight="bold",
                ha="right",
                va="bottom",
                gid=f"kernel-{row}-{column}",
            )
    (first_row, first_column), (last_row, last_column) = divmod(covered.min(), wide), divmod(covered.max(), wide)
    _frame(axes, first_column, first_row, last_column - first_column + 1, last_row - first_row + 1, style.BLUE)


def _output(axes: Axes, slide: Slide, step: int, corner: tuple[float, float], cell: float, decimals: int) -> None:
    """The output as far as it is filled."""
    left, top = corner
    filling = slide.place(step)
    shown = texts(slide.output, decimals)
    for number in range(1, slide.steps + 1):
        row, column = slide.place(number)
        _cell(axes, left + column, top + row, FILLING if number == step else FILLED if number < step else style.PAPER)
        if number <= step:
            text, gid = shown[row, column], f"output-{row}-{column}"
            size = _fitting(text, cell)
            axes.text(left + column + 0.5, top + row + 0.5, text, gid=gid, fontsize=size, ha="center", va="center")
    _frame(axes, left + filling[1], top + filling[0], 1, 1, style.ORANGE)


def _cell(axes: Axes, x: float, y: float, tint: str) -> None:
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=tint, edgecolor=style.FAINT, linewidth=0.8))


def _frame(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=colour, linewidth=2, joinstyle="round"))


def _fitting(text: str, cell: float) -> float:
    """Points of a text that stays inside its cell."""
    return min(25, 88 / max(1, len(text))) * cell
