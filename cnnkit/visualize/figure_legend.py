"""A legend below a figure: as many columns as fit, and the height that it needs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from cnnkit.visualize import style

POINTS = 10
LETTER = 0.62 * POINTS / 72
"""Inches of a letter, on average."""
HANDLE = 0.55
"""Inches of an entry beside its letters."""
ROW = 0.22
"""Inches of a row of entries."""


def add_legend(figure: Figure, entries: Sequence[Artist]) -> None:
    """Puts a legend below all axes and makes the figure as much higher; nothing where there are no entries.

    Args:
        figure: From `style.figure`, whose parts make room for it.
        entries: In order; the label of each is its name.
    """
    if not entries:
        return
    width, height = figure.get_size_inches()
    longest = max(len(str(entry.get_label())) for entry in entries)
    columns = min(len(entries), max(1, int(width / (HANDLE + LETTER * longest))))
    figure.set_size_inches(width, height + 0.15 + ROW * -(-len(entries) // columns))
    with style.styled():
        figure.legend(
            handles=list(entries),
            loc="outside lower left",
            ncols=columns,
            frameon=False,
            fontsize=POINTS,
            handlelength=1.5,
            handleheight=1.0,
            columnspacing=1.2,
            borderpad=0.2,
        )
