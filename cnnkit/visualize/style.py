"""Style of every figure: colours, fonts and sizes in one place.

Figures are made without pyplot: nothing global changes, nothing has to be closed, and a notebook shows what a cell
returns. Colours are those of Okabe and Ito (2008), which people with any colour vision can tell apart, and three more
for networks with many kinds of layers; text is large enough for a slide.
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from cnnkit.errors import InputError, unknown_name
from cnnkit.visualize.figure_arguments import check_figure

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
SKY = "#56B4E9"
PINK = "#CC79A7"
AMBER = "#E69F00"
PURPLE = "#8C6BB1"
SAND = "#B0A58F"
WINE = "#882255"
INK = "#1F2933"
MUTED = "#616E7C"
FAINT = "#CBD2D9"
GRID = "#E4E7EB"
PAPER = "#FFFFFF"
BANDS = ("#F1F4F7", "#E3E9EF")
"""Backgrounds of the phases of a training, in turn."""

TRAINING, VALIDATION = BLUE, ORANGE
RIGHT, WRONG = BLUE, ORANGE

RIGHT_SHARES = LinearSegmentedColormap.from_list("right", [PAPER, "#B9D8EA", BLUE])
WRONG_SHARES = LinearSegmentedColormap.from_list("wrong", [PAPER, "#F6D3BC", ORANGE])
HEAT = "inferno"
"""Where a network looks: dark to bright, so that it reads in grey too."""

DPI = 150

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 11,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "text.color": INK,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "figure.titlesize": 14,
    "figure.titleweight": "bold",
    "figure.facecolor": PAPER,
    "figure.dpi": 100,
    "figure.constrained_layout.use": False,
    "image.interpolation": "nearest",
}

Canvas = Figure | SubFigure
"""A whole figure, or a part of a larger one."""


class Picture(Figure):
    """A figure that a notebook shows by itself, whether or not pyplot was ever imported."""

    def _repr_png_(self) -> bytes:
        return png(self)


def styled() -> AbstractContextManager[None]:
    """The context in which axes and texts are made; on leaving it, Matplotlib's settings are what they were."""
    return mpl.rc_context(SETTINGS)


def figure(width: float, height: float) -> Figure:
    """An empty figure of `width` × `height` inches whose parts make room for each other."""
    with styled():
        return Picture(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08), facecolor=PAPER)


def png(figure: Figure, *, dpi: float = DPI) -> bytes:
    """The figure as a PNG file's bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def save(figure: Figure, path: str | Path, *, dpi: float = DPI) -> Path:
    """Writes a figure; the ending says in which format: .png, .pdf, .svg.

    Args:
        figure: Any figure.
        path: The file; missing folders are created.
        dpi: Pixels per inch of a bitmap.

    Returns:
        The path.

    Raises:
        InputError: No figure.
        UnknownNameError: Another ending.
    """
    check_figure({"path": path})
    path = Path(path)
    if not isinstance(figure, Figure):
        raise InputError("a figure", type(figure).__name__, "ck.visualize.save_animation writes an animation.")
    formats = [f".{name}" for name in figure.canvas.get_supported_filetypes()]
    if path.suffix.lower() not in formats:
        raise unknown_name("a figure's format", path.suffix, formats)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path


def bare(axes: Axes) -> None:
    """Removes ticks and frame: for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def plain(text: str) -> str:
    r"""A text that Matplotlib draws as it is: a pair of dollar signs would be taken for a formula.

    >>> print(plain("$5"))
    \$5
    """
    return text.replace("$", r"\$")


def shortened(text: str, length: int) -> str:
    """At most `length` characters, the middle left out: the end often tells names apart.

    >>> shortened("a very long class name", 12)
    'a very l…ame'
    """
    if len(text) <= length:
        return text
    tail = (length - 1) // 3
    return f"{text[: length - 1 - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"


def percent(share: float) -> str:
    """A share as a percentage that does not claim certainty: 99.96 % is not 100 %.

    >>> percent(0.984), percent(0.9996), percent(1.0)
    ('98 %', '>99 %', '100 %')
    """
    if 0.995 <= share < 1:
        return ">99 %"
    if 0 < share < 0.005:
        return "<1 %"
    return f"{share:.0%}".replace("%", " %")
