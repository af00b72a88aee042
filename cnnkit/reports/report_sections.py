"""A report's page: what stands on it whatever the task, around the sections of a kind of truth."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import keras
from matplotlib.figure import Figure

from cnnkit import __version__
from cnnkit.reports import report_page as html
from cnnkit.reports.report_facts import Facts
from cnnkit.reports.report_tables import data_table, network_table, plan_table, timing_table
from cnnkit.reports.report_words import duration, number
from cnnkit.transfer.calibration import calibration_in_force
from cnnkit.transfer.run import Run
from cnnkit.visualize import style
from cnnkit.visualize.comparison_bars import comparison
from cnnkit.visualize.training_curves import curves

HTML_DPI = 150
"""Sharp on screens of two dots per pixel without making the page heavy."""
Kind = TypeVar("Kind", bound=Facts)
Section: TypeAlias = Callable[[Kind], Iterator[str]]
"""Writes HTML from the facts: a heading, a line on what to see, tables and pictures; several, or none."""


def report_html(facts: Facts, sections: Sequence[Section[Any]]) -> str:
    """The page.

    Args:
        facts: What it is about.
        sections: Those of the kind of truth; how it came about follows.
    """
    parts = [part for section in (*sections, _record) for part in section(facts)]
    opening = [html.header(facts.title, facts.sentences), html.tiles(_numbers(facts))]
    return html.page(facts.title, [*opening, *parts, html.footer(_small_print(facts))])


def compared(facts: Facts, heading: str) -> str:
    """The first score as bars, of this network and of what it is held against."""
    pictures = f"{len(facts.source):,} {facts.part} pictures"
    chosen = (
        " Epochs were chosen by these pictures: the result flatters a little." if facts.part == "validation" else ""
    )
    score = facts.headline[0]
    return html.section(
        heading,
        f"{score[0].upper()}{score[1:]} on the same {pictures}.{chosen}",
        embedded(comparison(facts.scores, label=f"{facts.part} {score}"), "Scores as bars", 800),
    )


def training(facts: Facts) -> Iterator[str]:
    """The curves of the training, where it is recorded."""
    if facts.run is not None and len(facts.run.history):
        yield html.section(
            "Training",
            "Each shade is a phase of the plan. Where the orange line parts from the blue one, the network learns "
            "its training pictures by heart.",
            embedded(curves(facts.run), "Score, loss and rate over the epochs", 916),
        )


def embedded(drawn: Figure, description: str, width: int) -> str:
    """A figure inside the page, with a description for who cannot see it."""
    return html.picture(style.png(drawn, dpi=HTML_DPI), description, width=width)


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
    score, value = facts.headline
    numbers = [(number(value), f"{facts.part} {score} of {first}")]
    numbers += [(number(other), name) for name, other in list(facts.others.items())[:1]]
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
