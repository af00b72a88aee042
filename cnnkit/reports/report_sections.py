"""The sections of a report's page, from top to bottom."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import datetime

import keras
import numpy as np
from matplotlib.figure import Figure

from cnnkit import __version__
from cnnkit.reports import report_page as html
from cnnkit.reports.report_facts import Facts
from cnnkit.reports.report_tables import (
    CLASS_ROWS,
    class_table,
    data_table,
    network_table,
    plan_table,
    score_table,
    timing_table,
)
from cnnkit.reports.report_words import duration
from cnnkit.transfer.calibration import calibration_in_force
from cnnkit.transfer.run import Run
from cnnkit.visualize import style
from cnnkit.visualize.calibration_curve import calibration
from cnnkit.visualize.class_activation import gradcam_figure
from cnnkit.visualize.comparison_bars import comparison
from cnnkit.visualize.confusion_matrix import confusion
from cnnkit.visualize.tapping import deepest_maps
from cnnkit.visualize.training_curves import curves
from cnnkit.visualize.worst_pictures import worst

WORST_PICTURES = 12
HTML_DPI = 150
"""Sharp on screens of two dots per pixel without making the page heavy."""
LABELS_OF_WORST = (
    "Above each picture its worst labels: “missed” one that it has, “not” one that it has not, with the probability "
    "that the network gave the label."
)
ANSWER_OF_WORST = "True class → answer, with the probability that the network gave its answer."


def report_html(facts: Facts) -> str:
    """The page."""
    sections = (_results, _training, _mistakes, _calibration, _gradcam, _record)
    parts = [part for section in sections for part in section(facts)]
    opening = [html.header(facts.title, facts.sentences), html.tiles(_numbers(facts))]
    return html.page(facts.title, [*opening, *parts, html.footer(_small_print(facts))])


def _results(facts: Facts) -> Iterator[str]:
    pictures = f"{len(facts.source):,} {facts.part} pictures"
    chosen = (
        " Epochs were chosen by these pictures: the result flatters a little." if facts.part == "validation" else ""
    )
    yield html.section(
        "With and without transfer" if facts.others else "Against guessing",
        f"Accuracy on the same {pictures}.{chosen}",
        _embedded(comparison(facts.scores, label=f"{facts.part} accuracy"), "Accuracies as bars", 800),
    )
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


def _training(facts: Facts) -> Iterator[str]:
    if facts.run is not None and len(facts.run.history):
        yield html.section(
            "Training",
            "Each shade is a phase of the plan. Where the orange line parts from the blue one, the network learns "
            "its training pictures by heart.",
            _embedded(curves(facts.run), "Accuracy, loss and rate over the epochs", 916),
        )


def _mistakes(facts: Facts) -> Iterator[str]:
    source, table = facts.source, facts.predictions
    labels = np.asarray(source.labels)
    matrix = confusion(labels, table.set_index("id").loc[list(source.ids), "label"], source.classes)
    rows = f"Rows are what the {facts.part} pictures show, columns what the network said"
    width = min(916, round(80 * matrix.get_size_inches()[0]))
    yield html.section(
        "What is taken for what",
        f"{rows}, for each label on its own." if facts.several else f"{rows}; percentages are of the row.",
        _embedded(matrix, "Confusion matrix", width),
    )
    told = LABELS_OF_WORST if facts.several else ANSWER_OF_WORST
    yield html.section(
        "The worst mistakes",
        "There are no mistakes to show."
        if facts.answers["right"].all()
        else f"{told} Look here first: wrong labels, two subjects in a picture, something the training pictures lack.",
        _embedded(worst(source, table, count=WORST_PICTURES), "The worst mistakes", 916),
    )


def _calibration(facts: Facts) -> Iterator[str]:
    yield html.section(
        "Is 80 % sure right in 80 %?",
        "On the dashed line the probabilities mean what they say; below it the network is too sure of itself. "
        "ck.calibrate(net, photos.validation) mends that without changing an answer.",
        _embedded(calibration(facts.source, facts.predictions), "Calibration: probability against share right", 560),
    )


def _gradcam(facts: Facts) -> Iterator[str]:
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
        _embedded(cam, "Pictures and their Grad-CAM heat maps", 916),
    )


def _record(facts: Facts) -> Iterator[str]:
    run = facts.run
    if run is not None:
        yield html.section("Plan", _plan_note(run), html.table(plan_table(run)))
    yield html.section("Network", _network_note(facts), html.table(network_table(facts.network)))
    yield html.section("Data", _data_note(facts), html.table(data_table(facts.dataset)))
    if facts.timings:
        speed = "" if run is None else f"{run.history['images_per_second'].median():,.0f} images/s in training."
        yield html.section("Time", speed, html.table(timing_table(facts.timings)))


def _numbers(facts: Facts) -> list[tuple[str, str]]:
    """The large numbers of the page."""
    first = next(iter(facts.scores))
    numbers = [(f"{100 * facts.accuracy:.1f} %", f"{facts.part} accuracy of {first}")]
    numbers += [(f"{100 * score:.1f} %", name) for name, score in list(facts.others.items())[:1]]
    if facts.timings:
        numbers.append((duration(sum(facts.timings.values())), "from pictures to report"))
    elif facts.run is not None:
        numbers.append((duration(facts.run.seconds), "of training"))
    return [*numbers, (f"{sum(len(part) for part in facts.dataset.parts().values()):,}", "pictures in all")]


def _plan_note(run: Run) -> str:
    note = "What trained when, and the accuracy at the end of each phase; the rate is the head's."
    frozen = all(phase.batch_norm == "frozen" for phase in run.plan.phases)
    return note + (" BatchNorm kept the statistics and scales of pre-training." if frozen else "")


def _network_note(facts: Facts) -> str:
    note = f"{facts.name}, cut at {facts.network.cut}."
    threshold = getattr(facts.network.head, "threshold", 0.5)
    record = calibration_in_force(facts.network)
    if threshold != 0.5:
        limits = threshold if isinstance(threshold, tuple) else (threshold,)
        note += f" It decides from a probability of {', '.join(f'{limit:.3g}' for limit in limits[:12])} on."
    return note if record is None else f"{note} Calibrated: {record}."


def _data_note(facts: Facts) -> str:
    note = "Pictures of each class in each part."
    if facts.seen_before is False:
        note += (
            " They are not those of the training's record: another split, or other files. Pictures that the network "
            "learned from may be among those of this report."
        )
    return note


def _small_print(facts: Facts) -> list[str]:
    made = (
        f"Made with cnnkit {__version__}, Keras {keras.__version__}, Python {platform.python_version()} on "
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M}."
    )
    if facts.run is None:
        return [made]
    data = facts.run.data_fingerprint[:16]
    return [made, f"Seed {facts.run.seed}, data {data}: the same seed and data give the same network."]


def _embedded(drawn: Figure, description: str, width: int) -> str:
    return html.picture(style.png(drawn, dpi=HTML_DPI), description, width=width)
