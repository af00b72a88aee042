"""Accuracy against time: which of several networks is worth its cost."""

from __future__ import annotations

import matplotlib.ticker
import pandas as pd
from matplotlib.figure import Figure

from cnnkit.visualize import style
from cnnkit.visualize.given_tables import rows_of

COLUMNS = ("backbone", "multiply_adds", "milliseconds", "accuracy")
COLOURS = (
    *(style.BLUE, style.ORANGE, style.GREEN, style.SKY, style.PINK),
    *(style.AMBER, style.PURPLE, style.WINE, style.INK, style.SAND),
)
MARKERS = ("o", "s", "^")
"""After the last colour the first comes back, with another mark."""


def accuracy_against_time(table: pd.DataFrame, *, chance: float | None = None) -> Figure:
    """A point for each backbone and cut: up and to the left is better.

    The cuts of one backbone are joined, shallow to deep.

    Args:
        table: Rows with the columns backbone, multiply_adds, milliseconds (of one picture) and accuracy (a share).
        chance: Accuracy of always naming the largest class, a dashed line.

    Returns:
        A figure of 10 × 5 inches.

    Raises:
        InputError: No rows, or a column is missing.
    """
    table = rows_of(table, COLUMNS, "ck.compare(photos, backbones).table is one.")
    figure = style.figure(10, 5)
    with style.styled():
        axes = figure.subplots()
        for place, (name, rows) in enumerate(table.sort_values("multiply_adds").groupby("backbone")):
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(
                rows["milliseconds"],
                100 * rows["accuracy"],
                f"{MARKERS[place // len(COLOURS) % len(MARKERS)]}-",
                color=colour,
                markersize=8,
                linewidth=1.6,
                label=style.plain(style.shortened(str(name), 26)),
            )
        if chance is not None:
            axes.axhline(100 * chance, color=style.FAINT, linestyle="--", linewidth=1.2)
            axes.annotate(
                "always the largest class",
                (0, 100 * chance),
                xycoords=("axes fraction", "data"),
                xytext=(4, 4),
                textcoords="offset points",
                color=style.MUTED,
            )
        axes.set_xscale("log")
        axes.margins(0.08)
        axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        axes.set_xlabel("milliseconds for one picture")
        axes.set_ylabel("accuracy, % of validation pictures")
        axes.grid(axis="y")
    return figure
