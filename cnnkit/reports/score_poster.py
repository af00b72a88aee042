"""The report on any head by its score as one picture, for a slide or a wall."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from cnnkit.reports.report_facts import Facts
from cnnkit.reports.report_poster import DOTS_PER_INCH, PNG_WIDTH, headed, titled_poster
from cnnkit.visualize.answers import captions, worst_heading, worst_indices
from cnnkit.visualize.class_bars import draw_class_scores, scores_by_class
from cnnkit.visualize.comparison_bars import draw_comparison
from cnnkit.visualize.contact_sheet import random_indices
from cnnkit.visualize.training_curves import draw_curves
from cnnkit.visualize.truth_drawings import drawing_of
from cnnkit.visualize.truth_panels import draw_panels, panel_names

WORST_PICTURES = 4
SOME_PICTURES = 2


def score_poster(facts: Facts) -> Figure:
    """Curves, bars of the classes, the worst pictures and some by chance, 16 inches wide."""
    worst = worst_indices(facts.answers, WORST_PICTURES)
    some = random_indices(facts.source, SOME_PICTURES, 0)
    galleries = [
        (worst, worst_heading(facts.answers, len(worst)), False),
        (some, "Some pictures, drawn by chance", True),
    ]
    classes = [name for name in facts.results if "/" in name]
    heights = [max(5.0, 1.2 + 0.24 * len(scores_by_class(facts.results).popitem()[1])) if classes else 5.0]
    heights += [_height(facts, indices, photograph=photograph) for indices, _, photograph in galleries]
    poster, (numbers, *parts) = titled_poster(facts, heights)
    left, right = np.asarray(numbers.subfigures(1, 2, width_ratios=[9, 7]))
    if facts.run is not None and len(facts.run.history):
        draw_curves(left, facts.run)
    if classes:
        score, of_class = next(iter(scores_by_class(facts.results).items()))
        draw_class_scores(right, of_class, score)
    else:
        draw_comparison(right, facts.scores, label=f"{facts.part} {facts.headline[0]}")
    for part, (indices, heading, photograph) in zip(parts, galleries, strict=True):
        _gallery(part, facts, indices, photograph=photograph)
        headed(part, heading)
    return poster


def _gallery(canvas: SubFigure, facts: Facts, indices: NDArray[np.int64], *, photograph: bool) -> None:
    source, said = facts.source.take(indices), facts.predicted.take(indices)
    draw_panels(canvas, source, said, captions(facts.answers, indices), photograph=photograph, across=2)


def _height(facts: Facts, indices: NDArray[np.int64], *, photograph: bool) -> float:
    """Inches of a gallery of two pictures in a row."""
    panels = 2 * len(panel_names(drawing_of(facts.source.kind), photograph=photograph))
    shapes = [facts.source.shape(int(index)) for index in indices]
    tallest = max(height / width for height, width in shapes)
    return 0.9 + -(-len(indices) // 2) * tallest * PNG_WIDTH / DOTS_PER_INCH / panels
