"""Training curves: loss and accuracy over epochs and phases."""

from __future__ import annotations

from typing import TypeAlias

import keras
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnnkit.errors import InputError
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.visualize import style
from cnnkit.visualize.given_tables import rows_of
from cnnkit.visualize.score_names import score_name

Trained: TypeAlias = Run | Network | pd.DataFrame | keras.callbacks.History
"""What knows how a training went."""
NO_METRICS = ("phase", "epoch", "loss", "rate", "seconds", "images_per_second")
LETTER = 0.0165
"""Width of a bold letter, in that of a panel."""


def curves(run: Trained) -> Figure:
    """Metric, loss and rate over all epochs of a training.

    Epochs are counted through the whole run; each phase of the plan is a shaded band with its name. Solid blue is
    training, orange with points is validation. The rate is that of the head, on a logarithmic scale.

    Args:
        run: From `ck.fit`, or its `history`: one row an epoch with at least `phase` and `loss`; the network of
            `ck.finetune` or `ck.load`; or what Keras's `model.fit` returns, as one phase.

    Returns:
        A figure of 9 × 6.4 inches.

    Raises:
        InputError: No training: a history without epochs or columns, a network that knows of none, or something else.
    """
    figure = style.figure(9, 6.4)
    draw_curves(figure, run)
    return figure


def draw_curves(canvas: style.Canvas, run: Trained) -> None:
    """`curves` on a figure or a part of one."""
    history = _history(run)
    columns = [str(name) for name in history]
    metric = next((name for name in columns if name not in NO_METRICS and not name.startswith("val_")), None)
    epochs = np.arange(1, len(history) + 1)
    with style.styled():
        heights = [3.0] * (1 if metric is None else 2) + ([1.0] if "rate" in history else [])
        panels = canvas.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        for panel, name in zip(panels, [name for name in (metric, "loss") if name is not None], strict=False):
            _lines(panel, epochs, history, name, labelled=panel is panels[0])
        if "rate" in history:
            _rate(panels[-1], epochs, history["rate"])
        for number, panel in enumerate(panels):
            _bands(panel, history["phase"], with_names=number == 0)
            panel.grid(axis="y")
        panels[-1].set_xlabel("epoch")
        panels[-1].set_xlim(0.5, len(history) + 0.5)
        panels[-1].xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True, min_n_ticks=1))
        canvas.align_ylabels(list(panels))


def _history(run: Trained) -> pd.DataFrame:
    """One row per epoch."""
    known = run.run if isinstance(run, Network) else run
    if known is None:
        raise InputError(
            "a training",
            "nothing: a network knows of its own after ck.finetune and ck.load",
            "Pass what ck.fit returned: run = ck.fit(…).",
        )
    history = getattr(known, "history", known)
    if isinstance(history, dict):  # Keras's: metric → a value an epoch
        history = pd.DataFrame(history).assign(phase="fit").rename(columns={"learning_rate": "rate"})
    return rows_of(history, ("phase", "loss"), "Pass what ck.fit or model.fit returned.")


def _lines(panel: Axes, epochs: np.ndarray, history: pd.DataFrame, name: str, *, labelled: bool) -> None:
    """Training and validation values of one metric, each line named at its end."""
    many, alone = len(epochs) > 40, len(epochs) == 1
    lines = [(name, "training", style.TRAINING, "-")]
    if f"val_{name}" in history:
        lines.append((f"val_{name}", "validation", style.VALIDATION, "-"))
    for column, label, colour, line in lines:
        panel.plot(
            epochs,
            history[column],
            line,
            color=colour,
            label=label,
            marker=None if many else ("o" if column == name else "D"),
            markersize=(9 if alone else 4.5) if column == name else (8 if alone else 4),
            markeredgecolor=style.PAPER,
            markeredgewidth=0.6,
            clip_on=False,
            zorder=3,
        )
    panel.set_ylabel(score_name(name))
    if labelled:
        panel.legend(
            loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, handlelength=1.4, labelcolor="linecolor"
        )
    values = history[[column for column, *_ in lines]].to_numpy(float)
    if name != "loss" and values.min() >= 0 and values.max() <= 1:
        panel.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1, decimals=0, symbol=" %"))
        panel.set_ylim(min(values.min() - 0.02, 0.98), 1.0 if values.max() > 0.9 else None)
    elif name == "loss" and values.min() >= 0:
        panel.set_ylim(0, None)


def _rate(panel: Axes, epochs: np.ndarray, rates: pd.Series) -> None:
    marker = "_" if len(epochs) == 1 else None  # one epoch is no line
    panel.step(
        epochs, rates.where(rates > 0), where="mid", color=style.MUTED, linewidth=1.6, marker=marker, markersize=14
    )
    panel.set_yscale("log")
    panel.set_ylabel("rate")
    panel.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    positive = rates[rates > 0]
    if len(positive):
        panel.set_ylim(max(positive.min() / 2, positive.max() / 2e4), positive.max() * 2)  # a cosine ends near 0
        panel.yaxis.set_major_locator(matplotlib.ticker.LogLocator(numticks=4))


def _bands(panel: Axes, phases: pd.Series, *, with_names: bool) -> None:
    """A shade behind each phase, its name above the panel."""
    begins = np.flatnonzero(np.r_[True, phases.to_numpy()[1:] != phases.to_numpy()[:-1]])
    ends = np.r_[begins[1:], len(phases)]
    shares = (ends - begins) / len(phases)
    names = [str(phases.iloc[begin]) for begin in begins]
    crowded = any(len(name) * LETTER > share for name, share in zip(names, shares, strict=True))
    rooms = [int(share * (2 if crowded else 1) / (LETTER * 0.95 if crowded else LETTER)) for share in shares]
    names = [style.shortened(name, max(room, 3)) for name, room in zip(names, rooms, strict=True)]
    for number, (begin, end, name) in enumerate(zip(begins, ends, names, strict=True)):
        panel.axvspan(begin + 0.5, end + 0.5, color=style.BANDS[number % 2], linewidth=0, zorder=0)
        if with_names:
            panel.annotate(
                style.plain(name),
                ((begin + end + 1) / 2, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 5 + (14 if crowded and number % 2 else 0)),
                textcoords="offset points",
                ha="center",
                va="bottom",
                color=style.INK,
                fontweight="bold",
                fontsize=11 if not crowded else 9.5,
            )
