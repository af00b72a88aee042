"""Directions: the vectors of an embedding on a circle or a sphere, with the angles that a margin is about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.visualize import style
from cnnkit.visualize.class_colours import class_colours

Doubles = NDArray[np.float64]


def directions(panels: Mapping[str, ArrayLike], labels: ArrayLike) -> Figure:
    """A circle or a sphere for each embedding of the same pictures, a dot per picture, a line per person's mean.

    Below each stand the two angles that tell whether people are kept apart: how far a picture is from the mean of its
    own person, on average, and how far the two nearest means are from each other. A margin makes the first smaller.

    Args:
        panels: Title → (n, 2) or (n, 3) vectors, not all of them 0; their lengths do not matter. On a sphere, which is
            seen from where most vectors point to, those behind are pale.
        labels: (n,) whole numbers: whom each picture shows.

    Returns:
        A figure as wide as a slide.

    Raises:
        InputError: No panels.
        DataError: Vectors of other lengths, of length 0, or not one for each label.
    """
    if not isinstance(panels, Mapping) or not panels or not all(isinstance(title, str) for title in panels):
        raise InputError("a title and vectors for each panel, at least one", repr(panels)[:100], '{"arcface": vectors}')
    people = np.asarray(labels)
    if people.ndim != 1 or people.dtype.kind not in "iu" or not len(people):
        raise DataError("labels as whole numbers, one per picture", repr(labels)[:100], "source.labels are some.")
    drawn = {title: _units(title, vectors, len(people)) for title, vectors in panels.items()}
    width = min(12.0, 1 + 3.6 * len(drawn))
    figure = style.figure(width, width / len(drawn) + 0.6)
    with style.styled():
        for axes, (title, vectors) in zip(np.atleast_1d(figure.subplots(1, len(drawn))), drawn.items(), strict=True):
            _draw(axes, vectors, people)
            axes.set_title(style.plain(style.shortened(title, 40)))
    return figure


def _draw(axes: Axes, vectors: Doubles, people: NDArray[np.generic]) -> None:
    shown, place = np.unique(people, return_inverse=True)
    sums = np.zeros((len(shown), vectors.shape[1]))
    np.add.at(sums, place, vectors)
    means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    view = _view(vectors) if vectors.shape[1] == 3 else np.eye(2)
    seen, lines = vectors @ view.T, means @ view.T
    colours = np.array(class_colours(len(shown)))
    axes.add_patch(Circle((0, 0), 1, facecolor=style.BANDS[0], edgecolor=style.FAINT, linewidth=1.2))
    if view.shape[0] == 3:
        _globe(axes)
    front = seen[:, 2] >= 0 if seen.shape[1] == 3 else np.ones(len(seen), bool)
    for rows, alpha in ((~front, 0.2), (front, 0.9)):
        axes.scatter(seen[rows, 0], seen[rows, 1], s=22, c=colours[place[rows]], alpha=alpha, linewidths=0, zorder=3)
    for line, colour in zip(lines, colours, strict=True):
        behind = len(line) == 3 and line[2] < 0
        axes.plot([0, line[0]], [0, line[1]], color=colour, linewidth=1.6, alpha=0.3 if behind else 1, zorder=2)
    axes.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12), aspect="equal")
    style.bare(axes)
    axes.set_xlabel(_angles(vectors, means, place))


def _angles(vectors: Doubles, means: Doubles, place: NDArray[np.int64]) -> str:
    """The two angles in words."""
    own = np.degrees(np.arccos(np.clip((vectors * means[place]).sum(axis=1), -1, 1))).mean()
    text = f"{own:.0f}° from the own mean"
    if len(means) < 2:
        return text
    between = np.degrees(np.arccos(np.clip(means @ means.T, -1, 1)))[np.triu_indices(len(means), 1)].min()
    return f"{text}\n{between:.0f}° between the nearest two"


def _globe(axes: Axes) -> None:
    """Circles of latitude as an orthographic projection shows them from a little above."""
    turn, tilt = np.linspace(0, 2 * np.pi, 90), np.radians(25)
    for latitude in np.radians([-60, -30, 0, 30, 60]):
        radius, height = np.cos(latitude), np.sin(latitude)
        x, y = radius * np.sin(turn), height * np.cos(tilt) - radius * np.cos(turn) * np.sin(tilt)
        hidden = height * np.sin(tilt) + radius * np.cos(turn) * np.cos(tilt) < 0
        axes.plot(x, np.where(hidden, np.nan, y), color=style.GRID, linewidth=0.9, zorder=1)


def _view(vectors: Doubles) -> Doubles:
    """(3, 3) rows right, up and toward the viewer: from the side that most vectors point to."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    toward = vectors.sum(axis=0)
    toward = axes[:, 0] if np.linalg.norm(toward) < 1e-9 else toward / np.linalg.norm(toward)
    right = axes[:, 2] - (axes[:, 2] @ toward) * toward
    if np.linalg.norm(right) < 1e-9:
        right = axes[:, 1] - (axes[:, 1] @ toward) * toward
    right = right / np.linalg.norm(right)
    right = right * (np.sign(right[np.abs(right).argmax()]) or 1)
    return np.stack([right, np.cross(toward, right), toward])


def _units(title: str, vectors: ArrayLike, count: int) -> Doubles:
    values = np.asarray(vectors)
    fine = values.ndim == 2 and values.shape[0] == count and values.shape[1] in (2, 3) and values.dtype.kind in "iuf"
    lengths = np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True) if fine else np.zeros(1)
    if not fine or not (np.isfinite(lengths) & (lengths > 0)).all():
        expected = f"({count}, 2) or ({count}, 3) vectors with a direction for {title!r}"
        raise DataError(expected, repr(vectors)[:100], "ck.heads.embedding(..., size=3) gives such.")
    return np.asarray(values / lengths, np.float64)
