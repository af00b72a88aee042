"""The calibration curve: whether 80 % of the answers that a network calls 80 % likely are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from cnnkit.data.source import Source
from cnnkit.metrics.classification import Calibration
from cnnkit.metrics.classification import calibration as calibration_of
from cnnkit.visualize import style
from cnnkit.visualize.answers import answered, truth_and_answers

BINS = 10


def calibration(source: Source, table: pd.DataFrame) -> Figure:
    """Share of right answers over their probability, and below it the number of answers at each probability.

    On the diagonal the probabilities mean what they say. Points below it: the network is too sure of itself, which
    `ck.calibrate` mends. Of one label the probability is that of the answer; of several that of each yes/no decision.

    Args:
        source: Labelled pictures.
        table: From `ck.predict`. Rows are matched by id.

    Returns:
        A figure of 6 × 6 inches.

    Raises:
        DataError: As `ck.visualize.worst`.
        InputError: As `ck.visualize.worst`.
    """
    figure = style.figure(6, 6)
    draw_calibration(figure, *confidences(source, table))
    return figure


def confidences(source: Source, table: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(n,) whether each answer is right, and (n,) the probability that the network gave it."""
    answers = answered(source, table)
    if not source.multi_label:
        return answers["right"].to_numpy(bool), np.clip(answers["predicted_probability"].to_numpy(float), 0, 1)
    truth, decided, p = truth_and_answers(source, table)
    return (truth == decided).ravel(), np.clip(np.where(decided, p, 1 - p), 0, 1).ravel()


def draw_calibration(canvas: style.Canvas, right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> None:
    """`calibration` on a figure or a part of one."""
    curve: Calibration = calibration_of(right, confidence, bins=BINS)
    with style.styled():
        upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        low = float(np.floor(10 * confidence.min()) / 10)
        dashes = (0, (4, 3))
        upper.plot([low, 1], [low, 1], color=style.MUTED, linewidth=1.4, linestyle=dashes, label="as sure as right")
        upper.plot(curve.confidence, curve.frequency, color=style.BLUE, zorder=2, label="this network")
        sizes = 40 + 360 * np.sqrt(curve.counts / curve.counts.max())
        upper.scatter(
            curve.confidence, curve.frequency, s=sizes, color=style.BLUE, edgecolor=style.PAPER, zorder=3, clip_on=False
        )
        upper.set_ylabel("right answers")
        upper.set_ylim(min(low, float(curve.frequency.min())) - 0.03, 1.03)
        upper.legend(loc="best", frameon=False, labelcolor="linecolor", handlelength=1.8)
        upper.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        upper.grid(axis="y")
        error, mean = curve.expected_error, float(confidence.mean())
        upper.set_title(
            f"{100 * mean:.1f} % sure on average, {100 * right.mean():.1f} % right\n"
            f"expected calibration error {100 * error:.1f} points"
        )
        edges = np.linspace(0, 1, 2 * BINS + 1)
        counts, _ = np.histogram(confidence, edges)
        lower.bar(edges[:-1], counts, width=0.5 / BINS, align="edge", color=style.FAINT, edgecolor=style.PAPER)
        lower.set_ylabel("answers")
        lower.set_xlabel("probability of the answer")
        lower.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        lower.set_xlim(low - 0.02, 1.02)
        canvas.align_ylabels([upper, lower])
