"""Bars of one score for each class, the best on top."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cnnkit.errors import InputError, unknown_name
from cnnkit.visualize import style
from cnnkit.visualize.score_names import score_name


def class_scores(scores: Mapping[str, float], *, score: str | None = None) -> Figure:
    """A bar for each class, sorted, with the mean as a dashed line: where a mean hides a class that fails.

    Args:
        scores: What `ck.evaluate` gave: scores of one class have names as `"iou/car"`.
        score: Which of them, `"iou"`; by default the first.

    Returns:
        A figure 8 inches wide, as high as it has classes.

    Raises:
        InputError: No scores by name, or none of single classes.
        UnknownNameError: No class has this score.
    """
    of_class = scores_by_class(scores)
    name = next(iter(of_class), "") if score is None else score
    if not isinstance(name, str) or name not in of_class:
        raise unknown_name("a score of classes", str(name), of_class)
    figure = style.figure(8, 1.0 + 0.27 * max(4, len(of_class[name])))
    draw_class_scores(figure, of_class[name], name)
    return figure


def scores_by_class(scores: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Score → class → value, of scores with names as `"iou/car"`.

    Raises:
        InputError: No scores by name, or none of single classes.

    >>> scores_by_class({"mean_iou": 0.5, "iou/car": 0.5, "dice/car": 0.7})
    {'iou': {'car': 0.5}, 'dice': {'car': 0.7}}
    """
    found: dict[str, dict[str, float]] = {}
    named = isinstance(scores, Mapping) and all(
        isinstance(name, str) and isinstance(value, Real) for name, value in scores.items()
    )
    for name, value in scores.items() if named else ():
        score, slash, known = name.partition("/")
        if slash:
            found.setdefault(score, {})[known] = float(value)
    if not found:
        raise InputError(
            'scores of classes, with names as "iou/car"',
            f"{scores!r}"[:200],
            "ck.evaluate(net, photos.test) gives them.",
        )
    return found


def draw_class_scores(canvas: style.Canvas, of_class: Mapping[str, float], score: str) -> None:
    """`class_scores` on a figure or a part of one; `of_class` is class → value."""
    ordered = sorted(of_class.items(), key=lambda entry: -entry[1])
    mean = float(np.mean(list(of_class.values())))
    with style.styled():
        axes = canvas.subplots()
        rows = range(len(ordered))
        axes.barh(rows, [value for _, value in ordered], height=0.72, color=style.SKY, linewidth=0)
        axes.axvline(mean, color=style.INK, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            f"mean {100 * mean:.1f} %",
            (mean, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontweight="bold",
            fontsize=10,
        )
        for row, (_, value) in zip(rows, ordered, strict=True):
            axes.annotate(
                f"{100 * value:.0f}",
                (value, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.8},
            )
        axes.set_yticks(rows, [style.plain(style.shortened(name, 24)) for name, _ in ordered])
        axes.tick_params(axis="y", length=0, labelcolor=style.INK, labelsize=10)
        axes.set_ylim(len(ordered) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlabel(f"{score_name(score)} of each class")
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
