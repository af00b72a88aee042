"""The sections of a report on any head whose score tells names and numbers, from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
from matplotlib.figure import Figure

from cnnkit.data.source import Source
from cnnkit.reports import report_page as html
from cnnkit.reports.report_facts import Facts
from cnnkit.reports.report_sections import Section, compared, embedded, training
from cnnkit.reports.report_words import number
from cnnkit.visualize.class_bars import class_scores, scores_by_class
from cnnkit.visualize.pixel_confusion import pixel_confusion
from cnnkit.visualize.score_names import score_name
from cnnkit.visualize.truth_panels import predictions
from cnnkit.visualize.worst_pictures import worst

WORST_PICTURES = 8
SOME_PICTURES = 4
CONFUSIONS: dict[str, tuple[str, Callable[[Source, pd.DataFrame], Figure]]] = {
    "masks": (
        "Rows are what the pixels show, columns what the network said; percentages are of the row.",
        pixel_confusion,
    )
}
"""Kind of truth → what its matrix of confusion shows, and the figure."""


def _results(facts: Facts) -> Iterator[str]:
    if facts.others:
        yield compared(facts, "With and without transfer")
    whole = {name: value for name, value in facts.results.items() if "/" not in name}
    rows = [(score_name(name), number(value)) for name, value in whole.items()]
    yield html.section(
        "Scores",
        f"Of all {len(facts.source):,} {facts.part} pictures together, not a mean over pictures.",
        html.table(pd.DataFrame(rows, columns=["score", "value"])),
    )


def _classes(facts: Facts) -> Iterator[str]:
    if not any("/" in name for name in facts.results):
        return
    yield html.section(
        "Class by class",
        "A mean hides the class that fails: rare and small ones come last.",
        embedded(class_scores(facts.results), "A bar for each class", 700),
        html.table(class_score_table(facts.results)),
    )


def _confusion(facts: Facts) -> Iterator[str]:
    if facts.source.kind in CONFUSIONS:
        note, figure = CONFUSIONS[facts.source.kind]
        matrix = figure(facts.source, facts.predictions)
        width = min(916, round(80 * matrix.get_size_inches()[0]))
        yield html.section("What is taken for what", note, embedded(matrix, "Confusion matrix", width))


def _pictures(facts: Facts) -> Iterator[str]:
    yield html.section(
        "The worst pictures",
        "By the score of the head. Look here first: wrong truth, or something the training pictures lack.",
        embedded(
            worst(facts.source, facts.predictions, count=WORST_PICTURES, head=facts.network), "The worst pictures", 916
        ),
    )
    yield html.section(
        "Some pictures",
        "Drawn by chance: what the network does most of the time.",
        embedded(predictions(facts.source, facts.predictions, count=SOME_PICTURES), "Truth and predictions", 916),
    )


def class_score_table(results: dict[str, float]) -> pd.DataFrame:
    """One row per class, one column per score of classes, the best class by the first score on top.

    >>> class_score_table({"mean_iou": 0.5, "iou/car": 0.2, "iou/sky": 0.8, "dice/sky": 0.9})
      class     IoU Dice score
    0   sky  80.0 %     90.0 %
    1   car  20.0 %          –
    """
    of_class = scores_by_class(results)
    first = next(iter(of_class.values()))
    names = sorted({name for values in of_class.values() for name in values}, key=lambda name: -first.get(name, 0.0))
    columns = {
        score_name(score): [number(values[name]) if name in values else "–" for name in names]
        for score, values in of_class.items()
    }
    return pd.DataFrame({"class": names} | columns)


SCORE_SECTIONS: tuple[Section[Facts], ...] = (_results, _classes, training, _confusion, _pictures)
