"""The sections of a report on labels or tags, from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnkit.reports import report_page as html
from cnnkit.reports.label_facts import LabelFacts
from cnnkit.reports.label_tables import CLASS_ROWS, class_table, score_table
from cnnkit.reports.report_sections import Section, compared, embedded, training
from cnnkit.visualize.calibration_curve import calibration
from cnnkit.visualize.class_activation import gradcam_figure
from cnnkit.visualize.confusion_matrix import confusion
from cnnkit.visualize.tapping import deepest_maps
from cnnkit.visualize.worst_pictures import worst

WORST_PICTURES = 12
LABELS_OF_WORST = (
    "Above each picture its worst labels: “missed” one that it has, “not” one that it has not, with the probability "
    "that the network gave the label."
)
ANSWER_OF_WORST = "True class → answer, with the probability that the network gave its answer."


def _results(facts: LabelFacts) -> Iterator[str]:
    yield compared(facts, "With and without transfer" if facts.others else "Against guessing")
    yield html.section(
        "Scores",
        "Of the answers as they were given. An interval holds the true share in 19 of 20 such samples of pictures; "
        "a mean counts every class alike, however rare it is.",
        html.table(score_table(facts)),
    )
    few = len(facts.source.classes) <= CLASS_ROWS
    some = "" if few else f"The {CLASS_ROWS} classes with the lowest F1. "
    yield html.section(
        "Class by class",
        f"{some}How many pictures of a class were found, and how many answers of its name were right, "
        "with 95 % intervals in percent. "
        "AUC: how often a picture of the class gets a higher probability than one of another.",
        html.table(class_table(facts)),
    )


def _mistakes(facts: LabelFacts) -> Iterator[str]:
    source, table = facts.source, facts.predictions
    labels = np.asarray(source.labels)
    matrix = confusion(labels, table.set_index("id").loc[list(source.ids), "label"], source.classes)
    rows = f"Rows are what the {facts.part} pictures show, columns what the network said"
    width = min(916, round(80 * matrix.get_size_inches()[0]))
    yield html.section(
        "What is taken for what",
        f"{rows}, for each label on its own." if facts.several else f"{rows}; percentages are of the row.",
        embedded(matrix, "Confusion matrix", width),
    )
    told = LABELS_OF_WORST if facts.several else ANSWER_OF_WORST
    yield html.section(
        "The worst mistakes",
        "There are no mistakes to show."
        if facts.answers["right"].all()
        else f"{told} Look here first: wrong labels, two subjects in a picture, something the training pictures lack.",
        embedded(worst(source, table, count=WORST_PICTURES), "The worst mistakes", 916),
    )


def _calibration(facts: LabelFacts) -> Iterator[str]:
    yield html.section(
        "Is 80 % sure right in 80 %?",
        "On the dashed line the probabilities mean what they say; below it the network is too sure of itself. "
        "ck.calibrate(net, photos.validation) mends that without changing an answer.",
        embedded(calibration(facts.source, facts.predictions), "Calibration: probability against share right", 560),
    )


def _gradcam(facts: LabelFacts) -> Iterator[str]:
    if facts.gradcam_layer is None and deepest_maps(facts.network.model, side=2) is None:
        return  # a network without maps does not look at places
    images = [facts.source.image(index) for index in facts.explained]
    cam = gradcam_figure(
        facts.network,
        images,
        facts.explained_titles,
        layer=facts.layer,
        targets=facts.targets,
        colours=facts.tinted,
    )
    answer = "the label above the picture" if facts.several else "the answer given"
    yield html.section(
        "Where it looked",
        f"Grad-CAM{f' of {facts.layer}' if facts.layer else ''}: the brighter, the more this place speaks for "
        f"{answer}. Blue: the picture's answer is right, orange: it is wrong. "
        "A network that looks beside the subject has learned "
        "something else.",
        embedded(cam, "Pictures and their Grad-CAM heat maps", 916),
    )


LABEL_SECTIONS: tuple[Section[LabelFacts], ...] = (_results, training, _mistakes, _calibration, _gradcam)
