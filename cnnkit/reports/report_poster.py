"""The report as one picture, for a slide or a wall."""

from __future__ import annotations

import math
import textwrap

import numpy as np
from matplotlib.figure import Figure, SubFigure

from cnnkit.reports.report_facts import GRADCAM_PICTURES, Facts
from cnnkit.visualize import style
from cnnkit.visualize.answers import captions, worst_heading, worst_indices
from cnnkit.visualize.class_activation import draw_gradcam
from cnnkit.visualize.comparison_bars import draw_comparison
from cnnkit.visualize.confusion_matrix import LABELS_UP_TO, draw_confusion, draw_label_confusions
from cnnkit.visualize.contact_sheet import draw_pictures
from cnnkit.visualize.training_curves import draw_curves

PNG_WIDTH = 1600
DOTS_PER_INCH = 100


def report_figure(facts: Facts) -> Figure:
    """The same as one picture, 16 inches wide."""
    answers, source = facts.answers, facts.source
    wrong = worst_indices(answers, 6)
    text = [line for sentence in facts.sentences for line in textwrap.wrap(sentence, 150)]
    bars_height = 0.9 + 0.62 * len(facts.scores)
    few = len(source.classes) <= 4  # a small matrix has its place below the bars, a large one beside bars and curves
    heights = [1.45 + 0.29 * len(text), 6.2 if few else 5.4 + bars_height, 3.4, 6.2]
    poster = style.figure(PNG_WIDTH / DOTS_PER_INCH, sum(heights))
    top, middle, gallery, explained = _rows(poster, heights)
    for inches, words, size, look in ((0.35, facts.title, 26, "bold"), (1.1, "\n".join(text), 13, "normal")):
        top.text(
            0.012,
            1 - inches / heights[0],
            words,
            fontsize=size,
            fontweight=look,
            va="top",
            color=style.INK,
            family="DejaVu Serif" if look == "bold" else "DejaVu Sans",
            linespacing=1.5,
            parse_math=False,
        )
    left, right = np.asarray(middle.subfigures(1, 2, width_ratios=[9.2, 6.8]))
    if few:
        lines, (bars, matrix) = left, _rows(right, [bars_height, 4.0])
    else:
        (lines, bars), matrix = _rows(left, [5.4, bars_height]), right
    if facts.run is not None and len(facts.run.history):
        draw_curves(lines, facts.run)
    draw_comparison(bars, facts.scores, label=f"{facts.part} accuracy")
    if facts.several:
        square = math.ceil(math.sqrt(min(len(source.classes), LABELS_UP_TO)))
        draw_label_confusions(matrix, np.asarray(source.labels), answers["predicted"], source.classes, columns=square)
    else:
        draw_confusion(matrix, answers["true"], answers["predicted"], source.classes)
    draw_pictures(gallery, [source.image(index) for index in wrong], captions(answers, wrong), columns=6)
    _headed(gallery, worst_heading(answers, len(wrong)))
    images = [source.image(index) for index in facts.explained]
    draw_gradcam(
        explained,
        facts.network,
        images,
        facts.explained_titles,
        layer=facts.layer,
        targets=facts.targets,
        columns=GRADCAM_PICTURES,
        colours=facts.tinted,
    )
    _headed(explained, "Where it looked (Grad-CAM)")
    return poster


def _rows(canvas: style.Canvas, heights: list[float]) -> list[SubFigure]:
    """Parts one below the other."""
    return list(np.asarray(canvas.subfigures(len(heights), 1, height_ratios=heights)))


def _headed(canvas: SubFigure, text: str) -> None:
    canvas.suptitle(text, x=0.012, ha="left", fontsize=15, fontweight="bold", color=style.INK)
