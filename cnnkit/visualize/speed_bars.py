"""Speed bars: how many times as fast as a peer, one bar per benchmark."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from cnnkit.visualize import style
from cnnkit.visualize.given_tables import rows_of

COLUMNS = ("bench", "case", "ratio")
ROW = 0.42
"""Inches of a row where there are few; many share the height of two slides."""


def speeds(table: pd.DataFrame, *, title: str = "") -> Figure:
    """A bar for each row, as long as the row's ratio; a line marks the peer's own speed.

    Args:
        table: Rows with the columns bench, case and ratio: 1 is as fast as the peer. A bench without a name is left
            out of the label.
        title: What was compared, or on what machine.

    Returns:
        A figure 10 inches wide.

    Raises:
        InputError: No rows, or a column is missing.
    """
    table = rows_of(table, COLUMNS, "cnnkit bench makes them.")
    figure = style.figure(10, 1.2 + min(ROW * len(table), max(9.0, 0.25 * len(table))))
    with style.styled():
        axes = figure.subplots()
        for place, ratio in enumerate(table["ratio"].to_numpy(float)):
            colour = style.RIGHT if ratio >= 1 else style.WRONG
            axes.barh(place, ratio, height=0.66, color=colour, linewidth=0)
            axes.annotate(
                f"{ratio:.1f}×",
                (ratio, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
            )
        names = [
            ": ".join(filter(None, row)).replace("_", " ") for row in zip(table["bench"], table["case"], strict=True)
        ]
        axes.set_yticks(range(len(names)), [style.plain(style.shortened(name, 60)) for name in names])
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.axvline(1, color=style.INK, linewidth=1.2, linestyle=(0, (3, 3)))
        axes.set_xlim(0, 1.12 * max(1.0, float(table["ratio"].max())))
        axes.set_xlabel("times as fast as the peer, which is the dashed line", loc="right")
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        if title:
            figure.suptitle(style.plain(title), x=0.01, ha="left", fontsize=12)
    return figure
