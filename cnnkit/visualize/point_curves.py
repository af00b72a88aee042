"""How many points are near enough, over what near enough means: a curve for each point."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cnnkit.data.targets.points import Points
from cnnkit.errors import DataError
from cnnkit.metrics.keypoints import Scale, point_errors, shares_within
from cnnkit.visualize import style

COLOURS = (
    *(style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.AMBER),
    *(style.PURPLE, style.SKY, style.WINE, style.SAND, style.INK),
)
STEPS = 101
MOST = {"torso": 0.5, "box": 0.2}
"""Scale → the largest threshold that is drawn."""


def point_curves(truth: Points, predictions: Points, *, scale: Scale = "torso") -> Figure:
    """PCK against its threshold, a curve for each point; a left and a right one of a name are one.

    Args:
        truth: The points of the photographs.
        predictions: Points of the same: `Points.from_table(names, table, ids)` reads them of a table of `ck.predict`.
        scale: What distances are a part of, as of `ck.metrics.pck`.

    Returns:
        A figure of 8 × 5 inches; the thick line is the mean over all points.

    Raises:
        DataError: Columns that do not belong together, or no point that counts.
        UnknownNameError: Another scale.
    """
    errors = point_errors(truth, predictions, scale=scale)
    if np.isnan(errors).all():
        raise DataError("truth that shows points", "none that counts", "Give a part of the dataset that shows people.")
    thresholds = np.linspace(0, MOST[scale], STEPS)
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(truth.names):
        groups.setdefault(name.replace("left_", "").replace("right_", ""), []).append(place)
    curves = {
        name: shares_within(errors[:, places].reshape(-1, 1), thresholds)[:, 0] for name, places in groups.items()
    }
    curves = {name: curve for name, curve in curves.items() if not np.isnan(curve).any()}
    figure = style.figure(8, 5)
    with style.styled():
        axes = figure.subplots()
        ordered = sorted(curves, key=lambda name: -float(curves[name].mean()))
        for place, name in enumerate(ordered):
            label = style.plain(style.shortened(name.replace("_", " "), 20))
            axes.plot(thresholds, curves[name], color=COLOURS[place % len(COLOURS)], linewidth=1.2, label=label)
        every = shares_within(errors.reshape(-1, 1), thresholds)[:, 0]
        axes.plot(thresholds, every, color=style.INK, linewidth=3, label="all points")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        sides = {"torso": "the torso", "box": "the longer side of the box"}
        axes.set_xlabel(f"distance that counts as right, as a part of {sides[scale]}")
        axes.set_ylabel("points that are right (PCK)")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlim(0, MOST[scale])
        axes.set_ylim(0, 1.02)
        axes.grid()
    return figure
