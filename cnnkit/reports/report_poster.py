"""The frame of a report as one picture: title and sentences on top, parts one below the other."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure, SubFigure

from cnnkit.reports.report_facts import Facts
from cnnkit.visualize import style

PNG_WIDTH = 1600
DOTS_PER_INCH = 100


def titled_poster(facts: Facts, heights: Sequence[float]) -> tuple[Figure, list[SubFigure]]:
    """A figure 16 inches wide with the title and the sentences, and an empty part for each height in inches below."""
    text = [line for sentence in facts.sentences for line in textwrap.wrap(sentence, 150)]
    above = 1.45 + 0.29 * len(text)
    poster = style.figure(PNG_WIDTH / DOTS_PER_INCH, above + sum(heights))
    top, *parts = poster_rows(poster, [above, *heights])
    for inches, words, size, look in ((0.35, facts.title, 26, "bold"), (1.1, "\n".join(text), 13, "normal")):
        top.text(
            0.012,
            1 - inches / above,
            words,
            fontsize=size,
            fontweight=look,
            va="top",
            color=style.INK,
            family="DejaVu Serif" if look == "bold" else "DejaVu Sans",
            linespacing=1.5,
            parse_math=False,
        )
    return poster, parts


def poster_rows(canvas: style.Canvas, heights: Sequence[float]) -> list[SubFigure]:
    """Parts one below the other."""
    return list(np.asarray(canvas.subfigures(len(heights), 1, height_ratios=heights)).ravel())


def headed(canvas: SubFigure, text: str) -> None:
    """A heading above a part."""
    canvas.suptitle(text, x=0.012, ha="left", fontsize=15, fontweight="bold", color=style.INK)
