"""Speed bars: how many times as fast as a peer, for each of several works."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cnnkit.visualize import style
from cnnkit.visualize.given_tables import rows_of

COLUMNS = ("bench", "case", "ratio", "bar")


def speeds(table: pd.DataFrame, *, title: str = "") -> Figure:
    """A bar for each row, as long as the row's ratio; a tick marks the ratio that was to be reached.

    Args:
        table: Rows with the columns bench, case, ratio (1 is as fast as the peer) and bar (or NaN).
        title: What machine it was, say.

    Returns:
        A figure 9 inches wide.

    Raises:
        InputError: No rows, or a column is missing.
    """
    table = rows_of(table, COLUMNS, "cnnkit bench makes them.")
    made = style.figure(9, 1.2 + 0.42 * len(table))
    with style.styled():
        axes = made.subplots()
        for place, (ratio, bar) in enumerate(table[["ratio", "bar"]].to_numpy(float)):
            colour = style.WRONG if ratio < bar else style.RIGHT
            axes.barh(place, ratio, height=0.62, color=colour, linewidth=0)
            axes.plot([bar, bar], [place - 0.4, place + 0.4], color=style.INK, linewidth=1.6)
            axes.annotate(
                f"{ratio:.1f}×",
                (np.fmax(ratio, bar), place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
            )
        names = [
            f"{bench}, {case}".replace("_", " ") for bench, case in zip(table["bench"], table["case"], strict=True)
        ]
        axes.set_yticks(range(len(names)), [style.plain(style.shortened(name, 66)) for name in names])
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.margins(x=0.12)
        axes.set_xlabel("times as fast as the peer; the tick is the bar that was set")
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        if title:
            made.suptitle(style.plain(title), x=0.01, ha="left", fontsize=12)
    return made
