"""Costs of each layer: memory, parameters, multiply-adds, and how far it sees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.given_tables import rows_of

if TYPE_CHECKING:
    from cnnkit.visualize.tapping import AnyNetwork

PANELS = {
    "activations": ("activations", style.SKY),
    "parameters": ("parameters", style.BLUE),
    "multiply_adds": ("multiply-adds", style.ORANGE),
    "receptive_field": ("receptive field", style.GREEN),
}
"""Column of the table → title and colour."""


def costs(table: pd.DataFrame | AnyNetwork, *, rows: int = 24) -> Figure:
    """Activations, parameters, multiply-adds and receptive field of every layer, side by side.

    Layers that cost nothing and change no shape (activations, dropout) are drawn with the one before. A network of
    more layers than `rows` is drawn by the size of its maps: one bar for all layers of 56 × 56, and so on. A bar of
    the receptive field ends where the picture does; its number goes on, as the arithmetic does.

    Args:
        table: A network, a backbone or a Keras model; or what `ck.primitives.count` or `ck.backbones.count` gives.
        rows: Bars at most; 24 fill a slide.

    Returns:
        A figure 12 inches wide.

    Raises:
        InputError: A table of something else, no network, or no rows.

    >>> from cnnkit.primitives import count
    >>> from cnnkit.primitives.layers import Conv, Dense, Flatten, Pool
    >>> _ = costs(count([Conv(32, 5), Pool(2), Flatten(), Dense(10)], (28, 28, 1)))
    """
    check_figure({"rows": rows})
    table = _counted(table)
    drawn = _grouped(table, rows)
    side = max((side for side in table["shape"].iloc[0][:-1] if side), default=None)
    made = style.figure(12, 1.3 + 0.27 * len(drawn))
    with style.styled():
        panels = made.subplots(1, len(PANELS), sharey=True)
        for axes, (column, (title, colour)) in zip(panels, PANELS.items(), strict=True):
            if column == "receptive_field":
                _field(axes, drawn[column], title, colour, side)
            else:
                _bars(axes, drawn[column], title, colour)
        _names(panels[0], drawn)
    return made


def _counted(given: pd.DataFrame | AnyNetwork) -> pd.DataFrame:
    """The table itself, or the counts of a network."""
    if not isinstance(given, pd.DataFrame):
        from cnnkit.backbones.model_costs import count  # a table needs no Keras
        from cnnkit.visualize.tapping import graph_of

        given = count(graph_of(given))
    return rows_of(given, ("name", "shape", *PANELS), "Pass a network, or what ck.primitives.count gives.")


def _grouped(table: pd.DataFrame, rows: int) -> pd.DataFrame:
    """One row per bar: layers, or groups of layers where not all fit."""
    drawn = _merged(table, _layers(table))
    shapes = _unpadded(table)
    for groups in (_maps(shapes), _maps(_steady(shapes))):
        if len(drawn) > rows:
            drawn = _taken_together(table, groups)
    if len(drawn) > rows:  # as even as possible
        drawn = _taken_together(table, pd.Series(np.arange(len(table)) * rows // len(table), index=table.index))
    return drawn


def _taken_together(table: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """One row per group of layers, with the names of its first and last layer and the shape of its last maps."""
    names, shapes = table["name"].groupby(groups), table["shape"].groupby(groups)
    first, last = (part.map(lambda name: style.shortened(name, 17)) for part in (names.first(), names.last()))
    made = _merged(table, groups).assign(name=first.where(names.size() == 1, first + " – " + last))
    axes = len(table["shape"].iloc[0])  # a shuffle of channels has one more
    told = {group: next((shape for shape in members[::-1] if len(shape) == axes), None) for group, members in shapes}
    return made.assign(shape=[told[group] or shape for group, shape in made["shape"].items()])


def _layers(table: pd.DataFrame) -> pd.Series:
    """One number per row, equal for a layer and those behind it that cost nothing."""
    shapes = table["shape"].map(str)
    return ((table["multiply_adds"] > 0) | (shapes != shapes.shift())).cumsum()


def _unpadded(table: pd.DataFrame) -> pd.Series:
    """The shapes; a layer that only pads has that of the next, since a border is no other size of maps."""
    pads = table["kind"].str.contains("Padding") if "kind" in table else pd.Series(False, index=table.index)
    return table["shape"].where(~pads).bfill().ffill()


def _maps(shapes: pd.Series) -> pd.Series:
    """One number per row, equal for consecutive layers whose maps have the same sides."""
    sides = shapes.map(lambda shape: str(shape[:-1]))
    return (sides != sides.shift()).cumsum()


def _steady(shapes: pd.Series) -> pd.Series:
    """For each layer the largest maps from there on, as a shape without channels.

    A side way (the one number for each channel of squeeze and excitation, the strided branch of a cell) belongs to the
    maps that it comes back to.
    """
    sizes = [math.prod(side or 1 for side in shape[:-1]) if len(shape) > 1 else 0 for shape in shapes]
    largest = np.maximum.accumulate(sizes[::-1])[::-1]
    return pd.Series([(int(size), 1) for size in largest], index=shapes.index)


def _merged(table: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """One row per group: summed costs, and shape and receptive field of the last layer; flattening costs nothing."""
    grouped = table.groupby(groups)
    summed = ["activations", "parameters", "multiply_adds"]
    made = grouped.last().assign(name=grouped["name"].first())
    made[summed] = grouped[summed].sum()
    return made[made[summed].sum(axis=1) > 0]


def _bars(axes: Axes, values: pd.Series, title: str, colour: str) -> None:
    """A panel with one bar and its number per row, and the sum in the title."""
    numbers = [0.0 if pd.isna(value) else float(value) for value in values]
    longest = max(numbers) or 1.0
    axes.barh(range(len(numbers)), numbers, height=0.72, color=colour, linewidth=0)
    for row, number in enumerate(numbers):
        if number:
            axes.annotate(
                compact(number),
                (number, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=style.MUTED,
                bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.8},
            )
    axes.set_title(f"{title}\n{compact(sum(numbers))}", color=style.INK)
    axes.set_xlim(0, 1.28 * longest)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _field(axes: Axes, fields: pd.Series, title: str, colour: str, side: int | None) -> None:
    """The panel of the receptive field: bars that end where the picture does, and numbers that go on."""
    known = [0.0 if pd.isna(field) else float(field) for field in fields]
    _bars(axes, pd.Series([min(field, side or field) for field in known]), title, colour)
    for text, field in zip(axes.texts, filter(None, known), strict=True):
        text.set_text(
            compact(field) if side is None or field < side else "all" if field == side else f"all, {compact(field)}"
        )
    widest = max(known)
    axes.set_title(f"{title}\n" + (f"up to {compact(widest)}" if widest else "not known"), color=style.INK)
    if side and widest:
        axes.axvline(side, color=style.MUTED, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_xlim(0, 1.45 * side if widest >= side else 1.1 * side)
        axes.set_xlabel(f"dashed: the picture, {side} pixels", loc="right")


def _names(axes: Axes, drawn: pd.DataFrame) -> None:
    """The layers' names and shapes, from top to bottom."""
    labels = [
        f"{style.plain(style.shortened(name, 37))}   {' × '.join('?' if side is None else str(side) for side in shape)}"
        for name, shape in zip(drawn["name"], drawn["shape"], strict=True)
    ]
    axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
    axes.tick_params(axis="y", length=0, labelcolor=style.INK)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def compact(number: float) -> str:
    """A number in three digits: K thousand, M million, G billion.

    >>> compact(34_944), compact(138_357_544), compact(15.47e9), compact(212), compact(0)
    ('34.9K', '138M', '15.5G', '212', '0')
    """
    if number < 1000:
        return f"{number:.0f}"
    power = min(int(math.log10(number) // 3), 4)
    scaled = number / 1000**power
    return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}{' KMGT'[power]}"
