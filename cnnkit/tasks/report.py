"""The report of a training: a page to show around, and one picture of it."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from cnnkit import __version__
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.classification import wilson_interval
from cnnkit.tasks import report_page as html
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.visualize import style
from cnnkit.visualize.answers import answered, captions, worst_heading, worst_indices
from cnnkit.visualize.class_activation import draw_gradcam, gradcam_figure
from cnnkit.visualize.comparison_bars import comparison, draw_comparison
from cnnkit.visualize.confusion_matrix import confusion, draw_confusion
from cnnkit.visualize.contact_sheet import draw_pictures, worst
from cnnkit.visualize.tapping import deepest_maps
from cnnkit.visualize.training_curves import curves, draw_curves

MOST_FREQUENT = "always the most frequent class"
GRADCAM_PICTURES = 6
GRADCAM_CELLS = 5
"""Cells a side from which a heat map says something about places."""
WORST_PICTURES = 12
ROUNDING = 0.002
"""Between an accuracy counted from a table and one that Keras averaged in float32."""
PNG_WIDTH = 1600
DOTS_PER_INCH = 100
HTML_DPI = 150
"""Sharp on screens of two dots a pixel without making the page heavy."""


def write_report(
    folder: str | Path,
    *,
    network: Network,
    dataset: Dataset,
    run: Run,
    predictions: pd.DataFrame,
    comparisons: Mapping[str, float] | None = None,
    timings: Mapping[str, float] | None = None,
    title: str = "Transfer learning",
    gradcam_layer: str | None = None,
) -> tuple[Path, Path]:
    """Writes `report.html`, one file with all pictures inside, and `report.png`, 1600 pixels wide.

    Args:
        folder: Where to; it is made if needed, older reports in it are replaced.
        network: What was trained; one class a picture.
        dataset: What it was trained on. The report is about its test part, or validation where there is no test.
        run: From `ck.fit`.
        predictions: `ck.predict(network, dataset.test)`.
        comparisons: Way → accuracy (0…1) on these pictures: the network of this report first, then what it is held
            against, e.g. `{"nano, pre-trained": 0.93, "nano, random weights": 0.71}`.
        timings: Step → seconds, in order.
        title: Heading of both.
        gradcam_layer: Whose maps Grad-CAM reads; by default the last of at least 5 × 5 cells.

    Returns:
        The paths of the page and of the picture.

    Raises:
        DataError: No held-out pictures with labels, or one that the predictions miss.
        InputError: A comparison outside 0…1, or the first is not the accuracy of the predictions.
    """
    facts = Facts(
        network, dataset, run, predictions, dict(comparisons or {}), dict(timings or {}), title, gradcam_layer
    )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    page, poster = target / "report.html", target / "report.png"
    page.write_text(report_html(facts), encoding="utf-8")
    style.save(report_figure(facts), poster, dpi=DOTS_PER_INCH)
    return page, poster


@dataclass(frozen=True, eq=False)
class Facts:
    """What a report says, before it is laid out; the fields are the arguments of `write_report`."""

    network: Network
    dataset: Dataset
    run: Run
    predictions: pd.DataFrame
    comparisons: dict[str, float]
    timings: dict[str, float]
    title: str
    gradcam_layer: str | None

    @cached_property
    def source(self) -> Source:
        """The held-out pictures that the report is about."""
        for part in (self.dataset.test, self.dataset.validation):
            if len(part):
                return part
        raise DataError(
            "test or validation pictures",
            "a dataset with neither",
            "Split some off: a result on training pictures is none.",
        )

    @property
    def part(self) -> str:
        """`"test"` or `"validation"`."""
        return "test" if self.source is self.dataset.test else "validation"

    @cached_property
    def answers(self) -> pd.DataFrame:
        """See `cnnkit.visualize.answers.answered`."""
        return answered(self.source, self.predictions)

    @cached_property
    def accuracy(self) -> float:
        """The share of held-out pictures that are right."""
        return float((self.answers["true"] == self.answers["predicted"]).mean())

    @cached_property
    def scores(self) -> dict[str, float]:
        """Way → accuracy, this network first, the trivial answer last."""
        counts = self.source.counts()
        trivial = {MOST_FREQUENT: float(counts[self.dataset.train.counts().argmax()] / counts.sum())}
        ways = self.comparisons or {self.name: self.accuracy}
        name, first = next(iter(ways.items()))
        if abs(first - self.accuracy) > ROUNDING:
            raise InputError(
                f"the accuracy of these predictions, {self.accuracy:.4f}, as the first comparison",
                f"{first:.4f} for {name!r}",
                "Name the network of the report first, then what it is held against, all on the same pictures.",
            )
        return {**ways, **trivial}

    @property
    def others(self) -> dict[str, float]:
        """What the network is held against, without the trivial answer."""
        return dict(list(self.comparisons.items())[1:])

    @property
    def name(self) -> str:
        """The network in a few words."""
        trained = {"imagenet": "(ImageNet)", None: "(random weights)"}
        return f"{self.network.backbone.name} {trained.get(self.network.backbone.settings.weights, '(pre-trained)')}"

    @cached_property
    def sentences(self) -> list[str]:
        """What was done and what came of it, in three sentences."""
        phases = self.run.plan.phases
        names = _listed([f"“{phase.name}”" for phase in phases])
        low, high = wilson_interval(round(self.accuracy * len(self.source)), len(self.source))
        done = (
            f"A new head that tells {_listed(list(self.network.classes), limit=6)} apart was put on {self.name}, "
            f"cut at {self.network.cut}, and trained on {len(self.dataset.train):,} pictures in "
            f"{_counted(len(phases), 'phase')} ({names}): {_counted(len(self.run.history), 'epoch')}, "
            f"{duration(self.run.seconds)}."
        )
        result = (
            f"On {len(self.source):,} {self.part} pictures that it did not train on it is right in "
            f"{100 * self.accuracy:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %)."
        )
        return [done, result, self._against()]

    def _against(self) -> str:
        trivial = f"always answering with the most frequent class gives {100 * self.scores[MOST_FREQUENT]:.1f} %."
        if not self.others:
            return trivial[0].upper() + trivial[1:]
        name, score = next(iter(self.others.items()))
        points = 100 * (self.accuracy - score)
        return (
            f"In comparison, “{name}” reaches {100 * score:.1f} %, {abs(points):.1f} points "
            f"{'less' if points >= 0 else 'more'}; {trivial}"
        )

    @cached_property
    def explained(self) -> np.ndarray:
        """Positions of the pictures for Grad-CAM: four sure right answers, class by class in turn, and two mistakes."""
        return pick_explained(self.answers, GRADCAM_PICTURES)

    @cached_property
    def layer(self) -> str | None:
        """Whose maps Grad-CAM reads."""
        return self.gradcam_layer or deepest_maps(self.network.model, side=GRADCAM_CELLS)

    @property
    def tinted(self) -> list[str]:
        """A colour for each of the `explained`: right or wrong."""
        rows = self.answers.iloc[self.explained]
        return [
            style.RIGHT if true == guess else style.WRONG
            for true, guess in zip(rows["true"], rows["predicted"], strict=True)
        ]


def report_html(facts: Facts) -> str:
    """The page."""
    answers, source, run = facts.answers, facts.source, facts.run
    images = [source.image(index) for index in facts.explained]
    cam = gradcam_figure(
        facts.network, images, captions(answers, facts.explained), layer=facts.layer, colours=facts.tinted
    )
    mistakes = int((answers["true"] != answers["predicted"]).sum())
    matrix = confusion(answers["true"], answers["predicted"], source.classes)
    parts = [
        html.header(facts.title, facts.sentences),
        html.tiles(_numbers(facts)),
        html.section(
            "With and without transfer",
            f"Accuracy on the same {len(source):,} {facts.part} pictures.",
            _embedded(comparison(facts.scores, label=f"{facts.part} accuracy"), "Accuracies as bars", 800),
        ),
        html.section(
            "Training",
            "Each shade is a phase of the plan. Where the orange line parts from the blue one, the network learns "
            "its training pictures by heart.",
            _embedded(curves(run), "Accuracy, loss and rate over the epochs", 916),
        ),
        html.section(
            "What is taken for what",
            f"Rows are what the {facts.part} pictures show, columns what the network said; percentages are of the row.",
            _embedded(matrix, "Confusion matrix", min(916, round(80 * matrix.get_size_inches()[0]))),
        ),
        html.section(
            "The worst mistakes",
            "True class → answer, with the probability that the network gave its answer. Look here first: wrong "
            "labels, two subjects in a picture, something the training pictures lack."
            if mistakes
            else "There are no mistakes to show.",
            _embedded(worst(source, facts.predictions, count=WORST_PICTURES), "The worst mistakes", 916),
        ),
        html.section(
            "Where it looked",
            f"Grad-CAM{f' of {facts.layer}' if facts.layer else ''}: the brighter, the more this place speaks for "
            "the answer given. Blue answers are right, orange "
            "ones wrong. A network that looks beside the subject has learned something else.",
            _embedded(cam, "Pictures and their Grad-CAM heat maps", 916),
        ),
        html.section("Plan", _plan_note(run), html.table(plan_table(run))),
        html.section("Network", f"{facts.name}, cut at {facts.network.cut}.", html.table(network_table(facts.network))),
        html.section("Data", "Pictures of each class in each part.", html.table(data_table(facts.dataset))),
    ]
    if facts.timings:
        parts.append(html.section("Time", f"{_speed(run)} in training.", html.table(timing_table(facts.timings))))
    return html.page(facts.title, [*parts, html.footer(_small_print(facts))])


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
    draw_curves(lines, facts.run)
    draw_comparison(bars, facts.scores, label=f"{facts.part} accuracy")
    draw_confusion(matrix, answers["true"], answers["predicted"], source.classes)
    draw_pictures(gallery, [source.image(index) for index in wrong], captions(answers, wrong), columns=6)
    _headed(gallery, worst_heading(answers, len(wrong)))
    images = [source.image(index) for index in facts.explained]
    draw_gradcam(
        explained,
        facts.network,
        images,
        captions(answers, facts.explained),
        layer=facts.layer,
        columns=GRADCAM_PICTURES,
        colours=facts.tinted,
    )
    _headed(explained, "Where it looked (Grad-CAM)")
    return poster


def pick_explained(answers: pd.DataFrame, count: int) -> np.ndarray:
    """Positions worth explaining: sure right answers, class by class in turn, and up to a third of mistakes.

    >>> answers = pd.DataFrame({"true": ["a", "b", "a"], "right": [True, True, False], "surprise": [-0.9, -0.8, 0.9]})
    >>> pick_explained(answers, 3).tolist()
    [0, 1, 2]
    """
    right = answers["right"].to_numpy(bool)
    mistakes = worst_indices(answers, count // 3).tolist() if not right.all() else []
    surest = answers[right].sort_values("surprise", kind="stable")
    turn = surest.groupby("true", sort=True).cumcount()  # 0 for the surest of each class, 1 for the next …
    in_turns = surest.assign(turn=turn).sort_values(["turn", "true"], kind="stable").index.tolist()
    return np.array([*in_turns[: count - len(mistakes)], *mistakes], np.int64)


def plan_table(run: Run) -> pd.DataFrame:
    """One row a phase: what was planned and what came of it."""
    rows = []
    for phase in run.plan.phases:
        epochs = run.history[run.history["phase"] == phase.name]
        row: dict[str, object] = {
            "phase": phase.name,
            "trains": _trains(phase.train),
            "parameters": run.trained_parameters.get(phase.name),
            "epochs": len(epochs) if len(epochs) == phase.epochs else f"{len(epochs)} of {phase.epochs}",
            "rate": f"{phase.rate:g}",
            "× a stage": f"{phase.rate_decay:g}",
            "schedule": f"{phase.optimizer}, {phase.schedule.replace('_', ' ')}",
            "BatchNorm": phase.batch_norm,
            "seconds": round(float(epochs["seconds"].sum()), 1),
        }
        for column, name in (("val_accuracy", "validation"), ("accuracy", "training")):
            if column in epochs and len(epochs):
                row[name] = f"{100 * float(epochs[column].iloc[-1]):.1f} %"
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.drop(columns="BatchNorm") if all(phase.batch_norm == "frozen" for phase in run.plan.phases) else table


def network_table(network: Network) -> pd.DataFrame:
    """`Network.summary` with a last row of sums; without what trains, which differs from phase to phase."""
    table = network.summary().drop(columns=["trained", "state"])
    sums = {"group": "all", "ends with": "", "output": ""} | {
        name: table[name].sum() for name in ("layers", "parameters")
    }
    return pd.concat([table, pd.DataFrame([sums])], ignore_index=True)[list(table)]


def data_table(dataset: Dataset) -> pd.DataFrame:
    """`Dataset.report` with shares in percent; the column of warnings only where there are some."""
    table = dataset.report().reset_index()
    table["share"] = [style.percent(float(share)) for share in table["share"]]
    return table if (table["warning"] != "").any() else table.drop(columns="warning")


def timing_table(timings: Mapping[str, float]) -> pd.DataFrame:
    """Steps, seconds and their sum."""
    rows = [{"step": step, "seconds": round(float(seconds), 1)} for step, seconds in timings.items()]
    return pd.DataFrame([*rows, {"step": "all", "seconds": round(float(sum(timings.values())), 1)}])


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(8.25), duration(93), duration(7500)
    ('8 s', '1 min 33 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _numbers(facts: Facts) -> list[tuple[str, str]]:
    """The large numbers of the page."""
    first = next(iter(facts.scores))
    numbers = [(f"{100 * facts.accuracy:.1f} %", f"{facts.part} accuracy of {first}")]
    numbers += [(f"{100 * score:.1f} %", name) for name, score in list(facts.others.items())[:1]]
    spent = sum(facts.timings.values()) or facts.run.seconds
    return [
        *numbers,
        (duration(spent), "from pictures to report" if facts.timings else "of training"),
        (f"{sum(len(part) for part in facts.dataset.parts().values()):,}", "pictures in all"),
    ]


def _plan_note(run: Run) -> str:
    note = "What trained when, and the accuracy at the end of each phase; the rate is the head's."
    frozen = all(phase.batch_norm == "frozen" for phase in run.plan.phases)
    return note + (" BatchNorm kept the statistics and scales of pre-training." if frozen else "")


def _trains(part: str | int) -> str:
    if isinstance(part, str):
        return part if part in ("head", "all") else f"from {part}"
    return "head" if part == 0 else "head, last stage" if part == 1 else f"head, last {part} stages"


def _small_print(facts: Facts) -> list[str]:
    return [
        f"Made with cnnkit {__version__}, Keras {keras.__version__}, Python {platform.python_version()} on "
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M}.",
        f"Seed {facts.run.seed}, data {facts.run.data_fingerprint[:16]}: the same seed and data give the same network.",
    ]


def _speed(run: Run) -> str:
    return f"{run.history['images_per_second'].median():,.0f} images/s"


def _embedded(drawn: Figure, description: str, width: int) -> str:
    return html.picture(style.png(drawn, dpi=HTML_DPI), description, width=width)


def _rows(canvas: style.Canvas, heights: list[float]) -> list[SubFigure]:
    """Parts one below the other."""
    return list(np.asarray(canvas.subfigures(len(heights), 1, height_ratios=heights)))


def _headed(canvas: SubFigure, text: str) -> None:
    canvas.suptitle(text, x=0.012, ha="left", fontsize=15, fontweight="bold", color=style.INK)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _listed(names: list[str], *, limit: int = 12) -> str:
    """`a, b and c`; long lists are cut."""
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
