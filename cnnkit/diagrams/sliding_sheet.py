"""Steps of a sliding window as panels of a sheet, as many as fit a slide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from cnnkit.diagrams.ink import text_width
from cnnkit.diagrams.sliding_window import BORDER, INSERTED, PICTURE, Slide, texts
from cnnkit.errors import InputError
from cnnkit.visualize import style

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


def sheet_of(slide: Slide, steps: Iterable[int], shape: tuple[int, int], decimals: int) -> Sheet:
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


def arranged(slide: Slide, decimals: int) -> tuple[list[int], Sheet]:
    """The steps that a slide has room for and their sheet: all as the output is, or as many as can be read."""
    every = range(1, slide.steps + 1)
    panel = _panel_size(slide, [slide.formula(step, decimals=decimals) for step in every])
    down, across = slide.output.shape
    if _cell_size(panel, (down, across)) >= LEAST_CELL:
        return list(every), sheet_of(slide, every, (down, across), decimals)
    shapes = [(rows, columns) for rows in range(1, 7) for columns in range(1, 7)]
    readable = [shape for shape in shapes if _cell_size(panel, shape) >= LEAST_CELL]
    best = max(
        readable,
        key=lambda shape: (min(shape[0] * shape[1], slide.steps), _cell_size(panel, shape)),
        default=(1, 1),
    )
    telling = [1, slide.steps, 2, across + 1, across, 3, *every]
    steps = list(dict.fromkeys(step for step in telling if step in every))[: best[0] * best[1]]
    return sorted(steps), sheet_of(slide, every, best, decimals)


def panels(sheet: Sheet, title: str) -> tuple[Figure, list[Axes]]:
    """A figure with its title and room for pictures of steps, row by row, in all of which a cell has the same size."""
    width, height = (sheet.cell * side for side in sheet.panel)
    down, across, cell = sheet.rows, sheet.columns, sheet.cell
    figure = style.figure(across * width, down * height + HEADING)
    figure.set_layout_engine("none")
    share = 1 - HEADING / figure.get_figheight()
    size = min(14, 100 * figure.get_figwidth() / len(title))
    with style.styled():
        figure.suptitle(
            title, x=0.5 * cell / figure.get_figwidth(), y=(1 + share) / 2, ha="left", va="center", fontsize=size
        )
        corners = [(column / across, share * (1 - (row + 1) / down)) for row in range(down) for column in range(across)]
        return figure, [figure.add_axes((*corner, 1 / across, share / down)) for corner in corners]


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
        slide: The window and its cells.
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
    numbers = texts(slide.cells, decimals)
    for position, origin in enumerate(slide.origins.ravel()):
        row, column = divmod(position, wide)
        inside = position in covered
        _cell(axes, column, row, (WINDOW_TINTS if inside else TINTS)[int(origin)])
        colour = style.INK if origin == PICTURE else style.MUTED
        gid = f"input-{row}-{column}"
        text, size = numbers[row, column], _fitting(numbers[row, column], cell)
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
    numbers = texts(slide.output, decimals)
    for number in range(1, slide.steps + 1):
        row, column = slide.place(number)
        _cell(axes, left + column, top + row, FILLING if number == step else FILLED if number < step else style.PAPER)
        if number <= step:
            text, gid = numbers[row, column], f"output-{row}-{column}"
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
