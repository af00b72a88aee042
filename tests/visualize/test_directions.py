"""Directions: dots on the circle, angles that are right, what lies behind a sphere."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import DataError
from cnnkit.visualize import directions

LABELS = [0, 0, 1, 1]


def at(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_dots_lie_on_the_circle_and_lines_point_to_the_means() -> None:
    axes = directions({"one": 7 * at(0, 20, 90, 110)}, LABELS).axes[0]
    dots = np.concatenate([np.asarray(dots.get_offsets()) for dots in axes.collections])
    np.testing.assert_allclose(dots, at(0, 20, 90, 110), atol=1e-9)
    ends = np.array([line.get_xydata()[1] for line in axes.lines])
    np.testing.assert_allclose(ends, at(10, 100), atol=1e-9)


def test_the_angles_are_told() -> None:
    figure = directions({"wide": at(0, 20, 90, 110), "narrow": at(8, 12, 88, 92)}, LABELS)
    told = [axes.get_xlabel() for axes in figure.axes]
    assert told == [
        "10° from the own mean\n90° between the nearest two",
        "2° from the own mean\n80° between the nearest two",
    ]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["wide", "narrow"]


def test_what_lies_behind_a_sphere_is_pale() -> None:
    vectors = [[1, 0, 0], [0.9, 0.3, 0], [0.9, 0, 0.3], [-1, 0.1, 0]]
    behind, front = directions({"ball": vectors}, [0, 0, 0, 1]).axes[0].collections
    assert len(behind.get_offsets()) == 1
    assert behind.get_alpha() < front.get_alpha()
    assert (np.linalg.norm(np.asarray(front.get_offsets()), axis=1) <= 1 + 1e-9).all()


@pytest.mark.parametrize("people", [1, 30])
def test_nothing_is_clipped(people: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(2 * people, 3))
    panels = {"a long title of an embedding, " * 3: vectors, "b": vectors, "c": vectors}
    figure = directions(panels, np.arange(people).repeat(2))
    figure.draw_without_rendering()
    end = 0.0
    for axes in figure.axes:
        box = axes.xaxis.label.get_window_extent()
        assert end <= box.x0 <= box.x1 <= figure.bbox.x1
        end = box.x1


def test_vectors_have_a_direction() -> None:
    with pytest.raises(DataError, match="with a direction"):
        directions({"a": np.zeros((4, 2))}, LABELS)
