"""Comparison bars: the same score of several methods, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

from matplotlib.figure import Figure

from cnnkit.errors import InputError
from cnnkit.visualize import style


def comparison(scores: Mapping[str, float], *, label: str = "accuracy") -> Figure:
    """A bar for each score, the first in blue, the others in grey, each with its percentage.

    The axis begins at 0: lengths compare as the numbers do.

    Args:
        scores: Name → share in [0, 1], from top to bottom.
        label: What is compared.

    Returns:
        A figure 8 inches wide.

    Raises:
        InputError: No scores, or one outside [0, 1].

    >>> _ = comparison({"pre-trained": 0.93, "random weights": 0.71})
    """
    count = len(_checked(scores))
    figure = style.figure(8, 0.9 + min(0.62 * count, max(4.2, 0.3 * count)))  # many bars are narrower, to fit a slide
    draw_comparison(figure, scores, label=label)
    return figure


def draw_comparison(canvas: style.Canvas, scores: Mapping[str, float], *, label: str = "accuracy") -> None:
    """`comparison` on a figure or a part of one."""
    with style.styled():
        axes = canvas.subplots()
        for row, score in enumerate(_checked(scores).values()):
            axes.barh(row, score, height=0.62, color=style.RIGHT if row == 0 else style.FAINT, linewidth=0)
            inside = score > 0.85
            axes.annotate(
                f"{100 * score:.1f} %",
                (score, row),
                xytext=(-6 if inside else 6, 0),
                textcoords="offset points",
                ha="right" if inside else "left",
                va="center",
                color=style.PAPER if inside and row == 0 else style.INK,
                fontweight="bold",
                fontsize=12 if len(scores) <= 10 else 9,
            )
        names = [style.plain("\n".join(_lines(name))) for name in scores]
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0, labelcolor=style.INK, labelsize=11 if len(scores) <= 10 else 9)
        axes.set_ylim(len(scores) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        axes.set_xlabel(label)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)


def _checked(scores: Mapping[str, float]) -> Mapping[str, float]:
    known = isinstance(scores, Mapping) and all(isinstance(score, Real) for score in scores.values())
    if not known or not scores or not all(0 <= score <= 1 for score in scores.values()):
        raise InputError(
            "scores from 0 to 1 by name", f"{scores!r}"[:200], 'Give shares, not percentages: {"pre-trained": 0.93}.'
        )
    return scores


def _lines(name: str, width: int = 24) -> list[str]:
    """A name in lines of about `width` characters, broken at spaces."""
    lines = [""]
    for word in name.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return [style.shortened(line, width + 4) for line in lines]
