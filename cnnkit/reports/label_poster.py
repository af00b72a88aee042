"""The report on labels or tags as one picture, for a slide or a wall."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from cnnkit.reports.label_facts import GRADCAM_PICTURES, LabelFacts
from cnnkit.reports.report_poster import headed, poster_rows, titled_poster
from cnnkit.visualize.answers import captions, worst_heading, worst_indices
from cnnkit.visualize.class_activation import draw_gradcam
from cnnkit.visualize.comparison_bars import draw_comparison
from cnnkit.visualize.confusion_matrix import LABELS_UP_TO, draw_confusion, draw_label_confusions
from cnnkit.visualize.contact_sheet import draw_pictures
from cnnkit.visualize.training_curves import draw_curves


def label_poster(facts: LabelFacts) -> Figure:
    """The same as one picture, 16 inches wide."""
    answers, source = facts.answers, facts.source
    wrong = worst_indices(answers, 6)
    bars_height = 0.9 + 0.62 * len(facts.scores)
    few = len(source.classes) <= 4  # a small matrix has its place below the bars, a large one beside bars and curves
    heights = [6.2 if few else 5.4 + bars_height, 3.4, 6.2]
    poster, (middle, gallery, explained) = titled_poster(facts, heights)
    left, right = np.asarray(middle.subfigures(1, 2, width_ratios=[9.2, 6.8]))
    if few:
        lines, (bars, matrix) = left, poster_rows(right, [bars_height, 4.0])
    else:
        (lines, bars), matrix = poster_rows(left, [5.4, bars_height]), right
    if facts.run is not None and len(facts.run.history):
        draw_curves(lines, facts.run)
    draw_comparison(bars, facts.scores, label=f"{facts.part} accuracy")
    if facts.several:
        square = math.ceil(math.sqrt(min(len(source.classes), LABELS_UP_TO)))
        draw_label_confusions(matrix, np.asarray(source.labels), answers["predicted"], source.classes, columns=square)
    else:
        draw_confusion(matrix, answers["true"], answers["predicted"], source.classes)
    draw_pictures(gallery, [source.image(index) for index in wrong], captions(answers, wrong), columns=6)
    headed(gallery, worst_heading(answers, len(wrong)))
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
    headed(explained, "Where it looked (Grad-CAM)")
    return poster
