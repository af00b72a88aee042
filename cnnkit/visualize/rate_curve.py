"""The learning-rate range test as a picture: the loss over the rate, and the rate to try (Smith, 2017, section 3.3)."""

from __future__ import annotations

import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure

from cnnkit.errors import InputError
from cnnkit.transfer.rate_finding import RateCurve
from cnnkit.visualize import style
from cnnkit.visualize.given_tables import rows_of

SHOWN_ABOVE = 2.0
"""A loss that diverges is drawn up to this part of the fall above where it began."""


def rates(curve: RateCurve) -> Figure:
    """The loss of a range test over the rate, which grows with every step; the suggested rate is marked.

        ck.visualize.rates(ck.find_rate(net, photos))

    Left of the mark nothing is learned yet, to the right of the minimum the steps are too large. The mark is where the
    loss falls fastest.

    Args:
        curve: From `ck.find_rate`.

    Returns:
        A figure of 9 × 4.5 inches.

    Raises:
        InputError: No range test, or one without steps.
    """
    if not isinstance(curve, RateCurve):
        raise InputError("a range test", type(curve).__name__, "ck.find_rate(net, photos) makes one.")
    table = rows_of(curve.table, ("rate", "loss"), "ck.find_rate(net, photos) makes it, with at least 3 steps.")
    at = int(np.argmin(np.abs(np.log(table["rate"]) - np.log(curve.suggestion))))
    rate, loss = table["rate"].to_numpy(float), table["loss"].to_numpy(float)
    figure = style.figure(9, 4.5)
    with style.styled():
        axes = figure.subplots()
        axes.plot(rate, loss, color=style.BLUE)
        axes.axvline(rate[at], color=style.ORANGE, linewidth=1.6, linestyle=(0, (4, 3)))
        axes.plot(rate[at], loss[at], "o", color=style.ORANGE, markersize=9, markeredgecolor=style.PAPER)
        right = np.log(rate[at] / rate[0]) > 0.6 * np.log(rate[-1] / rate[0])
        axes.annotate(
            f"try rate={curve.suggestion:.1e}",
            (rate[at], 1),
            xycoords=("data", "axes fraction"),
            xytext=(-8 if right else 8, -4),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            color=style.ORANGE,
            fontweight="bold",
            fontsize=12,
        )
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        lowest = float(loss.min())
        fall = max(float(loss[0]) - lowest, 0.05 * abs(lowest), 1e-6)
        axes.set_ylim(lowest - 0.15 * fall, min(float(loss.max()), loss[0] + SHOWN_ABOVE * fall) + 0.25 * fall)
        axes.set_xlabel("rate, growing with every step")
        axes.set_ylabel("loss, smoothed")
        axes.grid(axis="y")
        axes.set_title(f"{len(table)} steps: the loss falls fastest at {curve.suggestion:.1e}")
    return figure
